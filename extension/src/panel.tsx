import { ReactWidget } from '@jupyterlab/ui-components';
import type { IDisposable } from '@lumino/disposable';
import type { Message } from '@lumino/messaging';
import { MessageLoop } from '@lumino/messaging';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';
import { Panel, SplitPanel, Widget } from '@lumino/widgets';
import type { ReactElement } from 'react';

import type { IChosen } from './choice';
import { Boundary } from './components/boundary';
import { Details } from './components/details';
import { Header } from './components/header';
import { useSignal } from './components/hooks';
import { testids } from './components/testids';
import { Vacancy, reasonOf } from './components/vacancy';
import type { Keeper } from './keeper';
import type { FileOpener } from './open';
import { GraphBody } from './panels/graph/body';
import type { Layouter } from './panels/graph/layout';
import { shelfOf } from './panels/tensor/shelf';
import type { Service } from './service';
import type { Sessions } from './sessions';

/** From this width on the graph stands beside the details, below it above them. */
const SIDE_BY_SIDE = 620;
/** What the graph and the details get of the room: side by side, and one above the other. */
const SHARES = { horizontal: [9, 11], vertical: [11, 9] };

export interface IPanelOptions {
  /** The notebook whose kernel is looked into. */
  path: string;
  /** What the panel had chosen before the page was reloaded. */
  kept: Partial<IChosen>;
  sessions: Sessions;
  layouter: Layouter;
  openFile: FileOpener;
  openNotebook: (path: string) => void;
  keeper: Keeper;
}

/** The panel beside a notebook. */
export class CaffePanel extends Panel {
  constructor(options: IPanelOptions) {
    super();
    this.#options = options;
    this.#path = options.path;
    this.#kept = options.kept;
    this.id = `caffe-nb-${++count}`;
    this.addClass('caffe-nb');
    this.node.dataset.testid = testids.panel;
    this.title.closable = true;
    this.#split.addClass('caffe-nb-split');
    this.addWidget(this.#header);
    this.addWidget(this.#vacancy);
    this.addWidget(this.#split);
    this.#split.addWidget(
      named(
        'caffe-nb-graph-place',
        this.#within('The graph', service => <GraphBody service={service} layouter={options.layouter} />)
      )
    );
    this.#split.addWidget(
      named(
        'caffe-nb-details-place',
        this.#within('What is shown of the layer', service => (
          <Details service={service} openFile={this.#openFile} />
        ))
      )
    );
    this.#split.setRelativeSizes(SHARES.horizontal);
    this.#observer.observe(this.#split.node);
    options.sessions.changed.connect(this.#follow, this);
    this.#follow();
  }

  get path(): string {
    return this.#path;
  }

  /** What is chosen in the panel, to be given to it again after a page reload. */
  get kept(): Partial<IChosen> {
    return this.#kept;
  }

  /** What has to be kept over a page reload is another: the notebook was renamed, or something else chosen. */
  get keptChanged(): ISignal<CaffePanel, void> {
    return this.#keptChanged;
  }

  override dispose(): void {
    if (this.isDisposed) {
      return;
    }
    this.#options.sessions.changed.disconnect(this.#follow, this);
    this.#take(null);
    this.#observer.disconnect();
    super.dispose();
  }

  /** Closed is gone: the kernel is watched no more, and a reloaded page does not bring the panel back. */
  protected override onCloseRequest(message: Message): void {
    super.onCloseRequest(message);
    this.dispose();
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.#tellVisible();
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this.#tellVisible();
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    document.addEventListener('visibilitychange', this.#tellVisible);
    this.#tellVisible();
  }

  protected override onBeforeDetach(message: Message): void {
    document.removeEventListener('visibilitychange', this.#tellVisible);
    super.onBeforeDetach(message);
  }

  protected override onResize(message: Widget.ResizeMessage): void {
    const width = message.width < 0 ? this.node.clientWidth : message.width;
    const orientation = width >= SIDE_BY_SIDE ? 'horizontal' : 'vertical';
    if (orientation !== this.#split.orientation) {
      this.#split.orientation = orientation;
      this.#split.setRelativeSizes(SHARES[orientation]);
    }
    super.onResize(message);
  }

  /** Take the notebook's service, also when it was closed and opened again, or renamed. */
  #follow(): void {
    const held = this.#service && this.#notebookPath?.();
    if (held && held !== this.#path) {
      this.#path = held;
      this.#keptChanged.emit(undefined);
    }
    const session = this.#options.sessions.find(this.#path);
    this.#notebookPath = session ? (): string => session.notebook.context.path : null;
    this.#take(session?.service ?? null);
    const name = this.#path.split('/').at(-1) ?? this.#path;
    this.title.label = `${name.replace(/\.ipynb$/, '')} nets`;
    this.title.caption = `Caffe nets in the kernel of ${this.#path}`;
  }

  #take(service: Service | null): void {
    if (service === this.#service && this.#drawn) {
      return;
    }
    this.#drawn = true;
    const old = this.#service;
    if (old && !old.isDisposed) {
      old.changed.disconnect(this.#arrange, this);
      old.choice.changed.disconnect(this.#keep, this);
      old.visible = false;
    }
    this.#service = service;
    if (service) {
      service.choice.recall(this.#kept);
      service.choice.changed.connect(this.#keep, this);
      this.#kept = service.choice.chosen;
    }
    this.#shelf?.dispose();
    this.#shelf = service ? this.#options.keeper.follow(shelfOf(service), () => this.#path) : null;
    service?.changed.connect(this.#arrange, this);
    this.#serviceChanged.emit(undefined);
    this.#tellVisible();
    this.#arrange();
  }

  #keep(choice: Service['choice']): void {
    this.#kept = choice.chosen;
    this.#keptChanged.emit(undefined);
  }

  readonly #tellVisible = (): void => {
    if (this.#service && !this.#service.isDisposed) {
      this.#service.visible = this.isVisible && document.visibilityState === 'visible';
    }
  };

  /** Show the net, or the words that say why there is none. */
  #arrange(): void {
    const state = this.#service?.state ?? null;
    const empty = reasonOf(state) !== null;
    this.node.dataset.state = state?.link ?? 'no-notebook';
    this.node.dataset.net = state?.net ?? '';
    this.#vacancy.setHidden(!empty);
    this.#split.setHidden(empty);
  }

  #within(name: string, draw: (service: Service) => ReactElement): ReactElement {
    return <WithService name={name} changed={this.#serviceChanged} get={() => this.#service} draw={draw} />;
  }

  /** Files open beside the notebook, not over the panel. */
  readonly #openFile = (path: string, line: number): Promise<boolean> =>
    this.#options.openFile(path, line, this.#options.sessions.find(this.#path)?.notebook.id ?? null);

  readonly #options: IPanelOptions;
  readonly #serviceChanged = new Signal<CaffePanel, void>(this);
  readonly #keptChanged = new Signal<CaffePanel, void>(this);
  #path: string;
  #kept: Partial<IChosen>;
  #notebookPath: (() => string) | null = null;
  #service: Service | null = null;
  /** What keeps the shelf of the service. */
  #shelf: IDisposable | null = null;
  #drawn = false;
  readonly #header = named(
    'caffe-nb-header-place',
    this.#within('The header', service => <Header service={service} />)
  );
  readonly #vacancy = named(
    'caffe-nb-vacancy-place',
    <VacancyOf
      changed={this.#serviceChanged}
      get={() => this.#service}
      path={() => this.#path}
      onOpen={() => this.#options.openNotebook(this.#path)}
    />
  );
  readonly #split = new SplitPanel({ orientation: 'horizontal', spacing: 1 });
  /** The line above grows and shrinks with what it says, which Lumino does not tell the widgets below. */
  readonly #observer = new ResizeObserver(() =>
    MessageLoop.postMessage(this.#split, Widget.ResizeMessage.UnknownSize)
  );
}

let count = 0;

function named(name: string, element: ReactElement): Widget {
  const widget = ReactWidget.create(element);
  widget.addClass(name);
  return widget;
}

interface IHeld {
  changed: ISignal<unknown, unknown>;
  get: () => Service | null;
}

/** Draws with the service that the panel has now. */
function WithService({
  name,
  changed,
  get,
  draw
}: IHeld & { name: string; draw: (service: Service) => ReactElement }): ReactElement | null {
  const service = useSignal(changed, get);
  return service ? (
    <Boundary name={name} shows={service}>
      {draw(service)}
    </Boundary>
  ) : null;
}

function VacancyOf(props: IHeld & { path: () => string; onOpen: () => void }): ReactElement | null {
  const { changed, get, path, onOpen } = props;
  const service = useSignal(changed, get);
  const reason = useSignal(service?.changed ?? changed, () => reasonOf(service?.state ?? null));
  return reason ? (
    <Boundary name="Why there is no net" shows={reason}>
      <Vacancy reason={reason} path={path()} onOpen={onOpen} />
    </Boundary>
  ) : null;
}
