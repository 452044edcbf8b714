import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import { Choice, layerToShow, netToShow, newlyFailed, sameNets } from './choice';
import type { ILink } from './connection';
import type { IAnswer } from './pending';
import { LinkError } from './pending';
import { Gathering } from './panels/tensor/gathering';
import type { Part } from './panels/tensor/model';
import { TensorView, USUAL } from './panels/tensor/model';
import type { IState } from './state';
import { isSourceOf, merge, NO_NET, START } from './state';
import type { Check, Graph, GraphNode, NetList, NetUpdate, Push, Reply, Request } from './protocol';

/** Gradient checks of large layers take their time. */
const CHECK_TIMEOUT = 600_000;

/** What brought a list of nets. On a refresh the kernel only repeats what it asked for before. */
type Occasion = 'push' | 'hello' | 'refresh';

/** Turns the kernel's messages into what the panels show. Knows nothing of the page. */
export class Service implements IDisposable {
  readonly choice = new Choice();

  constructor(link: ILink) {
    this.#link = link;
    this.#state = { ...START, link: link.state };
    link.stateChanged.connect(this.#onLinkState, this);
    link.pushed.connect(this.#onPush, this);
    link.lost.connect(() => this.refresh());
    link.announced.connect(this.#onAnnounced, this);
    link.problem.connect((_, problem) => this.#set({ problem }));
    this.#onLinkState();
  }

  get state(): IState {
    return this.#state;
  }

  get changed(): ISignal<Service, void> {
    return this.#changed;
  }

  /** Emitted when the kernel asks for a net to be shown. */
  get inspectRequested(): ISignal<Service, string> {
    return this.#inspectRequested;
  }

  get isDisposed(): boolean {
    return this.#link.isDisposed;
  }

  /** While nobody looks, nothing is pulled and the kernel watches nothing. */
  set visible(visible: boolean) {
    if (visible === this.#visible) {
      return;
    }
    this.#visible = visible;
    this.#link.watching = visible; // which says that pushes were missed, so that everything is fetched
    this.#pauseViews();
  }

  get visible(): boolean {
    return this.#visible;
  }

  /** The selected layer. */
  get selectedNode(): GraphNode | null {
    return this.node(this.#state.selected);
  }

  node(index: number | null): GraphNode | null {
    return this.#state.graph?.nodes.find(node => node.index === index) ?? null;
  }

  dispose(): void {
    if (!this.isDisposed) {
      this.#views.forEach(view => view.dispose());
      this.#link.dispose();
      Signal.clearData(this.choice);
      Signal.clearData(this);
    }
  }

  retry(): void {
    this.#link.connect();
  }

  dismissProblem(): void {
    this.#set(this.#state.problem === null ? { mismatch: null } : { problem: null });
  }

  /** Fetch everything that is shown again. */
  refresh(): void {
    void this.#listNets();
    if (this.#visible && this.#state.net !== null) {
      void this.#fetchGraph(this.#state.net);
      this.#views.forEach(view => view.refresh(true));
    }
  }

  chooseNet(net: string | null): void {
    if (net === this.#state.net) {
      return;
    }
    this.#set({ ...NO_NET, ...this.#pushed.get(net ?? ''), net, problem: null });
    if (net !== null && this.#visible) {
      void this.#fetchGraph(net);
    }
  }

  /** A person selects a layer, or none. */
  select(selected: number | null): void {
    this.choice.select(this.node(selected)?.name ?? null);
    this.#show(selected);
  }

  /** Run a gradient check of a layer, `full` for one by one; its result comes as the layer's state. */
  async check(layer: number, full = false): Promise<void> {
    const net = this.#state.net;
    if (net === null || this.#state.checking.has(layer)) {
      return;
    }
    const errors = new Map(this.#state.checkErrors);
    errors.delete(layer);
    this.#set({ checking: new Set([...this.#state.checking, layer]), checkErrors: errors });
    const failure = await this.#runCheck(net, layer, full);
    if (this.#state.net !== net) {
      return;
    }
    const checking = new Set(this.#state.checking);
    checking.delete(layer);
    const checkErrors = new Map(this.#state.checkErrors);
    if (failure !== null) {
      checkErrors.set(layer, failure);
    }
    this.#set({ checking, checkErrors });
  }

  /** A view of one part of a blob of the net shown; to be disposed by who asked for it. */
  openView(ref: string, part: Part, look = USUAL): TensorView {
    const net = this.#state.net ?? '';
    const view = new TensorView(ref, part, this.#looks.of(net, ref, part), gone => this.#views.delete(gone));
    this.#views.add(view);
    view.paused = this.#isAway;
    view.look = look;
    return view;
  }

  /** The answer to a request, or in words why there is none. */
  async answer(request: Request, timeout?: number): Promise<Reply | string> {
    try {
      const { reply } = await this.#link.request(request, timeout);
      return reply.kind === 'failed' ? reply.message : reply;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  async #runCheck(net: string, layer: number, full: boolean): Promise<string | null> {
    const reply = await this.answer({ kind: 'check_layer', net, layer, full }, CHECK_TIMEOUT);
    if (typeof reply !== 'string' && reply.kind === 'checked') {
      this.#acceptCheck(net, reply.layer, reply.check);
      return null;
    }
    return typeof reply === 'string' ? reply : `The kernel answered '${reply.kind}' to a gradient check.`;
  }

  #acceptCheck(net: string, layer: number, check: Check): void {
    const known = this.#state.states.get(layer) ?? { index: layer, version: 0, note: '', error: null };
    if (net === this.#state.net) {
      this.#set({ states: new Map(this.#state.states).set(layer, { ...known, check }) });
    }
  }

  /** Whether nothing is to be pulled: nobody looks, or there is nobody to ask. */
  get #isAway(): boolean {
    return !this.#visible || this.#link.state !== 'connected';
  }

  #pauseViews(): void {
    for (const view of this.#views) {
      view.paused = this.#isAway;
    }
  }

  #onLinkState(): void {
    const link = this.#link.state;
    this.#pauseViews();
    if (link === 'connected') {
      this.#set({ link, problem: null, mismatch: this.#link.mismatch });
      this.refresh();
    } else if (link === 'connecting') {
      this.#set({ link });
    } else {
      this.#lastInspect = null;
      this.#pushed.clear();
      this.#set({ ...START, link });
    }
  }

  /** The kernel says hello again when a net is to be shown, be it the one that was shown before. */
  #onAnnounced(): void {
    void this.#listNets('hello');
  }

  #onPush(_: unknown, push: Push): void {
    if (push.kind === 'net_list') {
      this.#acceptNets(push, 'push');
    } else {
      this.#acceptUpdate(push);
    }
  }

  async #listNets(why: Occasion = 'refresh'): Promise<void> {
    const { reply } = (await this.#ask({ kind: 'list_nets' })) ?? {};
    if (reply?.kind === 'net_list') {
      this.#acceptNets(reply, why);
    } else if (reply?.kind === 'failed') {
      this.#set({ problem: reply.message });
    }
  }

  #acceptNets(list: NetList, why: Occasion): void {
    const before = this.#state.nets;
    const same = sameNets(list.nets, before);
    this.#set({ nets: list.nets, listed: true });
    for (const id of this.#pushed.keys()) {
      if (!list.nets.some(net => net.id === id)) {
        this.#pushed.delete(id);
      }
    }
    // A hello, and a push that only repeats the nets, are sent to show one; otherwise a net is shown when it is newly
    // named. (The answer to an earlier question may have named it already, without opening anything.)
    const sent = why === 'hello' || (why === 'push' && same);
    const asked = list.inspect !== null && (sent || list.inspect !== this.#lastInspect);
    this.#lastInspect = list.inspect ?? this.#lastInspect;
    const here = (id: string | null): boolean => list.nets.some(net => net.id === id);
    if (asked && here(list.inspect)) {
      this.chooseNet(list.inspect);
      if (why !== 'refresh') {
        this.#inspectRequested.emit(list.inspect ?? '');
      }
    } else if (!here(this.#state.net)) {
      this.chooseNet(
        netToShow(
          list.nets,
          before.find(({ id }) => id === this.#state.net)
        )
      );
    }
  }

  async #fetchGraph(net: string): Promise<void> {
    if (this.#fetching === net) {
      this.#again.add(net);
      return;
    }
    this.#fetching = net;
    this.#again.clear();
    const { reply } = (await this.#ask({ kind: 'get_graph', net })) ?? {};
    if (this.#fetching !== net) {
      return; // another net was asked for meanwhile
    }
    this.#fetching = null;
    if (net !== this.#state.net) {
      return;
    }
    if (reply?.kind === 'graph') {
      this.#acceptGraph(reply);
    } else if (reply?.kind === 'failed') {
      this.#set({ problem: reply.message });
    }
    if (this.#again.delete(net)) {
      void this.#fetchGraph(net);
    }
  }

  #acceptGraph(graph: Graph): void {
    const failed = this.#state.graph ? newlyFailed(this.#state.states, graph.states) : null;
    this.#set({
      graph,
      states: new Map(graph.states.map(state => [state.index, state])),
      selected: layerToShow(graph, this.choice.layer, this.selectedNode?.name ?? null)
    });
    if (failed?.born) {
      this.select(failed.index);
    }
    this.#fetchSourceIfStale();
  }

  #acceptUpdate(update: NetUpdate): void {
    const known = this.#pushed.get(update.net)?.times ?? NO_NET.times;
    const times = update.times.length > 0 ? merge(known, update.times) : known;
    this.#pushed.set(update.net, { update, times });
    if (update.net !== this.#state.net) {
      return;
    }
    const before = this.#state.update;
    const failed = newlyFailed(this.#state.states, update.states);
    this.#set({
      update,
      times,
      states: update.states.length > 0 ? merge(this.#state.states, update.states) : this.#state.states
    });
    const ended = before?.running === true && !update.running;
    if (before?.stamp !== update.stamp || ended) {
      this.#views.forEach(view => view.refresh(ended));
    }
    if (update.revision !== this.#state.graph?.revision) {
      void this.#fetchGraph(update.net);
    }
    if (failed) {
      this.#showFailed(failed);
    }
    this.#fetchSourceIfStale();
  }

  #show(selected: number | null): void {
    if (selected !== this.#state.selected) {
      this.#set({ selected, source: null });
      this.#fetchSourceIfStale();
    }
  }

  /**
   * Show a layer that has failed, unless a person has selected another one, or the one shown has failed too. Where a NaN
   * was born is shown in any case: somebody asked for it.
   */
  #showFailed({ index, born }: { index: number; born: boolean }): void {
    const shown = this.selectedNode;
    const chosen = shown !== null && shown.name === this.choice.layer;
    if (born && this.node(index)) {
      this.select(index);
    } else if (this.node(index) && !chosen && !this.#state.states.get(shown?.index ?? -1)?.error) {
      this.#show(index);
    }
  }

  /** Fetch the selected Python layer's code where it may not be what is shown. */
  #fetchSourceIfStale(): void {
    const { net, selected, states, source } = this.#state;
    if (net === null || selected === null || !this.selectedNode?.python) {
      return;
    }
    const { version = 0, error } = states.get(selected) ?? {};
    const fault = error ? `${error.line} ${error.message}` : '';
    if (!isSourceOf(source, selected, version, fault)) {
      void this.#fetchSource(net, selected, version, fault);
    }
  }

  async #fetchSource(net: string, layer: number, version: number, fault: string): Promise<void> {
    const old = this.#state.source;
    const text = old?.layer === layer ? old.text : null;
    this.#set({ source: { layer, version, fault, text, error: null } });
    const { reply } = (await this.#ask({ kind: 'get_source', net, layer })) ?? {};
    const { source } = this.#state;
    if (net !== this.#state.net || !isSourceOf(source, layer, version, fault)) {
      return;
    }
    if (reply?.kind === 'source_text') {
      this.#set({ source: { ...source, text: reply } });
    } else if (reply?.kind === 'failed') {
      this.#set({ source: { ...source, error: reply.message } });
    }
  }

  /** An answer, or null with the problem noted where there was none. */
  async #ask(request: Parameters<ILink['request']>[0]): Promise<IAnswer | null> {
    try {
      return await this.#link.request(request);
    } catch (error) {
      if (!(error instanceof LinkError) || this.#link.state === 'connected') {
        this.#set({ problem: error instanceof Error ? error.message : String(error) });
      }
      return null;
    }
  }

  #set(change: Partial<IState>): void {
    this.#state = { ...this.#state, ...change };
    this.#changed.emit(undefined);
  }

  readonly #link: ILink;
  readonly #views = new Set<TensorView>();
  readonly #looks = new Gathering((net, looks) => this.#link.request({ kind: 'get_tensors', net, looks }));
  /** What was pushed of each net: of one that is idle nothing more may come. */
  readonly #pushed = new Map<string, Pick<IState, 'update' | 'times'>>();
  /** Nets whose graph has changed since it was asked for. */
  readonly #again = new Set<string>();
  readonly #changed = new Signal<Service, void>(this);
  readonly #inspectRequested = new Signal<Service, string>(this);
  #state: IState;
  #visible = false;
  #lastInspect: string | null = null;
  #fetching: string | null = null;
}
