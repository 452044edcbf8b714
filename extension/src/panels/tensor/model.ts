import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import { LinkError } from '../../pending';
import type { BlobInfo, GraphNode, Tensor } from '../../protocol';
import type { IViewAnswer } from './gathering';

/** The shortest time between two pulls of one view, milliseconds. */
const SHORTEST_INTERVAL = 250;
/** A view is pulled so rarely that waiting for it takes at most a quarter of the time. */
const PATIENCE = 4;
/** A view is pulled so rarely that asking for it and making it takes at most one part in so many of the kernel's time. */
const SHARE = 100;
/** Milliseconds of the kernel's time that a question takes besides what is `spent` on the view. */
const MESSAGE = 2;
/** A view rests no longer than this: a layer that took long, as one does while its kernel is compiled, says little. */
const LONGEST_REST = 3000;

export type Part = Tensor['part'];

/** What a view shows: the last answer, and what went wrong since. */
export interface IViewState {
  readonly tensor: Tensor | null;
  readonly values: Float32Array;
  readonly error: string | null;
  /** Whether the kernel did not answer; it is asked again as soon as it is back. */
  readonly waiting: boolean;
}

const NOTHING: IViewState = { tensor: null, values: new Float32Array(0), error: null, waiting: false };

/** What is wanted of a blob: a position on each axis, the axes shown as tiles, rows and columns, and whether as images. */
export interface ILook {
  readonly index: readonly number[];
  /** Empty for the usual ones. */
  readonly axes: readonly number[];
  readonly picture: boolean;
}

export const USUAL: ILook = { index: [], axes: [], picture: false };

/** Gets a view; `first` says that there is none yet. */
export type PullView = (look: ILook, first: boolean) => Promise<IViewAnswer>;

/** Something that is pulled again whenever it may have changed; never more than one pull at a time. */
export class Pulled<S> {
  constructor(
    start: S,
    pull: () => Promise<S>,
    readonly interval = SHORTEST_INTERVAL
  ) {
    this.#state = start;
    this.#pull = pull;
  }

  get state(): S {
    return this.#state;
  }

  get changed(): ISignal<this, void> {
    return this.#changed;
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

  /** Pull as soon as that is due, or at once where nothing runs that would have to wait for it. */
  refresh(atOnce = false): void {
    this.#wanted += 1;
    if (atOnce) {
      this.#urgent = this.#outstanding;
      this.#due = 0;
      clearTimeout(this.#timer);
      this.#timer = undefined;
    }
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
    Signal.clearData(this);
  }

  async #run(): Promise<void> {
    const serving = this.#wanted;
    this.#outstanding = true;
    const start = Date.now();
    const next = await this.#pull();
    this.#outstanding = false;
    this.#served = serving;
    const took = Date.now() - start;
    const spared =
      Math.ceil(Math.min(SHARE * costOf(this.spent), LONGEST_REST) / this.interval) * this.interval;
    const rest = Math.max(this.interval, spared, Math.min(PATIENCE * took, took + LONGEST_REST));
    // At times that all have in common, so that what is pulled equally often is pulled together.
    this.#due = this.#urgent ? 0 : Math.round((start + rest) / this.interval) * this.interval;
    this.#urgent = false;
    if (this.#disposed) {
      return;
    }
    this.#state = next;
    this.#changed.emit(undefined);
    if (this.#wanted !== serving) {
      this.#schedule();
    }
  }

  /** Milliseconds of the kernel's time that the last pull took, where that is known. */
  protected spent = 0;
  readonly #pull: () => Promise<S>;
  readonly #changed = new Signal<this, void>(this);
  #state: S;
  #paused = false;
  #wanted = 0;
  #served = 0;
  #outstanding = false;
  #urgent = false;
  #disposed = false;
  #due = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
}

/** What a pull cost, where its making was timed. */
const costOf = (spent: number): number => (spent > 0 ? spent + MESSAGE : 0);

/** One part of one blob. */
export class TensorView extends Pulled<IViewState> {
  constructor(
    readonly ref: string,
    readonly part: Part,
    pull: PullView,
    onDispose: (view: TensorView) => void = () => undefined
  ) {
    super(NOTHING, async () => {
      try {
        const answer = await pull(this.#look, this.state.tensor === null);
        this.spent = answer.spent;
        return accept(this.state, answer);
      } catch (error) {
        if (error instanceof LinkError) {
          return { ...this.state, error: null, waiting: true };
        }
        return {
          ...this.state,
          waiting: false,
          error: error instanceof Error ? error.message : String(error)
        };
      }
    });
    this.#onDispose = onDispose;
  }

  get look(): ILook {
    return this.#look;
  }

  set look(look: ILook) {
    this.#look = look;
    this.refresh();
  }

  override dispose(): void {
    super.dispose();
    this.#onDispose(this);
  }

  readonly #onDispose: (view: TensorView) => void;
  #look = USUAL;
}

function accept(before: IViewState, { reply, values }: IViewAnswer): IViewState {
  const state = { ...before, waiting: false };
  if (reply.kind === 'failed') {
    return { ...state, error: reply.message };
  }
  const empty = reply.tiles === 0 || reply.rows === 0 || reply.cols === 0;
  if (Math.min(reply.tiles, reply.rows, reply.cols) < 0 || (empty && reply.statistics.count > 0)) {
    return { ...state, error: 'The kernel sent a tensor of an impossible size.' };
  }
  if (values.length < reply.tiles * reply.rows * reply.cols * Math.max(1, reply.channels)) {
    return { ...state, error: 'The kernel sent fewer values than it said.' };
  }
  return { tensor: reply, values, error: null, waiting: false };
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
    .filter(
      ({ axis, size }) => size > 1 && !tensor.axes.includes(axis) && !(tensor.channels > 0 && axis === 1)
    );
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
