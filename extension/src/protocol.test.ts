import { describe, expect, it } from 'vitest';

import { ProtocolError, parsePush, parseReply } from './protocol';
import { distribution, graph, layerState, netList, oneNet, tensor, update } from './testing/messages';

const views = (...said: unknown[]): unknown => ({ kind: 'tensors', net: 'n1', views: said, spent: 0.5 });

describe('replies', () => {
  it('pass when they are what the protocol says', () => {
    const check = { ok: false, rows: [], findings: [], path: '', line: 0, message: 'bottom[0] is wrong' };
    const error = { message: 'boom', traceback: '', path: '', line: 0, refused: false, not_finite: false };
    const states = [layerState(0, { check, error })];
    for (const reply of [
      netList(['n1'], 'n1'),
      { ...graph(), states },
      views(tensor(), { kind: 'failed', message: 'gone' }),
      distribution()
    ]) {
      expect(parseReply(structuredClone(reply))).toEqual(reply);
    }
    const checked = oneNet({ kind: 'check_layer', net: 'n1', layer: 0 });
    expect(parseReply(structuredClone(checked))).toEqual(checked);
  });

  it.each([
    ['no object at all', null, 'reply'],
    ['an unknown kind', { kind: 'surprise' }, 'reply.kind'],
    ['a missing field', { kind: 'net_list', inspect: null }, 'reply.nets'],
    ['a wrong type deep inside', { ...graph(), edges: [{ source: '0' }] }, 'reply.edges[0].source'],
    ['a shape of fractions', views({ ...tensor(), shape: [1.5] }), 'reply.views[0].shape[0]'],
    [
      'a figure that is no number',
      views({ ...tensor(), statistics: { count: NaN } }),
      'reply.views[0].statistics.count'
    ],
    ['a word that is not allowed', views({ ...tensor(), part: 'weights' }), 'reply.views[0].part']
  ])('are refused for %s, with the field', (_, reply, path) => {
    let caught: unknown;
    try {
      parseReply(reply);
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(ProtocolError);
    expect((caught as ProtocolError).path).toBe(path);
  });
});

describe('pushes', () => {
  it('pass when they are what the protocol says', () => {
    const push = update({ current: { index: 1, direction: 'backward', seconds: 0.5 }, loss: 0.25 });
    expect(parsePush(structuredClone(push))).toEqual(push);
  });

  it('are not replies', () => {
    expect(() => parsePush(graph())).toThrow(ProtocolError);
  });
});
