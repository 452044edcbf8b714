import { describe, expect, it } from 'vitest';

import { graph, layerState, node } from '../../testing/messages';
import type { IGraphFace } from './model';
import { describeFace, edgeText, faceOf, familyOf, neighbour, sameFace } from './model';

const quiet = {
  states: new Map(),
  times: new Map(),
  selected: null,
  current: null,
  stale: new Set<number>()
};

describe('families', () => {
  it.each([
    ['Convolution', 'vision'],
    ['InnerProduct', 'dense'],
    ['PReLU', 'activation'],
    ['SoftmaxWithLoss', 'loss'],
    ['Softmax', 'activation'],
    ['MemoryData', 'data'],
    ['Python', 'python'],
    ['Concat', 'utility'],
    ['NobodyKnows', 'utility']
  ])('%s belongs to %s', (type, family) => {
    expect(familyOf(type)).toBe(family);
  });
});

describe('a node’s face', () => {
  const [data, ip] = graph().nodes;
  if (!data || !ip) {
    throw new Error('the sample net has layers');
  }

  it('lights only the layer that runs', () => {
    const current = { index: 1, direction: 'backward', seconds: 0 } as const;
    expect(faceOf(ip, { ...quiet, current }).running).toBe('backward');
    expect(faceOf(data, { ...quiet, current }).running).toBeNull();
  });

  it('is stale while its values are older than an edit', () => {
    const face = faceOf(ip, { ...quiet, stale: new Set([1]) });
    expect(describeFace(face)).toContain('older than the last edit');
    expect(sameFace(face, faceOf(ip, quiet))).toBe(false);
    expect(faceOf(data, { ...quiet, stale: new Set([1]) }).stale).toBe(false);
  });

  it('is the same while nothing about the layer changes', () => {
    const states = new Map([[1, layerState(1)]]);
    const face = faceOf(ip, { ...quiet, states });
    expect(sameFace(face, faceOf(ip, { ...quiet, states: new Map(states) }))).toBe(true);
    expect(sameFace(face, faceOf(ip, { ...quiet, states, selected: 1 }))).toBe(false);
  });

  it('names where values are not finite, and is the same while these are', () => {
    const places = ["top 'ip'", 'the diff of parameter 0'];
    const bad = (): IGraphFace['bad'] => new Map([[1, { index: 1, value: 'NaN', places: [...places] }]]);
    const face = faceOf(ip, { ...quiet, bad: bad() });
    expect(describeFace(face)).toContain("NaN in top 'ip', the diff of parameter 0");
    expect(sameFace(face, faceOf(ip, { ...quiet, bad: bad() }))).toBe(true);
    expect(sameFace(face, faceOf(ip, quiet))).toBe(false);
    expect(faceOf(data, { ...quiet, bad: bad() }).bad).toBe('');
  });

  it('says in words what it shows', () => {
    const python = node(2, 'loss', { type: 'Python', python: 'layers.Loss' });
    const error = {
      message: 'ValueError: boom',
      traceback: '',
      path: '',
      line: 0,
      refused: false,
      not_finite: false
    };
    const states = new Map([[2, layerState(2, { version: 4, error })]]);
    expect(describeFace(faceOf(python, { ...quiet, states }))).toBe(
      'layer loss, Python layer layers.Loss, version 4, error: ValueError: boom'
    );
  });
});

describe('arrow keys', () => {
  const { edges } = graph();

  it('follow the blobs down and up', () => {
    expect(neighbour(edges, 0, 'down')).toBe(1);
    expect(neighbour(edges, 2, 'up')).toBe(1);
    expect(neighbour(edges, 2, 'down')).toBeNull();
  });

  it('move among the consumers of one blob', () => {
    expect(neighbour(edges, 1, 'right')).toBe(2);
    expect(neighbour(edges, 2, 'left')).toBe(1);
    expect(neighbour(edges, 1, 'left')).toBe(0);
  });
});

describe('edges', () => {
  it('carry the blob’s name and shape', () => {
    expect(edgeText({ source: 0, target: 1, blob: 'conv1', shape: [64, 20, 12, 12] })).toBe(
      'conv1 · 64×20×12×12'
    );
    expect(edgeText({ source: 0, target: 1, blob: 'loss', shape: [] })).toBe('loss · scalar');
  });

  it('shorten a long name', () => {
    expect(edgeText({ source: 0, target: 1, blob: 'x'.repeat(500), shape: [1] }).length).toBeLessThan(30);
  });
});
