import type { ElkNode } from 'elkjs/lib/elk-api';

import type { IBox, ILayout, IPlacedEdge, IPoint } from './layout';
import { NODE_HEIGHT, NODE_WIDTH } from './layout';
import type { ILink, IScene } from './scene';

/** A blob that passes this many others runs beside the graph, not through it. */
const LONG = 150;
/** More such blobs than this have no room there. */
const MOST_LONG = 40;
/** Pieces have at least this many items, so that there are few. */
const LEAST = 24;
const LANE = 14;
/** A piece that leads further aside than this is mirrored when that leads back. */
const ASIDE = 100;

/** Links within a piece, by the places of their ends in it. */
interface IPiece {
  /** Place of its first item in the net. */
  readonly start: number;
  readonly count: number;
  readonly links: readonly { readonly link: ILink; readonly from: number; readonly to: number }[];
}

/** A large scene in pieces that meet in single items. */
export interface IPieces {
  readonly ids: readonly string[];
  readonly pieces: readonly IPiece[];
  /** Blobs that run from one piece to another far away. */
  readonly long: readonly ILink[];
}

/**
 * Cut a scene where everything passes through one item, as between the blocks of a deep net. Null where it has open groups,
 * or no such places.
 */
export function cut(scene: IScene): IPieces | null {
  const items = [...scene.items.values()];
  if (items.some(item => item.kind === 'group' && item.open)) {
    return null;
  }
  const ids = items.map(({ id }) => id);
  const place = new Map(ids.map((id, at) => [id, at]));
  const links = scene.links.map(link => ({
    link,
    from: place.get(link.source) ?? 0,
    to: place.get(link.target) ?? 0
  }));
  const short = links.filter(({ from, to }) => to - from <= LONG);
  const long = links.filter(({ from, to }) => to - from > LONG).map(({ link }) => link);
  if (long.length > MOST_LONG || short.some(({ from, to }) => to <= from)) {
    return null;
  }
  const cuts = cutsOf(ids.length, short);
  const pieces = cuts.slice(1).map((end, at): IPiece => {
    const start = cuts[at] ?? 0;
    return { start, count: end - start + 1, links: [] };
  });
  const sorted = [...short].sort((a, b) => a.from - b.from || a.to - b.to);
  let at = 0;
  const filled = pieces.map(piece => {
    const within: { link: ILink; from: number; to: number }[] = [];
    for (let next = sorted[at]; next && next.from < piece.start + piece.count - 1; next = sorted[++at]) {
      within.push({ link: next.link, from: next.from - piece.start, to: next.to - piece.start });
    }
    return { ...piece, links: within };
  });
  return filled.length > 1 ? { ids, pieces: filled, long } : null;
}

/** The places of items that no link passes by, so far apart that pieces are not too small; both ends of the net too. */
function cutsOf(count: number, links: readonly { from: number; to: number }[]): number[] {
  const farthest = new Array<number>(count).fill(0);
  for (const { from, to } of links) {
    farthest[from] = Math.max(farthest[from] ?? 0, to);
  }
  const cuts = [0];
  let reached = 0;
  for (let at = 0; at < count; at++) {
    if (reached <= at && at - (cuts.at(-1) ?? 0) >= LEAST && count - 1 - at >= LEAST) {
      cuts.push(at);
    }
    reached = Math.max(reached, farthest[at] ?? 0);
  }
  return [...cuts, count - 1];
}

/** How a piece is laid out; alike for all pieces of the same structure. */
function pieceKey({ count, links, start }: IPiece): string {
  return JSON.stringify([start === 0, count, links.map(({ from, to }) => [from, to])]);
}

/** A piece as elkjs takes it: where it meets its neighbours, its first and last item stand alone. */
function toElk(
  { start, count, links }: IPiece,
  isLast: boolean,
  layoutOptions: ElkNode['layoutOptions']
): ElkNode {
  const constraint = (at: number): Record<string, string> =>
    at === 0 && start > 0
      ? { 'elk.layered.layering.layerConstraint': 'FIRST_SEPARATE' }
      : at === count - 1 && !isLast
        ? { 'elk.layered.layering.layerConstraint': 'LAST_SEPARATE' }
        : {};
  return {
    id: 'piece',
    ...(layoutOptions ? { layoutOptions } : {}),
    children: Array.from({ length: count }, (_, at) => ({
      id: `${at}`,
      width: NODE_WIDTH,
      height: NODE_HEIGHT,
      layoutOptions: constraint(at)
    })),
    edges: links.map(({ from, to }, at) => ({ id: `e${at}`, sources: [`${from}`], targets: [`${to}`] }))
  };
}

interface IPlacedPiece {
  readonly boxes: readonly IPoint[];
  readonly routes: readonly (readonly IPoint[])[];
  readonly width: number;
}

function fromElk(piece: IPiece, placed: ElkNode): IPlacedPiece {
  const boxes = (placed.children ?? []).map(({ x = 0, y = 0 }) => ({ x, y }));
  const routes = (placed.edges ?? []).map(({ sections }, at) => {
    const section = sections?.[0];
    const { from = 0, to = 0 } = piece.links[at] ?? {};
    return section
      ? [section.startPoint, ...(section.bendPoints ?? []), section.endPoint]
      : straight(boxes[from] ?? { x: 0, y: 0 }, boxes[to] ?? { x: 0, y: 0 });
  });
  return { boxes, routes, width: placed.width ?? 0 };
}

function straight(from: IPoint, to: IPoint): IPoint[] {
  return [
    { x: from.x + NODE_WIDTH / 2, y: from.y + NODE_HEIGHT },
    { x: to.x + NODE_WIDTH / 2, y: to.y }
  ];
}

function mirror({ boxes, routes, width }: IPlacedPiece): IPlacedPiece {
  return {
    boxes: boxes.map(({ x, y }) => ({ x: width - x - NODE_WIDTH, y })),
    routes: routes.map(points => points.map(({ x, y }) => ({ x: width - x, y }))),
    width
  };
}

/** Lay out each kind of piece once, and hang the pieces one below the other. */
export async function layoutPieces(
  key: string,
  { ids, pieces, long }: IPieces,
  options: ElkNode['layoutOptions'],
  run: (graph: ElkNode) => Promise<ElkNode>
): Promise<ILayout> {
  const known = new Map<string, IPlacedPiece>();
  const boxes = new Map<string, IBox>();
  const edges: IPlacedEdge[] = [];
  let joint: IPoint = { x: 0, y: 0 };
  for (const piece of pieces) {
    const isLast = piece === pieces.at(-1);
    const kind = `${isLast} ${pieceKey(piece)}`;
    const upright = known.get(kind) ?? fromElk(piece, await run(toElk(piece, isLast, options)));
    known.set(kind, upright);
    const aside = (upright.boxes.at(-1)?.x ?? 0) - (upright.boxes[0]?.x ?? 0);
    const placed = Math.abs(joint.x) > ASIDE && joint.x * aside > 0 ? mirror(upright) : upright;
    const first = placed.boxes[0] ?? { x: 0, y: 0 };
    const [dx, dy] = piece.start === 0 ? [-first.x, 0] : [joint.x - first.x, joint.y - first.y];
    placed.boxes.forEach(({ x, y }, at) => {
      joint = { x: x + dx, y: y + dy };
      boxes.set(ids[piece.start + at] ?? '', { ...joint, width: NODE_WIDTH, height: NODE_HEIGHT });
    });
    placed.routes.forEach((points, at) => {
      const link = piece.links[at]?.link;
      if (link) {
        edges.push({ ...link, points: points.map(({ x, y }) => ({ x: x + dx, y: y + dy })), label: null });
      }
    });
  }
  return frame(key, boxes, edges, long);
}

const MARGIN = 12;

/** Move everything to where coordinates begin, and lead the long blobs along the right side. */
function frame(
  key: string,
  boxes: Map<string, IBox>,
  edges: readonly IPlacedEdge[],
  long: readonly ILink[]
): ILayout {
  let [left, right, bottom] = [Infinity, -Infinity, 0];
  const take = ({ x, y }: IPoint): void => {
    left = Math.min(left, x);
    right = Math.max(right, x);
    bottom = Math.max(bottom, y);
  };
  for (const { x, y, width, height } of boxes.values()) {
    take({ x, y });
    take({ x: x + width, y: y + height });
  }
  edges.forEach(({ points }) => points.forEach(take));
  const dx = MARGIN - left;
  const beside = long.map((link, lane): IPlacedEdge => {
    const from = boxes.get(link.source) ?? { x: 0, y: 0 };
    const to = boxes.get(link.target) ?? { x: 0, y: 0 };
    const x = right + LANE * (lane + 1);
    const [start, end] = [from.x + 0.75 * NODE_WIDTH, to.x + 0.75 * NODE_WIDTH];
    const [below, above] = [from.y + NODE_HEIGHT + 6, to.y - 8];
    const points = [
      { x: start, y: from.y + NODE_HEIGHT },
      { x: start, y: below },
      { x, y: below },
      { x, y: above },
      { x: end, y: above },
      { x: end, y: to.y }
    ];
    return { ...link, points, label: null };
  });
  return {
    key,
    width: right + dx + LANE * long.length + MARGIN,
    height: bottom + MARGIN,
    boxes: new Map([...boxes].map(([id, box]) => [id, { ...box, x: box.x + dx }])),
    edges: [...edges, ...beside].map(edge => ({
      ...edge,
      points: edge.points.map(({ x, y }) => ({ x: x + dx, y }))
    }))
  };
}
