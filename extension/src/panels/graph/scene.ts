import type { Graph, GraphEdge } from '../../protocol';
import type { IGroup, IGrouping } from './groups';
import { CLOSED_ABOVE, groupsOf } from './groups';
import { edgeText } from './model';

/** A layer, a closed group, or an open group with what is in it. */
export type IItem = { readonly id: string; readonly parent: string | null } & (
  | { readonly kind: 'layer'; readonly index: number }
  | { readonly kind: 'group'; readonly group: IGroup; readonly open: boolean }
);

/** Blobs on their way between two items. */
export interface ILink {
  readonly id: string;
  readonly source: string;
  readonly target: string;
  readonly text: string;
}

/** What of a net is to be drawn, with some groups open and others closed. */
export interface IScene {
  readonly net: string;
  /** Two scenes with the same key are laid out alike. */
  readonly key: string;
  readonly items: ReadonlyMap<string, IItem>;
  readonly links: readonly ILink[];
  readonly grouping: IGrouping;
  /** The item that stands for a layer: itself, or the outermost closed group around it. */
  readonly shownAs: ReadonlyMap<number, string>;
}

/** What somebody opened and closed, by the groups' ids. */
export type Opened = ReadonlyMap<string, boolean>;

export function isOpen(graph: Graph, opened: Opened, group: string): boolean {
  return opened.get(group) ?? graph.nodes.length <= CLOSED_ABOVE;
}

/** The scene of a graph. */
export function makeScene(
  graph: Graph,
  opened: Opened = new Map(),
  grouping: IGrouping = groupsOf(graph.nodes, graph.edges)
): IScene {
  const ids = new Map([...grouping.groups.keys()].map((id, at) => [id, `g${at}`]));
  const items = new Map<string, IItem>();
  const shownAs = new Map<number, string>();
  for (const { index } of graph.nodes) {
    let parent: string | null = null;
    let within: string | null = null;
    for (const name of grouping.chains.get(index) ?? []) {
      const group = grouping.groups.get(name);
      const id = ids.get(name);
      if (!group || id === undefined) {
        continue;
      }
      const open = isOpen(graph, opened, name);
      if (!items.has(id)) {
        items.set(id, { id, parent, kind: 'group', group, open });
      }
      if (!open) {
        within = id;
        break;
      }
      parent = id;
    }
    if (within === null) {
      items.set(`${index}`, { id: `${index}`, parent, kind: 'layer', index });
    }
    shownAs.set(index, within ?? `${index}`);
  }
  const links = linksOf(graph.edges, shownAs);
  return { net: graph.net, key: keyOf(items, links), items, links, grouping, shownAs };
}

/** Between layers every blob has its own line; what runs from or to a closed group has one line. */
function linksOf(edges: readonly GraphEdge[], shownAs: ReadonlyMap<number, string>): ILink[] {
  const links: ILink[] = [];
  const bundles = new Map<string, GraphEdge[]>();
  edges.forEach((edge, at) => {
    const source = shownAs.get(edge.source);
    const target = shownAs.get(edge.target);
    if (source === undefined || target === undefined || source === target) {
      return;
    }
    if (source === `${edge.source}` && target === `${edge.target}`) {
      links.push({ id: `e${at}`, source, target, text: edgeText(edge) });
      return;
    }
    const key = `${source} ${target}`;
    bundles.set(key, [...(bundles.get(key) ?? []), edge]);
  });
  for (const [key, bundle] of bundles) {
    const [source = '', target = ''] = key.split(' ');
    const blobs = new Set(bundle.map(({ blob }) => blob));
    const [first] = bundle;
    const text = blobs.size === 1 && first ? edgeText(first) : `${blobs.size} blobs`;
    links.push({ id: `b${key}`, source, target, text });
  }
  return links;
}

function keyOf(items: ReadonlyMap<string, IItem>, links: readonly ILink[]): string {
  return JSON.stringify([
    [...items.values()].map(item => [item.id, item.parent, item.kind === 'group' && item.open]),
    links.map(({ source, target, text }) => [source, target, text])
  ]);
}

/** The same choices with all groups around a layer open; the very same where they are open already. */
export function openAround(graph: Graph, grouping: IGrouping, opened: Opened, index: number): Opened {
  const closed = (grouping.chains.get(index) ?? []).filter(group => !isOpen(graph, opened, group));
  return closed.length === 0 ? opened : new Map([...opened, ...closed.map(group => [group, true] as const)]);
}

/** All groups open, or all closed. */
export function openAll(grouping: IGrouping, open: boolean): Opened {
  return new Map([...grouping.groups.keys()].map(group => [group, open]));
}
