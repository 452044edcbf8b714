import type { ElkExtendedEdge, ElkLabel, ElkNode, LayoutOptions } from 'elkjs/lib/elk-api';

import { cut, layoutPieces } from './pieces';
import type { IItem, IScene } from './scene';

export interface IPoint {
  x: number;
  y: number;
}

export interface IBox extends IPoint {
  width: number;
  height: number;
}

export interface IPlacedEdge {
  id: string;
  source: string;
  target: string;
  text: string;
  points: readonly IPoint[];
  /** Where the text stands; null in graphs too large for texts. */
  label: IPoint | null;
}

/** Where everything stands, in one system of coordinates. */
export interface ILayout {
  key: string;
  width: number;
  height: number;
  /** Layers and groups, by their items' ids. */
  boxes: ReadonlyMap<string, IBox>;
  edges: readonly IPlacedEdge[];
}

/** What computes a layout: elkjs, in a worker. */
export interface ILayoutEngine {
  layout(graph: ElkNode): Promise<ElkNode>;
  /** Stop in the middle of a layout; the engine is of no use after that. */
  terminateWorker?(): void;
}

export const NODE_WIDTH = 196;
export const NODE_HEIGHT = 44;
/** Height of an open group's name. */
export const HEADER_HEIGHT = 26;
const PADDING = 10;
/** Above this the texts on edges are left away. */
const MOST_LABELLED = 400;
/** Above this the layout trades beauty for time. */
const LARGE = 600;
const LABEL_HEIGHT = 14;
const LETTER_WIDTH = 5.8;

const SPACING: LayoutOptions = {
  'elk.spacing.nodeNode': '20',
  'elk.spacing.edgeNode': '12',
  'elk.layered.spacing.nodeNodeBetweenLayers': '11',
  'elk.layered.spacing.edgeNodeBetweenLayers': '10',
  'elk.spacing.edgeLabel': '4'
};

const OPTIONS: LayoutOptions = {
  ...SPACING,
  'elk.algorithm': 'layered',
  'elk.direction': 'DOWN',
  'elk.edgeRouting': 'ORTHOGONAL',
  'elk.layered.nodePlacement.strategy': 'BRANDES_KOEPF',
  'elk.layered.nodePlacement.bk.fixedAlignment': 'BALANCED', // else long nets drift to one side
  'elk.layered.considerModelOrder.strategy': 'NODES_AND_EDGES',
  'elk.json.shapeCoords': 'ROOT',
  'elk.json.edgeCoords': 'ROOT'
};

const FAST: LayoutOptions = {
  'elk.layered.layering.strategy': 'LONGEST_PATH',
  'elk.layered.thoroughness': '1'
};

const NESTED: LayoutOptions = {
  'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
  'elk.layered.nodePlacement.bk.fixedAlignment': 'NONE' // with frames it is the balanced one that drifts
};
const FRAME: LayoutOptions = {
  ...SPACING, // elkjs hands nothing down to what is inside
  'elk.padding': `[top=${HEADER_HEIGHT + PADDING},left=${PADDING},bottom=${PADDING},right=${PADDING}]`,
  'elk.nodeSize.constraints': 'MINIMUM_SIZE',
  'elk.nodeSize.minimum': `(${NODE_WIDTH + 2 * PADDING}, 0)`
};

/** The scene as elkjs takes it. */
export function toElk(scene: IScene): ElkNode {
  const { items, links } = scene;
  const labelled = items.size <= MOST_LABELLED;
  const within = new Map<string | null, IItem[]>();
  for (const item of items.values()) {
    const beside = within.get(item.parent);
    if (beside) {
      beside.push(item);
    } else {
      within.set(item.parent, [item]);
    }
  }
  const nested = within.size > 1;
  const childrenOf = (parent: string | null): ElkNode[] =>
    (within.get(parent) ?? []).map(item =>
      item.kind === 'group' && item.open
        ? { id: item.id, layoutOptions: FRAME, children: childrenOf(item.id) }
        : { id: item.id, width: NODE_WIDTH, height: NODE_HEIGHT }
    );
  return {
    id: 'net',
    layoutOptions: { ...OPTIONS, ...(items.size > LARGE ? FAST : {}), ...(nested ? NESTED : {}) },
    children: childrenOf(null),
    edges: links.map(({ id, source, target, text }) => ({
      id,
      sources: [source],
      targets: [target],
      labels: labelled ? [labelOf(text)] : []
    }))
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
export function fromElk(scene: IScene, placed: ElkNode): ILayout {
  const boxes = new Map<string, IBox>();
  const take = ({ id, x = 0, y = 0, width = NODE_WIDTH, height = NODE_HEIGHT, children }: ElkNode): void => {
    boxes.set(id, { x, y, width, height });
    children?.forEach(take);
  };
  placed.children?.forEach(take);
  const links = new Map(scene.links.map(link => [link.id, link]));
  const edges: IPlacedEdge[] = [];
  for (const edge of placed.edges ?? []) {
    const link = links.get(edge.id);
    if (link) {
      edges.push({ ...link, ...routeOf(edge, boxes.get(link.source), boxes.get(link.target)) });
    }
  }
  return { key: scene.key, width: placed.width ?? 0, height: placed.height ?? 0, boxes, edges };
}

const NOWHERE: IBox = { x: 0, y: 0, width: NODE_WIDTH, height: NODE_HEIGHT };

function routeOf(
  edge: ElkExtendedEdge,
  from: IBox = NOWHERE,
  to: IBox = NOWHERE
): Pick<IPlacedEdge, 'points' | 'label'> {
  const section = edge.sections?.[0];
  const points = section
    ? [section.startPoint, ...(section.bendPoints ?? []), section.endPoint]
    : [
        { x: from.x + from.width / 2, y: from.y + from.height },
        { x: to.x + to.width / 2, y: to.y }
      ];
  const label = edge.labels?.[0];
  const place =
    label?.x === undefined || label.y === undefined
      ? null
      : { x: label.x + (label.width ?? 0) / 2, y: label.y + (label.height ?? 0) / 2 };
  return { points, label: place };
}

const MARGIN = 16;
/** Below these the texts are hard to read, and cannot be read; a larger net starts at its top, not as a whole. */
const READABLE = 0.7;
export const BARELY_READABLE = 0.4;

/** What is seen of a graph at first: all of it where it stays readable, otherwise its top. */
export function startingView(
  layout: ILayout,
  width: number,
  height: number
): { x: number; y: number; zoom: number } {
  const across = (width - 2 * MARGIN) / Math.max(1, layout.width);
  const down = (height - 2 * MARGIN) / Math.max(1, layout.height);
  const zoom = Math.max(Math.min(1, across, down), Math.min(READABLE, Math.max(across, BARELY_READABLE)));
  const points = [...layout.boxes.values()];
  const top = points.reduce((first, point) => (point.y < first.y ? point : first), points[0] ?? NOWHERE);
  const tall = layout.height * zoom > height - 2 * MARGIN;
  return {
    zoom,
    x: tall ? leftOf(layout, top, zoom, width) : (width - layout.width * zoom) / 2,
    y: tall ? MARGIN : (height - layout.height * zoom) / 2
  };
}

/** Where the graph begins: the middle of most of it, or of its top where it is too wide, stands in the middle. */
function leftOf(layout: ILayout, top: IBox, zoom: number, width: number): number {
  if (layout.width * zoom > width) {
    return width / 2 - (top.x + top.width / 2) * zoom;
  }
  const middles = [...layout.boxes.values()].map(({ x, width: w }) => x + w / 2);
  const mean = middles.reduce((sum, x) => sum + x, 0) / Math.max(1, middles.length);
  const room = width - layout.width * zoom;
  return Math.max(
    Math.min(MARGIN, room / 2),
    Math.min(room - Math.min(MARGIN, room / 2), width / 2 - mean * zoom)
  );
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

interface IJob {
  scene: IScene;
  signal: AbortSignal | undefined;
  resolve: (layout: ILayout) => void;
  reject: (reason: Error) => void;
}

/** A layout that nobody waits for any more. */
export class CancelledError extends Error {
  override readonly name = 'CancelledError';
}

/** Lays scenes out one after another, each only once. */
export class Layouter {
  constructor(makeEngine: () => Promise<ILayoutEngine> = makeWorkerEngine) {
    this.#makeEngine = makeEngine;
  }

  /** Start the worker, so that it is there when the first scene comes. */
  warm(): void {
    this.#engine ??= this.#makeEngine();
    this.#engine.catch(() => (this.#engine = null));
  }

  /** The layout of a scene, where it is known. */
  known(scene: IScene): ILayout | null {
    return this.#layouts.get(scene.key) ?? null;
  }

  /** Where everything of a scene stands. Giving up frees the worker at once, be it in the middle of it. */
  layout(scene: IScene, signal?: AbortSignal): Promise<ILayout> {
    return new Promise((resolve, reject) => {
      const job: IJob = { scene, signal, resolve, reject };
      this.#waiting.push(job);
      signal?.addEventListener('abort', () => this.#cancel(job), { once: true });
      void this.#work();
    });
  }

  #cancel(job: IJob): void {
    this.#waiting = this.#waiting.filter(other => other !== job);
    job.reject(new CancelledError('nobody waits for this layout'));
    if (this.#running === job) {
      this.#running = null;
      const engine = this.#engine;
      this.#engine = null;
      void engine?.then(stopped => stopped.terminateWorker?.());
      void this.#work();
    }
  }

  async #work(): Promise<void> {
    const job = this.#running === null ? this.#waiting.shift() : undefined;
    if (job === undefined) {
      return;
    }
    this.#running = job;
    try {
      const layout = this.known(job.scene) ?? (await this.#compute(job.scene));
      this.#layouts.delete(layout.key);
      this.#layouts.set(layout.key, layout);
      if (this.#layouts.size > CACHED) {
        this.#layouts.delete([...this.#layouts.keys()][0] ?? '');
      }
      job.resolve(layout);
    } catch (error) {
      job.reject(error instanceof Error ? error : new Error(String(error)));
    }
    if (this.#running === job) {
      this.#running = null;
      void this.#work();
    }
  }

  async #compute(scene: IScene): Promise<ILayout> {
    this.warm();
    const engine = await (this.#engine ?? this.#makeEngine());
    const pieces = scene.items.size > LARGE ? cut(scene) : null;
    if (pieces) {
      return layoutPieces(scene.key, pieces, OPTIONS, piece => engine.layout(piece));
    }
    const asked = toElk(scene);
    try {
      return fromElk(scene, await engine.layout(asked));
    } catch {
      // elkjs fails on a few graphs when it is to keep the order of the text; a picture in another order will do.
      const layoutOptions = { ...asked.layoutOptions, 'elk.layered.considerModelOrder.strategy': 'NONE' };
      return fromElk(scene, await engine.layout({ ...toElk(scene), layoutOptions }));
    }
  }

  readonly #makeEngine: () => Promise<ILayoutEngine>;
  readonly #layouts = new Map<string, ILayout>();
  #waiting: IJob[] = [];
  #running: IJob | null = null;
  #engine: Promise<ILayoutEngine> | null = null;
}

async function makeWorkerEngine(): Promise<ILayoutEngine> {
  const { default: Elk } = await import('elkjs/lib/elk-api');
  return new Elk({
    workerFactory: () => new Worker(new URL('elkjs/lib/elk-worker.min.js', import.meta.url))
  });
}
