import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { Graph, GraphNode, Tensor } from '../../protocol';
import type { Service } from '../../service';
import type { ILook, IRole, IViewState } from './model';
import { USUAL, roles } from './model';

/** Views that stay in sight whatever is selected. */
export const MOST_PINS = 4;
/** Views kept for comparison, at most 256 KB each. */
const MOST_KEPT = 12;
/** Blobs of which it is known how they were last looked at. */
export const MOST_LOOKS = 40;

/** A blob that stays in sight, by names: it outlives its net. */
export interface IPin {
  readonly layer: string;
  readonly role: IRole['role'];
  readonly blob: string;
}

/** What a view showed at an earlier moment. */
export interface IKept {
  readonly tensor: Tensor;
  readonly values: Float32Array;
  readonly look: ILook;
  /** `iteration 812, v3`, as it is told. */
  readonly when: string;
}

/** All that is on a shelf, the oldest first. */
export interface IShelved {
  readonly pins: readonly IPin[];
  readonly looks: ReadonlyMap<string, ILook>;
  readonly kept: ReadonlyMap<string, IKept>;
}

/** What a person put aside: pinned blobs, how blobs are looked at, and views kept to be compared with. */
export class Shelf {
  get changed(): ISignal<Shelf, void> {
    return this.#changed;
  }

  get pins(): readonly IPin[] {
    return this.#pins;
  }

  get isFull(): boolean {
    return this.#pins.length >= MOST_PINS;
  }

  get shelved(): IShelved {
    return { pins: this.#pins, looks: this.#looks, kept: this.#kept };
  }

  /** Take up what was there before the page was reloaded; not over what a person has put here since. */
  restore({ pins, looks, kept }: IShelved): void {
    if (this.#pins.length > 0 || this.#looks.size > 0 || this.#kept.size > 0) {
      return;
    }
    this.#pins = pins.slice(0, MOST_PINS);
    looks.forEach((look, place) => put(this.#looks, place, look, MOST_LOOKS));
    kept.forEach((view, place) => put(this.#kept, place, view, MOST_KEPT));
    this.#changed.emit(undefined);
  }

  isPinned(pin: IPin): boolean {
    return this.#pins.some(each => samePin(each, pin));
  }

  /** Pin a blob, or no longer. */
  toggle(pin: IPin): void {
    if (this.isPinned(pin)) {
      this.#pins = this.#pins.filter(each => !samePin(each, pin));
    } else if (!this.isFull) {
      this.#pins = [...this.#pins, pin];
    }
    this.#changed.emit(undefined);
  }

  /** How a blob is looked at. */
  look(place: string): ILook {
    return this.#looks.get(place) ?? USUAL;
  }

  setLook(place: string, look: ILook): void {
    put(this.#looks, place, look, MOST_LOOKS);
    this.#changed.emit(undefined);
  }

  kept(place: string): IKept | null {
    return this.#kept.get(place) ?? null;
  }

  /** Keep what a view shows, in place of what was kept of it before; null keeps nothing. */
  keep(place: string, kept: IKept | null): void {
    put(this.#kept, place, kept, MOST_KEPT);
    this.#changed.emit(undefined);
  }

  readonly #changed = new Signal<Shelf, void>(this);
  #pins: readonly IPin[] = [];
  readonly #looks = new Map<string, ILook>();
  readonly #kept = new Map<string, IKept>();
}

/** Put the newest in its place, null for nothing, and drop the oldest where there are too many. */
function put<T>(map: Map<string, T>, place: string, value: T | null, most: number): void {
  map.delete(place);
  if (value !== null) {
    map.set(place, value);
  }
  for (const oldest of map.keys()) {
    if (map.size <= most) {
      break;
    }
    map.delete(oldest);
  }
}

/** What is kept goes by the net's id and its name: another kernel's net of the same number is another one. */
export function keptPlace(service: Service, net: string, part: string, ref: string): string {
  const info = service.state.nets.find(({ id }) => id === net);
  return JSON.stringify([net, info?.name, info?.phase, part, ref]);
}

/** How a blob is looked at goes by names: it outlives its net. */
export function lookPlace(service: Service, net: string, pin: IPin): string {
  const info = service.state.nets.find(({ id }) => id === net);
  return JSON.stringify([info?.name, info?.phase, pin.layer, pin.role, pin.blob]);
}

const shelves = new WeakMap<Service, Shelf>();

/** The shelf of a panel. */
export function shelfOf(service: Service): Shelf {
  let shelf = shelves.get(service);
  if (shelf === undefined) {
    shelf = new Shelf();
    shelves.set(service, shelf);
  }
  return shelf;
}

export function samePin(a: IPin, b: IPin): boolean {
  return a.layer === b.layer && a.role === b.role && a.blob === b.blob;
}

export function pinOf(node: GraphNode, role: IRole): IPin {
  return { layer: node.name, role: role.role, blob: role.blob.name };
}

/** The blob that a pin means in a graph. */
export function findPin(graph: Graph | null, pin: IPin): { node: GraphNode; role: IRole } | null {
  const node = graph?.nodes.find(({ name }) => name === pin.layer);
  const role = node ? roles(node).find(each => samePin(pinOf(node, each), pin)) : undefined;
  return node && role ? { node, role } : null;
}

/** Now minus then, where both show the same place of the blob; null where they do not. */
export function difference(now: IViewState | null, kept: IKept): IViewState | null {
  const tensor = now?.tensor;
  if (!now || !tensor || !samePlace(tensor, kept.tensor) || now.values.length !== kept.values.length) {
    return null;
  }
  const values = now.values.map((value, at) => {
    const then = kept.values[at] ?? NaN;
    return Object.is(value, then) ? 0 : value - then; // what is not finite in both has not changed
  });
  return { tensor, values, error: null, waiting: false };
}

function samePlace(a: Tensor, b: Tensor): boolean {
  const same = (one: readonly number[], other: readonly number[]): boolean =>
    one.length === other.length && one.every((number, at) => number === other[at]);
  return (
    a.ref === b.ref &&
    a.part === b.part &&
    a.channels === b.channels &&
    same(a.shape, b.shape) &&
    same(a.axes, b.axes) &&
    same(a.index, b.index) &&
    same(a.block, b.block)
  );
}

/** `12 of 400 values shown have changed, by at most 0.5`. */
export function differenceText(values: Float32Array): string {
  let changed = 0;
  let most = 0;
  for (const value of values) {
    changed += value === 0 ? 0 : 1;
    most = Math.max(most, Number.isFinite(value) ? Math.abs(value) : Infinity);
  }
  if (changed === 0) {
    return `None of the ${values.length} values shown has changed.`;
  }
  const by = Number.isFinite(most)
    ? `by at most ${Number(most.toPrecision(4))}`
    : 'some to or from NaN or Inf';
  return `${changed} of ${values.length} values shown ${changed === 1 ? 'has' : 'have'} changed, ${by}.`;
}
