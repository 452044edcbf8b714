import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { Graph, LayerState, NetInfo } from './protocol';

export const TABS = ['tensors', 'gradients', 'source', 'training'] as const;

export type Tab = (typeof TABS)[number];

/** What a person chose, as it is kept over a page reload. */
export interface IChosen {
  /** Name of the selected layer; null: none, on purpose; absent: nothing was chosen yet. */
  readonly layer?: string | null;
  readonly tab: Tab;
}

/** Read what was kept; what is not understood is left out. */
export function readChosen(kept: Readonly<Record<string, unknown>>): Partial<IChosen> {
  const { layer } = kept;
  const tab = TABS.find(known => known === kept.tab);
  return {
    ...(typeof layer === 'string' || layer === null ? { layer } : {}),
    ...(tab ? { tab } : {})
  };
}

/** What a person chose to look at. It outlives nets, kernels and pages, so a layer goes by its name. */
export class Choice {
  get chosen(): IChosen {
    return this.#chosen;
  }

  get changed(): ISignal<Choice, void> {
    return this.#changed;
  }

  get layer(): string | null | undefined {
    return this.#chosen.layer;
  }

  get tab(): Tab {
    return this.#chosen.tab;
  }

  select(layer: string | null): void {
    this.#set({ ...this.#chosen, layer });
  }

  open(tab: Tab): void {
    this.#set({ ...this.#chosen, tab });
  }

  /** Take up what was kept. */
  recall(kept: Partial<IChosen>): void {
    this.#set({ ...this.#chosen, ...kept });
  }

  #set(chosen: IChosen): void {
    if (chosen.layer !== this.#chosen.layer || chosen.tab !== this.#chosen.tab) {
      this.#chosen = chosen;
      this.#changed.emit(undefined);
    }
  }

  #chosen: IChosen = { tab: 'tensors' };
  readonly #changed = new Signal<Choice, void>(this);
}

/**
 * The layer of a new graph to show: the chosen one, or else the one `shown` before. Somebody who has not chosen yet
 * sees a layer worth a first look: one in error, a Python layer, one with parameters.
 */
export function layerToShow(graph: Graph, chosen: Choice['layer'], shown: string | null): number | null {
  if (chosen === null) {
    return null;
  }
  const { nodes, states } = graph;
  const named = (name: string | null | undefined): number | undefined =>
    nodes.find(node => node.name === name)?.index;
  const failed = (index: number): boolean => states.some(state => state.index === index && state.error);
  return (
    named(chosen) ??
    named(shown) ??
    nodes.find(node => failed(node.index))?.index ??
    nodes.find(node => node.python)?.index ??
    nodes.find(node => node.params.length > 0)?.index ??
    null
  );
}

/**
 * The net to go on to when the one shown is gone: its successor of the same name and phase, the newest; or else one that
 * runs, the newest for training, or the newest.
 */
export function netToShow(nets: readonly NetInfo[], gone: NetInfo | undefined): string | null {
  const newest = [...nets].reverse();
  const found =
    newest.find(net => net.name === gone?.name && net.phase === gone.phase) ??
    newest.find(net => net.running && net.phase === 'TRAIN') ??
    newest.find(net => net.phase === 'TRAIN') ??
    newest[0];
  return found?.id ?? null;
}

/** The first layer whose error is news; `born`: a run has stopped there because of a NaN. */
export function newlyFailed(
  known: ReadonlyMap<number, LayerState>,
  news: readonly LayerState[]
): { index: number; born: boolean } | null {
  const fresh = news.filter(
    ({ index, error }) => error !== null && error.message !== known.get(index)?.error?.message
  );
  const born = fresh.find(({ error }) => error?.not_finite);
  const first = born ?? fresh[0];
  return first ? { index: first.index, born: born !== undefined } : null;
}
