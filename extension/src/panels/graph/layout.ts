import type { ElkExtendedEdge, ElkLabel, ElkNode, LayoutOptions } from 'elkjs/lib/elk-api';

import type { Graph } from '../../protocol';
import { edgeText, layoutKey } from './model';

export interface IPoint {
  x: number;
  y: number;
}

export interface IPlacedEdge {
  id: string;
  source: number;
  target: number;
  text: string;
  points: readonly IPoint[];
  /** Where the text stands; null in graphs too large for texts. */
  label: IPoint | null;
}

/** Where everything stands. */
export interface ILayout {
  key: string;
  width: number;
  height: number;
  nodes: ReadonlyMap<number, IPoint>;
  edges: readonly IPlacedEdge[];
}

/** What computes a layout: elkjs, in a worker. */
export interface ILayoutEngine {
  layout(graph: ElkNode): Promise<ElkNode>;
}

export const NODE_WIDTH = 160;
export const NODE_HEIGHT = 44;
/** Above this the texts on edges are left away. */
const MOST_LABELLED = 400;
/** Above this the layout trades beauty for time. */
const LARGE = 600;
const LABEL_HEIGHT = 14;
const LETTER_WIDTH = 5.8;

const OPTIONS: LayoutOptions = {
  'elk.algorithm': 'layered',
  'elk.direction': 'DOWN',
  'elk.edgeRouting': 'ORTHOGONAL',
  'elk.spacing.nodeNode': '20',
  'elk.spacing.edgeNode': '12',
  'elk.layered.spacing.nodeNodeBetweenLayers': '11',
  'elk.layered.spacing.edgeNodeBetweenLayers': '10',
  'elk.layered.nodePlacement.strategy': 'BRANDES_KOEPF',
  'elk.layered.nodePlacement.bk.fixedAlignment': 'BALANCED', // else long nets drift to one side
  'elk.layered.considerModelOrder.strategy': 'NODES_AND_EDGES',
  'elk.spacing.edgeLabel': '4'
};

const FAST: LayoutOptions = {
  'elk.layered.layering.strategy': 'LONGEST_PATH',
  'elk.layered.thoroughness': '1'
};

/** The graph as elkjs takes it. */
export function toElk(graph: Graph): ElkNode {
  const known = new Set(graph.nodes.map(node => node.index));
  const labelled = graph.nodes.length <= MOST_LABELLED;
  return {
    id: 'net',
    layoutOptions: graph.nodes.length > LARGE ? { ...OPTIONS, ...FAST } : OPTIONS,
    children: graph.nodes.map(({ index }) => ({ id: `${index}`, width: NODE_WIDTH, height: NODE_HEIGHT })),
    edges: graph.edges
      .map((edge, at): ElkExtendedEdge & { known: boolean } => {
        const text = edgeText(edge);
        return {
          id: `e${at}`,
          known: known.has(edge.source) && known.has(edge.target),
          sources: [`${edge.source}`],
          targets: [`${edge.target}`],
          labels: labelled ? [labelOf(text)] : []
        };
      })
      .filter(edge => edge.known)
      .map(({ id, sources, targets, labels }) => ({ id, sources, targets, labels }))
  };
}

/** A text that stands on its edge, not beside it. */
function labelOf(text: string): ElkLabel {
  return {
    text,
    width: text.length * LETTER_WIDTH + 6,
    height: LABEL_HEIGHT,
    layoutOptions: { 'elk.edgeLabels.inline': 'true' }
  };
}

/** Read elkjs' answer; an edge without a route becomes a straight line. */
export function fromElk(graph: Graph, placed: ElkNode): ILayout {
  const nodes = new Map<number, IPoint>();
  for (const child of placed.children ?? []) {
    nodes.set(Number(child.id), { x: child.x ?? 0, y: child.y ?? 0 });
  }
  const edges: IPlacedEdge[] = [];
  for (const edge of placed.edges ?? []) {
    const said = graph.edges[Number(edge.id.slice(1))];
    if (said) {
      edges.push(placeEdge(edge, said.source, said.target, edgeText(said), nodes));
    }
  }
  return { key: layoutKey(graph), width: placed.width ?? 0, height: placed.height ?? 0, nodes, edges };
}

function placeEdge(
  edge: ElkExtendedEdge,
  source: number,
  target: number,
  text: string,
  nodes: ReadonlyMap<number, IPoint>
): IPlacedEdge {
  const section = edge.sections?.[0];
  const from = nodes.get(source) ?? { x: 0, y: 0 };
  const to = nodes.get(target) ?? { x: 0, y: 0 };
  const points = section
    ? [section.startPoint, ...(section.bendPoints ?? []), section.endPoint]
    : [
        { x: from.x + NODE_WIDTH / 2, y: from.y + NODE_HEIGHT },
        { x: to.x + NODE_WIDTH / 2, y: to.y }
      ];
  const label = edge.labels?.[0];
  const place =
    label?.x === undefined || label.y === undefined
      ? null
      : { x: label.x + (label.width ?? 0) / 2, y: label.y + (label.height ?? 0) / 2 };
  return { id: edge.id, source, target, text, points, label: place };
}

const MARGIN = 16;
/** Below these the texts are hard to read, and cannot be read; a larger net starts at its top, not as a whole. */
const READABLE = 0.7;
const BARELY_READABLE = 0.4;

/** What is seen of a graph at first: all of it where it stays readable, otherwise its top. */
export function startingView(
  layout: ILayout,
  width: number,
  height: number
): { x: number; y: number; zoom: number } {
  const across = (width - 2 * MARGIN) / Math.max(1, layout.width);
  const down = (height - 2 * MARGIN) / Math.max(1, layout.height);
  const zoom = Math.max(Math.min(1, across, down), Math.min(READABLE, Math.max(across, BARELY_READABLE)));
  const points = [...layout.nodes.values()];
  const top = points.reduce(
    (first, point) => (point.y < first.y ? point : first),
    points[0] ?? { x: 0, y: 0 }
  );
  const tooWide = layout.width * zoom > width;
  return {
    zoom,
    x: tooWide ? width / 2 - (top.x + NODE_WIDTH / 2) * zoom : (width - layout.width * zoom) / 2,
    y: layout.height * zoom > height - 2 * MARGIN ? MARGIN : (height - layout.height * zoom) / 2
  };
}

/** An SVG path along points, its corners rounded. */
export function roundedPath(points: readonly IPoint[], radius = 6): string {
  const [first, ...rest] = points;
  if (!first) {
    return '';
  }
  const parts = [`M ${first.x} ${first.y}`];
  rest.forEach((point, at) => {
    const before = points[at] ?? first;
    const after = rest[at + 1];
    if (!after) {
      parts.push(`L ${point.x} ${point.y}`);
      return;
    }
    const start = towards(point, before, radius);
    const end = towards(point, after, radius);
    parts.push(`L ${start.x} ${start.y} Q ${point.x} ${point.y} ${end.x} ${end.y}`);
  });
  return parts.join(' ');
}

/** The point `distance` away from `from` on the way to `to`, at most half way. */
function towards(from: IPoint, to: IPoint, distance: number): IPoint {
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  const share = length === 0 ? 0 : Math.min(distance, length / 2) / length;
  return { x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share };
}

const CACHED = 8;

/** Lays graphs out, each only once. */
export class Layouter {
  constructor(makeEngine: () => Promise<ILayoutEngine> = makeWorkerEngine) {
    this.#makeEngine = makeEngine;
  }

  /** Where everything of a graph stands. */
  async layout(graph: Graph): Promise<ILayout> {
    const key = layoutKey(graph);
    const known = this.#layouts.get(key);
    if (known) {
      return known;
    }
    const layout = this.#compute(graph);
    this.#layouts.set(key, layout);
    if (this.#layouts.size > CACHED) {
      this.#layouts.delete([...this.#layouts.keys()][0] ?? '');
    }
    layout.catch(() => this.#layouts.delete(key));
    return layout;
  }

  async #compute(graph: Graph): Promise<ILayout> {
    this.#engine ??= this.#makeEngine();
    const engine = await this.#engine;
    return fromElk(graph, await engine.layout(toElk(graph)));
  }

  readonly #makeEngine: () => Promise<ILayoutEngine>;
  readonly #layouts = new Map<string, Promise<ILayout>>();
  #engine: Promise<ILayoutEngine> | null = null;
}

async function makeWorkerEngine(): Promise<ILayoutEngine> {
  const { default: Elk } = await import('elkjs/lib/elk-api');
  return new Elk({
    workerFactory: () => new Worker(new URL('elkjs/lib/elk-worker.min.js', import.meta.url))
  });
}
