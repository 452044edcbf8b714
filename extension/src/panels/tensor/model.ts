import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { IAnswer } from '../../pending';
import type { BlobInfo, GraphNode, Tensor } from '../../protocol';

/** The shortest time between two pulls of one view, milliseconds. */
const SHORTEST_INTERVAL = 200;
/** A view is pulled so rarely that waiting for it takes at most a quarter of the time. */
const PATIENCE = 4;

export type Part = Tensor['part'];

/** What a view shows: the last answer, and what went wrong since. */
export interface IViewState {
  readonly tensor: Tensor | null;
  readonly values: Float32Array;
  readonly error: string | null;
}

const NOTHING: IViewState = { tensor: null, values: new Float32Array(0), error: null };

/** One part of one blob, pulled again whenever it may have changed; never more than one pull at a time. */
export class TensorView {
  constructor(
    readonly ref: string,
    readonly part: Part,
    pull: (index: readonly number[]) => Promise<IAnswer>,
    onDispose: (view: TensorView) => void = () => undefined
  ) {
    this.#pull = pull;
    this.#onDispose = onDispose;
  }

  get state(): IViewState {
    return this.#state;
  }

  get changed(): ISignal<TensorView, void> {
    return this.#changed;
  }

  /** Position on the axes that are not shown. */
  get index(): readonly number[] {
    return this.#index;
  }

  set index(index: readonly number[]) {
    this.#index = index;
    this.refresh();
  }

  /** A paused view pulls nothing, and catches up when it goes on. */
  get paused(): boolean {
    return this.#paused;
  }

  set paused(paused: boolean) {
    this.#paused = paused;
    if (!paused && this.#wanted !== this.#served) {
      this.#schedule();
    }
  }

  /** Pull as soon as that is due. */
  refresh(): void {
    this.#wanted += 1;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#disposed || this.#paused || this.#outstanding || this.#timer !== undefined) {
      return;
    }
    const wait = this.#due - Date.now();
    if (wait <= 0) {
      void this.#run();
    } else {
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        if (!this.#paused && !this.#disposed) {
          void this.#run();
        }
      }, wait);
    }
  }

  dispose(): void {
    this.#disposed = true;
    clearTimeout(this.#timer);
    this.#onDispose(this);
    Signal.clearData(this);
  }

  async #run(): Promise<void> {
    const serving = this.#wanted;
    this.#outstanding = true;
    const start = Date.now();
    let next: IViewState;
    try {
      const { reply, values } = await this.#pull(this.#index);
      next = this.#accept(reply, values);
    } catch (error) {
      next = { ...this.#state, error: error instanceof Error ? error.message : String(error) };
    }
    this.#outstanding = false;
    this.#served = serving;
    this.#due = start + Math.max(SHORTEST_INTERVAL, PATIENCE * (Date.now() - start));
    if (this.#disposed) {
      return;
    }
    this.#state = next;
    this.#changed.emit(undefined);
    if (this.#wanted !== serving) {
      this.#schedule();
    }
  }

  #accept(reply: IAnswer['reply'], values: Float32Array): IViewState {
    if (reply.kind === 'failed') {
      return { ...this.#state, error: reply.message };
    }
    if (reply.kind !== 'tensor') {
      return { ...this.#state, error: `The kernel answered '${reply.kind}' where a tensor was asked for.` };
    }
    if (values.length < reply.tiles * reply.rows * reply.cols) {
      return { ...this.#state, error: 'The kernel sent fewer values than it said.' };
    }
    return { tensor: reply, values, error: null };
  }

  readonly #pull: (index: readonly number[]) => Promise<IAnswer>;
  readonly #onDispose: (view: TensorView) => void;
  readonly #changed = new Signal<TensorView, void>(this);
  #state: IViewState = NOTHING;
  #index: readonly number[] = [];
  #paused = false;
  #wanted = 0;
  #served = 0;
  #outstanding = false;
  #disposed = false;
  #due = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
}

/** An axis that is not shown and has more than one position. */
export interface IHiddenAxis {
  axis: number;
  size: number;
  position: number;
}

export function hiddenAxes(tensor: Tensor): IHiddenAxis[] {
  return tensor.shape
    .map((size, axis) => ({ axis, size, position: tensor.index[axis] ?? 0 }))
    .filter(({ axis, size }) => size > 1 && !tensor.axes.includes(axis));
}

/** A blob in the list of a layer, with what it is to the layer. */
export interface IRole {
  role: 'bottom' | 'top' | 'bottom and top' | 'param';
  blob: BlobInfo;
}

/** The blobs of a layer, each once: an in-place layer's bottom is its top. */
export function roles(node: GraphNode): IRole[] {
  const found = new Map<string, IRole>();
  const add = (role: IRole['role'], blob: BlobInfo): void => {
    const known = found.get(blob.ref);
    if (known === undefined) {
      found.set(blob.ref, { role, blob });
    } else if (known.role !== role) {
      found.set(blob.ref, { role: 'bottom and top', blob });
    }
  };
  node.tops.forEach(blob => add('top', blob));
  node.params.forEach(blob => add('param', blob));
  node.bottoms.forEach(blob => add('bottom', blob));
  return [...found.values()];
}

/** `64 × 3 × 28 × 28`, or `scalar`. */
export function shapeText(shape: readonly number[]): string {
  return shape.length === 0 ? 'scalar' : shape.join(' × ');
}
