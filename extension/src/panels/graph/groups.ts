import type { GraphEdge, GraphNode } from '../../protocol';

/** Layers that can be shown as one. */
export interface IGroup {
  /** Unique in a net, and the same whenever the net is made anew. */
  readonly id: string;
  readonly name: string;
  /** What the names of its layers begin with; empty where that makes no group. */
  readonly path: string;
  readonly parent: string | null;
  /** All layers in it, those of inner groups too. */
  readonly members: readonly number[];
}

/** The groups of a net; outer ones stand before inner ones. */
export interface IGrouping {
  readonly groups: ReadonlyMap<string, IGroup>;
  /** The groups around a layer, the outermost first. */
  readonly chains: ReadonlyMap<number, readonly string[]>;
}

/** Above this many layers groups are closed until somebody opens them. */
export const CLOSED_ABOVE = 100;
/** Fewer layers than this make no group. */
const LEAST = 3;
/** Below this many layers only slashes in names make groups. */
const BLOCKS_FROM = 40;
const DEEPEST = 4;

interface ICandidate {
  id: string;
  name: string;
  path: string;
}

/** A layer on its way into groups: `chain` holds those around it. */
interface IEntry {
  index: number;
  chain: ICandidate[];
}

/**
 * The groups of a net: layers with a common path (`inception_3a/…`), and blocks whose names repeat with another number
 * (`res2a_branch1`, `bn2a_branch1`). However groups are opened and closed, blobs flow through them without a circle.
 */
export function groupsOf(nodes: readonly GraphNode[], edges: readonly GraphEdge[]): IGrouping {
  const names = nodes.map(({ name }) =>
    name
      .split('/')
      .filter(Boolean)
      .slice(0, DEEPEST + 1)
  );
  const prefixes = new Set(names.flatMap(parts => parts.slice(0, -1).map((_, at) => pathOf(parts, at + 1))));
  const entries = nodes.map(({ index }, at): IEntry => {
    const parts = names[at] ?? [];
    const depth = prefixes.has(pathOf(parts, parts.length)) ? parts.length : parts.length - 1;
    const chain = parts
      .slice(0, Math.max(0, depth))
      .map((name, level) => ({ id: pathOf(parts, level + 1), name, path: pathOf(parts, level + 1) }));
    return { index, chain };
  });
  if (nodes.length >= BLOCKS_FROM) {
    addBlocks(entries, names);
  }
  dropSmall(entries);
  for (let level = 0; level <= DEEPEST; level++) {
    breakCircles(entries, edges, level);
  }
  dropSmall(entries);
  return collect(entries);
}

function pathOf(parts: readonly string[], length: number): string {
  return parts.slice(0, length).join('/');
}

/** `2a` of `res2a_branch1`, `bn2a_branch1`, `2a_relu`; `1` of `conv1_2`. */
function blockOf(name: string): string | null {
  for (const word of name.split(/[_.-]/, 8)) {
    const found = /^[A-Za-z]*?(\d{1,6}(?:[a-z]\d{0,4})?)$/.exec(word);
    if (found) {
      return found[1] ?? null;
    }
  }
  return null;
}

/** Put layers without a group at their level into blocks; one block alone repeats nothing. */
function addBlocks(entries: readonly IEntry[], names: readonly (readonly string[])[]): void {
  const blocks = new Map<string, Map<string, IEntry[]>>();
  entries.forEach((entry, at) => {
    const parts = names[at] ?? [];
    const key = entry.chain.length === parts.length ? null : blockOf(parts.at(-1) ?? '');
    if (key !== null) {
      const around = entry.chain.at(-1)?.id ?? '';
      const here = blocks.get(around) ?? new Map<string, IEntry[]>();
      blocks.set(around, here.set(key, [...(here.get(key) ?? []), entry]));
    }
  });
  for (const [around, here] of blocks) {
    const full = [...here].filter(([, members]) => members.length >= LEAST);
    for (const [key, members] of full.length > 1 ? full : []) {
      members.forEach(({ chain }) =>
        chain.push({ id: `${around}//${key}`, name: `block ${key}`, path: around })
      );
    }
  }
}

/** Leave out groups of few layers, of all layers, and those that hold the same layers as the one around them. */
function dropSmall(entries: readonly IEntry[]): void {
  const sizes = new Map<string, number>();
  for (const { chain } of entries) {
    chain.forEach(({ id }) => sizes.set(id, (sizes.get(id) ?? 0) + 1));
  }
  const size = (group: ICandidate | undefined): number => sizes.get(group?.id ?? '') ?? entries.length;
  for (const entry of entries) {
    const kept: ICandidate[] = [];
    for (const group of entry.chain) {
      if (size(group) >= LEAST && size(group) < size(kept.at(-1))) {
        kept.push(group);
      }
    }
    entry.chain = kept;
  }
}

/** Split groups that blobs leave and enter again into runs of layers that follow each other. */
function breakCircles(entries: readonly IEntry[], edges: readonly GraphEdge[], level: number): void {
  const at = new Map(entries.map((entry, position) => [entry.index, position]));
  for (;;) {
    const scattered = scatteredGroups(entries, level);
    if (scattered.size === 0) {
      return;
    }
    const label = (position: number): string => entries[position]?.chain[level]?.id ?? `#${position}`;
    const links = edges
      .map(({ source, target }) => [label(at.get(source) ?? -1), label(at.get(target) ?? -1)] as const)
      .filter(([from, to]) => from !== to);
    const circling = [...onCircles(links)].filter(id => scattered.has(id));
    if (circling.length === 0) {
      return;
    }
    splitIntoRuns(entries, new Set(circling), level);
  }
}

/** Groups whose layers do not follow each other. */
function scatteredGroups(entries: readonly IEntry[], level: number): Set<string> {
  const seen = new Set<string>();
  const scattered = new Set<string>();
  let last: string | undefined;
  for (const { chain } of entries) {
    const id = chain[level]?.id;
    if (id !== undefined && id !== last && seen.has(id)) {
      scattered.add(id);
    }
    if (id !== undefined) {
      seen.add(id);
    }
    last = id;
  }
  return scattered;
}

/** What is left when everything that has no way in, or no way out, is taken away again and again. */
function onCircles(links: readonly (readonly [string, string])[]): Set<string> {
  const left = new Set(links.flat());
  for (const [from, to] of [
    [0, 1],
    [1, 0]
  ] as const) {
    const count = new Map<string, number>();
    const next = new Map<string, string[]>();
    for (const link of links) {
      if (left.has(link[0]) && left.has(link[1])) {
        count.set(link[to], (count.get(link[to]) ?? 0) + 1);
        next.set(link[from], [...(next.get(link[from]) ?? []), link[to]]);
      }
    }
    const free = [...left].filter(id => !count.has(id));
    for (let id = free.pop(); id !== undefined; id = free.pop()) {
      left.delete(id);
      for (const following of next.get(id) ?? []) {
        const rest = (count.get(following) ?? 0) - 1;
        count.set(following, rest);
        if (rest === 0) {
          free.push(following);
        }
      }
    }
  }
  return left;
}

function splitIntoRuns(entries: readonly IEntry[], split: ReadonlySet<string>, level: number): void {
  const runs = new Map<string, number>();
  let last: string | undefined;
  for (const entry of entries) {
    const id = entry.chain[level]?.id;
    if (id !== undefined && split.has(id)) {
      const run = (runs.get(id) ?? 0) + (id === last ? 0 : 1);
      runs.set(id, run);
      const renamed = (group: ICandidate): ICandidate => ({ ...group, id: `${group.id}~${run}` });
      entry.chain = entry.chain.map((group, at) => (at >= level && run > 1 ? renamed(group) : group));
    }
    last = id;
  }
}

function collect(entries: readonly IEntry[]): IGrouping {
  const groups = new Map<string, IGroup & { members: number[] }>();
  for (const { index, chain } of entries) {
    chain.forEach(({ id, name, path }, level) => {
      const known = groups.get(id) ?? { id, name, path, parent: chain[level - 1]?.id ?? null, members: [] };
      known.members.push(index);
      groups.set(id, known);
    });
  }
  return {
    groups,
    chains: new Map(entries.map(({ index, chain }) => [index, chain.map(({ id }) => id)]))
  };
}
