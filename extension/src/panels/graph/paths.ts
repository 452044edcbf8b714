import type { GraphEdge } from '../../protocol';

/** All ways that blobs take from one layer to another. */
export interface IPath {
  readonly from: number;
  readonly to: number;
  /** Every layer on any of the ways, both ends too; empty where no way leads from one to the other. */
  readonly layers: ReadonlySet<number>;
}

/** The ways between two layers, whichever of them comes first. */
export function pathBetween(edges: readonly GraphEdge[], one: number, other: number): IPath {
  const forward = waysFrom(edges, one, other);
  return forward.layers.size > 0 ? forward : waysFrom(edges, other, one);
}

function waysFrom(edges: readonly GraphEdge[], from: number, to: number): IPath {
  const below = reach(edges, from, 'source', 'target');
  const above = reach(edges, to, 'target', 'source');
  const layers = new Set([...below].filter(index => above.has(index)));
  return { from, to, layers: below.has(to) ? layers : new Set() };
}

type End = 'source' | 'target';

/** All layers that can be reached from one along the edges, itself too. */
function reach(edges: readonly GraphEdge[], start: number, here: End, there: End): Set<number> {
  const next = new Map<number, number[]>();
  for (const edge of edges) {
    const known = next.get(edge[here]);
    if (known) {
      known.push(edge[there]);
    } else {
      next.set(edge[here], [edge[there]]);
    }
  }
  const seen = new Set([start]);
  const open = [start];
  for (let index = open.pop(); index !== undefined; index = open.pop()) {
    for (const following of next.get(index) ?? []) {
      if (!seen.has(following)) {
        seen.add(following);
        open.push(following);
      }
    }
  }
  return seen;
}

/** Layers that write what a layer reads, and layers that read what it writes, in the order of its blobs. */
export function around(
  edges: readonly GraphEdge[],
  index: number
): { producers: number[]; consumers: number[] } {
  const ends = (here: End, there: End): number[] => [
    ...new Set(edges.filter(edge => edge[here] === index).map(edge => edge[there]))
  ];
  return { producers: ends('target', 'source'), consumers: ends('source', 'target') };
}
