import { describe, expect, it } from 'vitest';

import type { Graph } from '../../protocol';
import { graph, node } from '../../testing/messages';
import type { IGrouping } from './groups';
import { groupsOf } from './groups';
import { makeScene, openAll, openAround } from './scene';

/** A net whose layers feed each other in turn, unless edges are given. */
function net(names: readonly string[], edges?: readonly (readonly [number, number])[]): Graph {
  const pairs = edges ?? names.slice(1).map((_, at) => [at, at + 1] as const);
  return {
    ...graph(),
    nodes: names.map((name, index) => node(index, name)),
    edges: pairs.map(([source, target]) => ({ source, target, blob: `b${source}`, shape: [1] }))
  };
}

function grouped({ nodes, edges }: Graph): Record<string, readonly number[]> {
  const { groups } = groupsOf(nodes, edges);
  return Object.fromEntries([...groups.values()].map(({ id, members }) => [id, members]));
}

function many(count: number, name: (at: number) => string): string[] {
  return Array.from({ length: count }, (_, at) => name(at));
}

describe('groups', () => {
  it('are made by slashes in names, one within the other', () => {
    const names = ['data', 'res/a/conv', 'res/a/bn', 'res/a/relu', 'res/b', 'loss'];
    expect(grouped(net(names))).toEqual({ res: [1, 2, 3, 4], 'res/a': [1, 2, 3] });
  });

  it('hold the layer that has their own name', () => {
    expect(grouped(net(['data', 'conv1', 'conv1/bn', 'conv1/relu']))).toEqual({ conv1: [1, 2, 3] });
  });

  it('are not made of two layers, nor of all', () => {
    expect(grouped(net(['data', 'conv1/a', 'conv1/b', 'loss']))).toEqual({});
    expect(grouped(net(['all/a', 'all/b', 'all/c']))).toEqual({});
  });

  it('are made of blocks that repeat, where the net is large', () => {
    const block = (n: number): string[] => [
      `res${n}a_branch1`,
      `bn${n}a_branch1`,
      `scale${n}a_branch1`,
      `res${n}a`
    ];
    const names = ['data', ...Array.from({ length: 12 }, (_, at) => block(at)).flat(), 'loss'];
    const found = grouped(net(names));
    expect(Object.keys(found)).toHaveLength(12);
    expect(found['//3a']).toEqual([13, 14, 15, 16]);
    expect(grouped(net(names.slice(0, 20)))).toEqual({});
  });

  it('are not made of numbers that only count layers', () => {
    expect(grouped(net(many(200, at => `layer${at}`)))).toEqual({});
  });

  it('are split where blobs would leave and enter them again', () => {
    const names = ['a/1', 'a/2', 'a/3', 'other', 'a/4', 'a/5', 'a/6'];
    expect(grouped(net(names))).toEqual({ a: [0, 1, 2], 'a~2': [4, 5, 6] });
  });

  it('stay whole where they are only mixed in the text', () => {
    const names = ['data', 'a/1', 'b/1', 'a/2', 'b/2', 'a/3', 'b/3'];
    const edges = [
      [0, 1],
      [0, 2],
      [1, 3],
      [2, 4],
      [3, 5],
      [4, 6]
    ] as const;
    expect(grouped(net(names, edges))).toEqual({ a: [1, 3, 5], b: [2, 4, 6] });
  });

  it('take names of any kind', () => {
    const names = [
      '/',
      '//',
      '',
      'a//b',
      '/'.repeat(5000),
      `${'x/'.repeat(50)}y`,
      '__proto__/a',
      'constructor/b'
    ];
    expect(() => grouped(net(names))).not.toThrow();
  });
});

describe('a scene', () => {
  const small = net(['data', 'a/1', 'a/2', 'a/3', 'loss']);

  it('has the groups of a small net open, and those of a large one closed', () => {
    expect([...makeScene(small).items.keys()]).toEqual(['0', 'g0', '1', '2', '3', '4']);
    const large = net(many(102, at => `b${Math.floor(at / 3)}/${at}`));
    const { items } = makeScene(large);
    expect(items.size).toBe(34);
    expect([...items.values()].every(item => item.kind === 'group' && !item.open)).toBe(true);
  });

  it('shows a closed group in the place of its layers, with one line for each neighbour', () => {
    const closed = makeScene(small, new Map([['a', false]]));
    expect([...closed.items.keys()]).toEqual(['0', 'g0', '4']);
    expect(closed.links.map(({ source, target, text }) => [source, target, text])).toEqual([
      ['0', 'g0', 'b0 · 1'],
      ['g0', '4', 'b3 · 1']
    ]);
    expect(closed.shownAs.get(2)).toBe('g0');
  });

  it('counts the blobs of a line where there are several', () => {
    const split = net(
      ['data', 'x', 'a/1', 'a/2', 'a/3'],
      [
        [0, 1],
        [0, 2],
        [1, 3],
        [0, 4]
      ]
    );
    split.edges.forEach((edge, at) => (edge.blob = `blob${at}`));
    const { links } = makeScene(split, new Map([['a', false]]));
    expect(links.map(({ text }) => text)).toEqual(['blob0 · 1', '2 blobs', 'blob2 · 1']);
  });

  it('opens the groups around a layer, and nothing where they are open', () => {
    const nested = net(['data', 'a/b/1', 'a/b/2', 'a/b/3', 'a/c', 'd/1', 'd/2', 'd/3']);
    const grouping: IGrouping = groupsOf(nested.nodes, nested.edges);
    const closed = openAll(grouping, false);
    const opened = openAround(nested, grouping, closed, 2);
    expect([...opened].filter(([, open]) => open).map(([id]) => id)).toEqual(['a', 'a/b']);
    expect(openAround(nested, grouping, opened, 3)).toBe(opened);
  });

  it('never has a circle, whatever is open', () => {
    const blocks = net(many(90, at => `${at % 3 === 0 ? 'x' : 'y'}/${at % 9}/${at}`));
    const grouping = groupsOf(blocks.nodes, blocks.edges);
    for (let round = 0; round < 20; round++) {
      const opened = new Map([...grouping.groups.keys()].map((id, at) => [id, (at * 7 + round) % 3 === 0]));
      expect(hasCircle(makeScene(blocks, opened, grouping).links)).toBe(false);
    }
  });
});

function hasCircle(links: readonly { source: string; target: string }[]): boolean {
  let left = [...links];
  for (;;) {
    const targets = new Set(left.map(({ target }) => target));
    const rest = left.filter(({ source }) => targets.has(source));
    if (rest.length === left.length) {
      return left.length > 0;
    }
    left = rest;
  }
}
