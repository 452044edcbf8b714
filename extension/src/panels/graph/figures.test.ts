import { describe, expect, it } from 'vitest';

import { blob, graph, layerState, node } from '../../testing/messages';
import { decadesOf, formatCount, heatOf, paramCount, valueOf } from './figures';
import { groupsOf } from './groups';
import type { IGraphFace } from './model';
import { describeGroup, groupFaceOf, worstOf } from './model';
import { around, pathBetween } from './paths';
import { nextHit, search } from './search';

const weights = [blob('weight', [10, 20]), blob('bias', [10])];

describe('parameters', () => {
  it('are counted by their shapes; a scalar is one', () => {
    expect(paramCount([node(0, 'ip', { params: [...weights, blob('scale', [])] })])).toBe(211);
  });

  it('count once where layers share them', () => {
    const twins = [0, 1].map(at => node(at, `ip${at}`, { params: weights, shared: ['w', ''] }));
    expect(paramCount(twins)).toBe(200 + 10 + 10);
  });

  it.each([
    [0, '0'],
    [864, '864'],
    [999, '999'],
    [1000, '1 k'],
    [9408, '9.4 k'],
    [25_557_032, '26 M'],
    [138_357_544, '138 M'],
    [999_999, '1 M']
  ])('%i is %s', (count, text) => {
    expect(formatCount(count)).toBe(text);
  });
});

describe('an overlay', () => {
  const times = new Map([[0, { index: 0, forward: 1, backward: 2, within: '' }]]);
  const gradients = new Map([
    [0, 1e-7],
    [1, 0.5],
    [2, NaN]
  ]);

  it('adds up times or parameters', () => {
    const nodes = [node(0, 'a', { params: weights }), node(1, 'b')];
    expect(valueOf('time', nodes, times, gradients)).toBe(3);
    expect(valueOf('parameters', nodes, times, gradients)).toBe(210);
    expect(valueOf('none', nodes, times, gradients)).toBe(0);
  });

  it('has of several layers the largest gradient, whatever is not finite left out', () => {
    const nodes = [node(0, 'a'), node(1, 'b'), node(2, 'c')];
    expect(valueOf('gradients', nodes, times, gradients)).toBe(0.5);
    expect(valueOf('gradients', [node(2, 'c')], times, gradients)).toBe(0);
    expect(decadesOf('gradients')).toBeGreaterThan(decadesOf('time'));
  });

  it('is strongest at the greatest value, spans three powers of ten, and leaves nothing uncoloured', () => {
    expect(heatOf(50, 50, 3)).toBe(1);
    expect(heatOf(0.05, 50, 3)).toBeCloseTo(0);
    expect(heatOf(1e-9, 50, 3)).toBe(0);
    expect(heatOf(0, 50, 3)).toBeNull();
    expect(heatOf(0, 0, 3)).toBeNull();
    expect(heatOf(NaN, 50, 3)).toBeNull();
  });
});

describe('a group', () => {
  const nodes = ['x', 'a/1', 'a/2', 'a/3'].map((name, at) => node(at, name, { params: weights }));
  const [group] = groupsOf(nodes, []).groups.values();
  const byIndex = new Map(nodes.map(one => [one.index, one]));
  const quiet: IGraphFace = {
    states: new Map(),
    times: new Map(),
    selected: null,
    current: null,
    stale: new Set()
  };
  const error = { message: 'boom', traceback: '', path: '', line: 0, refused: false, not_finite: false };
  const check = { ok: false, rows: [], findings: [], path: '', line: 0, message: '' };
  const face = (more: Partial<IGraphFace>): ReturnType<typeof groupFaceOf> => {
    if (!group) {
      throw new Error('the sample has a group');
    }
    return groupFaceOf(group, false, byIndex, { ...quiet, ...more });
  };

  it('has the sums of its layers', () => {
    const times = new Map([1, 2, 0].map(index => [index, { index, forward: 1, backward: 1, within: '' }]));
    expect(face({ times })).toMatchObject({ params: 630, time: 4 });
  });

  it('shows the worst of its layers', () => {
    const current = { index: 1, direction: 'forward', seconds: 0 } as const;
    const failed = new Map([[2, layerState(2, { check })]]);
    const broken = new Map([...failed, [3, layerState(3, { error })]]);
    expect(worstOf(face({}))).toBe('');
    expect(worstOf(face({ current }))).toBe('running');
    expect(worstOf(face({ current, stale: new Set([3]) }))).toBe('stale');
    expect(worstOf(face({ stale: new Set([3]), states: failed }))).toBe('fail');
    expect(worstOf(face({ states: broken }))).toBe('error');
    const bad = new Map([[2, { index: 2, value: 'NaN' as const, places: ["top 'a/2'"] }]]);
    expect(worstOf(face({ states: failed, bad }))).toBe('nan');
    expect(describeGroup(face({ bad }))).toContain('1 with NaN or infinity');
    expect(describeGroup(face({ states: broken, selected: 2 }))).toBe(
      'group a, 3 layers, 1 with an error, 1 with a failed gradient check, holds the selected layer, 630 parameters'
    );
    expect(worstOf(face({ states: new Map([[0, layerState(0, { error })]]) }))).toBe('');
  });
});

describe('the ways between two layers', () => {
  const edges = [
    [0, 1],
    [1, 2],
    [0, 2],
    [2, 3],
    [0, 4]
  ].map(([source = 0, target = 0]) => ({ source, target, blob: 'b', shape: [] }));

  it('hold every layer on any of them, in either direction', () => {
    expect([...pathBetween(edges, 0, 3).layers].sort()).toEqual([0, 1, 2, 3]);
    expect(pathBetween(edges, 3, 1)).toMatchObject({ from: 1, to: 3, layers: new Set([1, 2, 3]) });
  });

  it('are none where no blob leads from one to the other', () => {
    expect(pathBetween(edges, 4, 3).layers.size).toBe(0);
  });

  it('begin with what a layer reads and what reads it', () => {
    expect(around(edges, 2)).toEqual({ producers: [1, 0], consumers: [3] });
  });
});

describe('the search', () => {
  const { nodes } = graph();

  it('finds names, types and Python classes, whatever their capitals', () => {
    expect(search(nodes, 'IP')).toEqual([1]);
    expect(search(nodes, 'inner')).toEqual([1]);
    expect(search(nodes, 'layers.loss')).toEqual([2]);
    expect(search(nodes, '  ')).toEqual([]);
    expect(search(nodes, '.*')).toEqual([]);
  });

  it('goes round through the hits, from where one is', () => {
    expect(nextHit([1, 4, 7], 4, 1)).toBe(7);
    expect(nextHit([1, 4, 7], 7, 1)).toBe(1);
    expect(nextHit([1, 4, 7], 5, -1)).toBe(4);
    expect(nextHit([1, 4, 7], null, -1)).toBe(7);
    expect(nextHit([], 3, 1)).toBeNull();
  });
});
