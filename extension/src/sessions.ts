import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import { Link } from './link';
import { Service } from './service';

/** A notebook that is open, and what is known of its kernel. */
export interface ISession {
  readonly notebook: NotebookPanel;
  readonly service: Service;
}

/** One service for every open notebook, so that a kernel's hello is heard whether a panel is open or not. */
export class Sessions {
  constructor(tracker: INotebookTracker) {
    tracker.widgetAdded.connect((_, notebook) => this.#add(notebook));
    tracker.forEach(notebook => this.#add(notebook));
  }

  /** A notebook was opened, closed or renamed. */
  get changed(): ISignal<Sessions, void> {
    return this.#changed;
  }

  /** A kernel asks for its nets to be shown. */
  get inspectRequested(): ISignal<Sessions, ISession> {
    return this.#inspectRequested;
  }

  find(path: string): ISession | null {
    return [...this.#sessions].find(session => session.notebook.context.path === path) ?? null;
  }

  #add(notebook: NotebookPanel): void {
    const service = new Service(new Link(notebook.sessionContext));
    const session: ISession = { notebook, service };
    this.#sessions.add(session);
    service.inspectRequested.connect(() => this.#inspectRequested.emit(session));
    notebook.context.pathChanged.connect(() => this.#changed.emit(undefined));
    notebook.disposed.connect(() => {
      this.#sessions.delete(session);
      service.dispose();
      this.#changed.emit(undefined);
    });
    this.#changed.emit(undefined);
  }

  readonly #sessions = new Set<ISession>();
  readonly #changed = new Signal<Sessions, void>(this);
  readonly #inspectRequested = new Signal<Sessions, ISession>(this);
}
