import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { ILink, LinkState } from '../connection';
import type { IAnswer } from '../pending';
import type { Push, Reply, Request } from '../protocol';

export type Script = (request: Request) => Reply | IAnswer | Promise<Reply | IAnswer>;

/** A link whose kernel is a script. */
export class FakeLink implements ILink {
  readonly requests: Request[] = [];
  isDisposed = false;
  mismatch: string | null = null;
  script: Script = () => ({ kind: 'failed', message: 'no script' });
  #state: LinkState = 'absent';
  #watching = false;
  readonly #stateChanged = new Signal<ILink, LinkState>(this);
  readonly #pushed = new Signal<ILink, Push>(this);
  readonly #lost = new Signal<ILink, void>(this);
  readonly #announced = new Signal<ILink, void>(this);
  readonly #problem = new Signal<ILink, string>(this);

  get state(): LinkState {
    return this.#state;
  }

  get stateChanged(): ISignal<ILink, LinkState> {
    return this.#stateChanged;
  }

  get pushed(): ISignal<ILink, Push> {
    return this.#pushed;
  }

  get lost(): ISignal<ILink, void> {
    return this.#lost;
  }

  get announced(): ISignal<ILink, void> {
    return this.#announced;
  }

  get problem(): ISignal<ILink, string> {
    return this.#problem;
  }

  get watching(): boolean {
    return this.#watching;
  }

  set watching(watching: boolean) {
    this.#watching = watching;
    if (watching && this.#state === 'connected') {
      this.lose();
    }
  }

  connect(): void {
    this.become('connected');
  }

  dispose(): void {
    this.isDisposed = true;
    Signal.clearData(this);
  }

  async request(request: Request): Promise<IAnswer> {
    this.requests.push(request);
    const said = await this.script(request);
    return 'reply' in said ? said : { reply: said, buffers: [] };
  }

  become(state: LinkState): void {
    this.#state = state;
    this.#stateChanged.emit(state);
  }

  push(push: Push): void {
    this.#pushed.emit(push);
  }

  lose(): void {
    this.#lost.emit(undefined);
  }

  announce(): void {
    this.#announced.emit(undefined);
  }

  complain(problem: string): void {
    this.#problem.emit(problem);
  }

  /** How many requests of a kind were made. */
  count(kind: Request['kind']): number {
    return this.requests.filter(request => request.kind === kind).length;
  }
}
