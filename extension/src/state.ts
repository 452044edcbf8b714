import type { LinkState } from './connection';
import type { Graph, LayerState, LayerTime, NetInfo, NetUpdate, SourceText } from './protocol';

/** A Python layer's code as last fetched. */
export interface ISourceState {
  readonly layer: number;
  readonly version: number;
  /** The layer's error then: lines move with comments, which make no new version. */
  readonly fault: string;
  readonly text: SourceText | null;
  readonly error: string | null;
}

/** Everything that the panels show, replaced whole on each change. */
export interface IState {
  readonly link: LinkState;
  /** What went wrong with the connection or a message, for people; null when nothing did. */
  readonly problem: string | null;
  /** Which side to update where kernel and panel are of different versions, for people. */
  readonly mismatch: string | null;
  /** Whether the nets have been asked for since the connection stands. */
  readonly listed: boolean;
  readonly nets: readonly NetInfo[];
  readonly net: string | null;
  readonly graph: Graph | null;
  readonly states: ReadonlyMap<number, LayerState>;
  readonly times: ReadonlyMap<number, LayerTime>;
  readonly update: NetUpdate | null;
  readonly selected: number | null;
  readonly source: ISourceState | null;
  /** Layers whose gradients are being checked. */
  readonly checking: ReadonlySet<number>;
  /** Checks that could not be run, in words, by layer. */
  readonly checkErrors: ReadonlyMap<number, string>;
}

/** A state without a net. */
export const NO_NET = {
  net: null,
  graph: null,
  states: new Map<number, LayerState>(),
  times: new Map<number, LayerTime>(),
  update: null,
  selected: null,
  source: null,
  checking: new Set<number>(),
  checkErrors: new Map<number, string>()
} as const;

/** The state before anything is known. */
export const START: IState = {
  ...NO_NET,
  link: 'no-kernel',
  problem: null,
  mismatch: null,
  listed: false,
  nets: []
};

/** What is known, with the news in their places. */
export function merge<T extends { index: number }>(
  known: ReadonlyMap<number, T>,
  news: readonly T[]
): ReadonlyMap<number, T> {
  const merged = new Map(known);
  news.forEach(item => merged.set(item.index, item));
  return merged;
}

/** Whether what was fetched is the code of this layer, of this version, with this error. */
export function isSourceOf(
  source: ISourceState | null,
  layer: number,
  version: number,
  fault: string
): source is ISourceState {
  return source?.layer === layer && source.version === version && source.fault === fault;
}
