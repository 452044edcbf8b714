import Elk from 'elkjs/lib/elk.bundled.js';
import { describe, expect, it, vi } from 'vitest';

import type { Graph } from '../../protocol';
import { graph, node } from '../../testing/messages';
import type { ILayoutEngine } from './layout';
import {
  CancelledError,
  Layouter,
  NODE_HEIGHT,
  NODE_WIDTH,
  fromElk,
  roundedPath,
  startingView,
  toElk
} from './layout';
import { makeScene } from './scene';

const engine = new Elk();

function chain(length: number): Graph {
  return {
    ...graph(),
    nodes: Array.from({ length }, (_, index) => node(index, `ip${index}`)),
    edges: Array.from({ length: length - 1 }, (_, at) => ({
      source: at,
      target: at + 1,
      blob: `b${at}`,
      shape: [1]
    }))
  };
}

describe('the layout', () => {
  it('puts every layer below those it reads from, without overlaps', async () => {
    const net = graph();
    const scene = makeScene(net);
    const layout = fromElk(scene, await engine.layout(toElk(scene)));
    expect(layout.boxes.size).toBe(3);
    for (const { source, target } of net.edges) {
      const above = layout.boxes.get(`${source}`)?.y ?? NaN;
      expect(layout.boxes.get(`${target}`)?.y).toBeGreaterThanOrEqual(above + NODE_HEIGHT);
    }
    for (const { x } of layout.boxes.values()) {
      expect(x + NODE_WIDTH).toBeLessThanOrEqual(layout.width);
    }
  });

  it('routes every edge from its producer to its consumer, with a text on the way', async () => {
    const net = graph();
    const scene = makeScene(net);
    const layout = fromElk(scene, await engine.layout(toElk(scene)));
    expect(layout.edges.map(({ text }) => text)).toEqual(['data · 2×3', 'ip · 2×3', 'data · 2×3']);
    for (const { source, target, points, label } of layout.edges) {
      expect(points[0]?.y).toBeCloseTo((layout.boxes.get(source)?.y ?? NaN) + NODE_HEIGHT);
      expect(points.at(-1)?.y).toBeCloseTo(layout.boxes.get(target)?.y ?? NaN);
      expect(label).not.toBeNull();
    }
  });

  it('leaves out edges to layers that it does not know', () => {
    const net = graph();
    const edges = [...net.edges, { source: 0, target: 99, blob: 'x', shape: [] }];
    expect(toElk(makeScene({ ...net, edges })).edges).toHaveLength(3);
  });

  it('leaves the texts away in very large nets', () => {
    expect(toElk(makeScene(chain(5))).edges?.[0]?.labels).toHaveLength(1);
    expect(toElk(makeScene(chain(500))).edges?.[0]?.labels).toEqual([]);
  });
});

describe('a long net of branches', () => {
  /** Blocks of three branches that are joined again. */
  function branches(blocks: number): Graph {
    const nodes = [node(0, 'data')];
    const edges: Graph['edges'] = [];
    for (let block = 0; block < blocks; block++) {
      const from = nodes.length - 1;
      const join = from + 4;
      for (let branch = from + 1; branch < join; branch++) {
        nodes.push(node(branch, `ip${branch}`));
        edges.push({ source: from, target: branch, blob: `b${from}`, shape: [4, 8] });
        edges.push({ source: branch, target: join, blob: `b${branch}`, shape: [4, 8] });
      }
      nodes.push(node(join, `sum${block}`));
    }
    return { ...graph(), nodes, edges };
  }

  it('runs straight down and does not drift to one side', async () => {
    const [short, long] = [makeScene(branches(2)), makeScene(branches(60))];
    const few = fromElk(short, await engine.layout(toElk(short)));
    const many = fromElk(long, await engine.layout(toElk(long)));
    expect(many.width).toBeLessThan(1.5 * few.width);
  });

  it('starts with its top, large enough to be read', async () => {
    const scene = makeScene(branches(20));
    const layout = fromElk(scene, await engine.layout(toElk(scene)));
    const view = startingView(layout, 400, 800);
    const top = layout.boxes.get('0') ?? { x: NaN, y: NaN };
    expect(view.zoom).toBeGreaterThanOrEqual(0.4);
    expect(top.y * view.zoom + view.y).toBeGreaterThanOrEqual(0);
    expect(top.x * view.zoom + view.x).toBeGreaterThanOrEqual(0);
    expect((top.x + NODE_WIDTH) * view.zoom + view.x).toBeLessThanOrEqual(400);
  });

  it('is shown whole where that can be read', async () => {
    const net = graph();
    const scene = makeScene(net);
    const layout = fromElk(scene, await engine.layout(toElk(scene)));
    const view = startingView(layout, 1000, 1000);
    expect(view.zoom).toBe(1);
    expect(view.x * 2 + layout.width).toBeCloseTo(1000);
  });
});

describe('a very large net', () => {
  /** Blocks of two branches that are joined again, and one blob from the first layer to the last. */
  function deep(blocks: number): Graph {
    const nodes = [node(0, 'data')];
    const edges: Graph['edges'] = [];
    const link = (source: number, target: number): void => {
      edges.push({ source, target, blob: `b${source}`, shape: [1] });
    };
    for (let block = 0; block < blocks; block++) {
      const from = nodes.length - 1;
      ['ip', 'relu', 'side', 'sum'].forEach((name, at) =>
        nodes.push(node(from + 1 + at, `b${block}${name}`))
      );
      link(from, from + 1);
      link(from + 1, from + 2);
      link(from, from + 3);
      link(from + 2, from + 4);
      link(from + 3, from + 4);
    }
    link(0, nodes.length - 1);
    return { ...graph(), nodes, edges };
  }

  const net = deep(500);

  it('is laid out piece by piece, pieces of the same kind once', async () => {
    const layout = vi.fn((piece: Parameters<ILayoutEngine['layout']>[0]) => engine.layout(piece));
    const { boxes, edges, width } = await new Layouter(() => Promise.resolve({ layout })).layout(
      makeScene(net)
    );
    expect(layout.mock.calls.length).toBeLessThanOrEqual(4);
    expect(boxes.size).toBe(net.nodes.length);
    expect(edges).toHaveLength(net.edges.length);
    expect(width).toBeLessThan(8 * NODE_WIDTH);
  });

  it('has every layer below those it reads from, no two in one place, and lines from end to end', async () => {
    const layouter = new Layouter(() => Promise.resolve(engine));
    const { boxes, edges, width, height } = await layouter.layout(makeScene(net));
    const places = [...boxes.values()];
    expect(new Set(places.map(({ x, y }) => `${x} ${y}`)).size).toBe(places.length);
    for (const [at, a] of places.entries()) {
      const over = places.slice(at + 1, at + 12).some(b => overlap(a, b));
      expect(over).toBe(false);
    }
    for (const { source, target, points } of edges) {
      const [from, to] = [boxes.get(source), boxes.get(target)];
      expect(from && to && to.y >= from.y + NODE_HEIGHT).toBe(true);
      expect(points[0]?.y).toBeCloseTo((from?.y ?? NaN) + NODE_HEIGHT);
      expect(points.at(-1)?.y).toBeCloseTo(to?.y ?? NaN);
      expect(points.every(({ x, y }) => x >= 0 && x <= width && y >= 0 && y <= height)).toBe(true);
    }
  });

  function overlap(a: IPointBox, b: IPointBox): boolean {
    return Math.abs(a.x - b.x) < NODE_WIDTH && Math.abs(a.y - b.y) < NODE_HEIGHT;
  }
});

interface IPointBox {
  x: number;
  y: number;
}

describe('the layouter', () => {
  it('lays out a graph once, and again only when its structure changes', async () => {
    const layout = vi.fn((net: Parameters<ILayoutEngine['layout']>[0]) => engine.layout(net));
    const layouter = new Layouter(() => Promise.resolve({ layout }));
    await layouter.layout(makeScene(graph('n1', 1)));
    await layouter.layout(makeScene(graph('n1', 2)));
    expect(layout).toHaveBeenCalledTimes(1);
    await layouter.layout(makeScene(chain(4)));
    expect(layout).toHaveBeenCalledTimes(2);
  });

  it('does without the order of the text where elkjs fails on it', async () => {
    const layout = vi
      .fn<ILayoutEngine['layout']>()
      .mockRejectedValueOnce(new Error('a mistake in elkjs'))
      .mockImplementation(net => engine.layout(net));
    const layouter = new Layouter(() => Promise.resolve({ layout }));
    await expect(layouter.layout(makeScene(graph()))).resolves.toHaveProperty('boxes.size', 3);
  });

  it('tries again after a failure', async () => {
    const layout = vi
      .fn<ILayoutEngine['layout']>()
      .mockRejectedValueOnce(new Error('no worker'))
      .mockRejectedValueOnce(new Error('no worker'))
      .mockImplementation(net => engine.layout(net));
    const layouter = new Layouter(() => Promise.resolve({ layout }));
    await expect(layouter.layout(makeScene(graph()))).rejects.toThrow('no worker');
    await expect(layouter.layout(makeScene(graph()))).resolves.toHaveProperty('boxes.size', 3);
  });

  it('stops the worker when nobody waits for its layout any more, and goes on with the next', async () => {
    const terminateWorker = vi.fn();
    const makeEngine = vi
      .fn<() => Promise<ILayoutEngine>>()
      .mockResolvedValueOnce({ layout: () => new Promise(() => undefined), terminateWorker })
      .mockResolvedValue({ layout: net => engine.layout(net) });
    const layouter = new Layouter(makeEngine);
    const stop = new AbortController();
    const first = layouter.layout(makeScene(chain(3)), stop.signal);
    const second = layouter.layout(makeScene(chain(4)));
    stop.abort();
    await expect(first).rejects.toThrow(CancelledError);
    await expect(second).resolves.toHaveProperty('boxes.size', 4);
    expect(terminateWorker).toHaveBeenCalledOnce();
  });
});

describe('a group that is open', () => {
  const nodes = ['data', 'a/one', 'a/two', 'a/three', 'end'].map((name, at) => node(at, name));
  const edges = [0, 1, 2, 3].map(at => ({ source: at, target: at + 1, blob: `b${at}`, shape: [1] }));

  it('stands around its layers and around nothing else', async () => {
    const scene = makeScene({ ...graph(), nodes, edges });
    const { boxes } = fromElk(scene, await engine.layout(toElk(scene)));
    const frame = boxes.get('g0') ?? { x: NaN, y: NaN, width: NaN, height: NaN };
    const inside = ({ x, y }: { x: number; y: number }): boolean =>
      x > frame.x && x < frame.x + frame.width && y > frame.y && y < frame.y + frame.height;
    const within = [...boxes].filter(([id, box]) => id !== 'g0' && inside(box)).map(([id]) => id);
    expect(within).toEqual(['1', '2', '3']);
  });
});

describe('a path', () => {
  it('starts and ends at its ends and rounds the corners between', () => {
    const path = roundedPath([
      { x: 0, y: 0 },
      { x: 0, y: 20 },
      { x: 20, y: 20 }
    ]);
    expect(path).toBe('M 0 0 L 0 14 Q 0 20 6 20 L 20 20');
    expect(roundedPath([])).toBe('');
  });
});
