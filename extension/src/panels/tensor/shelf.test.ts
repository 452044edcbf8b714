import { describe, expect, it } from 'vitest';

import { blob, graph, node, tensor } from '../../testing/messages';
import { USUAL } from './model';
import type { IKept } from './shelf';
import { MOST_PINS, Shelf, difference, differenceText, findPin } from './shelf';

const pin = (name: string): { layer: string; role: 'top'; blob: string } => ({
  layer: name,
  role: 'top',
  blob: name
});
const kept = (values: number[], more = {}): IKept => ({
  tensor: tensor(more),
  values: new Float32Array(values),
  look: USUAL,
  when: 'iteration 7'
});

describe('pins', () => {
  it('are few, and come off again', () => {
    const shelf = new Shelf();
    for (let at = 0; at < MOST_PINS + 2; at++) {
      shelf.toggle(pin(`ip${at}`));
    }
    expect(shelf.pins).toHaveLength(MOST_PINS);
    expect(shelf.isFull).toBe(true);
    shelf.toggle(pin('ip1'));
    expect(shelf.pins.map(({ layer }) => layer)).toEqual(['ip0', 'ip2', 'ip3']);
  });

  it('find their blob by names in a net that was built anew', () => {
    expect(findPin(graph('n1'), pin('ip'))?.node.index).toBe(1);
    const anew = { ...graph('n2'), nodes: [node(0, 'new'), node(5, 'ip')] };
    expect(findPin(anew, pin('ip'))?.node.index).toBe(5);
    expect(findPin(anew, pin('loss'))).toBeNull();
    const renamed = { ...anew, nodes: [node(5, 'ip', { tops: [blob('other')] })] };
    expect(findPin(renamed, pin('ip'))).toBeNull();
    expect(findPin(null, pin('ip'))).toBeNull();
  });
});

describe('what is kept', () => {
  it('is bounded, the oldest goes first', () => {
    const shelf = new Shelf();
    for (let at = 0; at < 100; at++) {
      shelf.keep(`n1 data blob:${at}`, kept([at]));
    }
    expect(shelf.kept('n1 data blob:99')?.values[0]).toBe(99);
    expect(shelf.kept('n1 data blob:0')).toBeNull();
    shelf.keep('n1 data blob:99', null);
    expect(shelf.kept('n1 data blob:99')).toBeNull();
  });

  it('is subtracted from what is now; what is not finite in both has not changed', () => {
    const now = {
      tensor: tensor(),
      values: new Float32Array([1, 2, NaN, Infinity, NaN, 0]),
      error: null,
      waiting: false
    };
    const change = difference(now, kept([1, 1.5, NaN, Infinity, 3, 1]));
    expect([...(change?.values ?? [])]).toEqual([0, 0.5, 0, 0, NaN, -1]);
  });

  it.each([
    ['shape', { shape: [3, 2] }],
    ['axes', { axes: [-1, 1, 0] }],
    ['position', { index: [1, 0] }],
    ['blocks', { block: [2, 1] }],
    ['part', { part: 'diff' as const }]
  ])('is not compared with another %s', (_, more) => {
    const now = { tensor: tensor(), values: new Float32Array(6), error: null, waiting: false };
    expect(difference(now, kept([0, 0, 0, 0, 0, 0], more))).toBeNull();
  });

  it('is compared in words, too', () => {
    expect(differenceText(new Float32Array(3))).toContain('None of the 3');
    expect(differenceText(new Float32Array([0, -0.5]))).toBe(
      '1 of 2 values shown has changed, by at most 0.5.'
    );
    expect(differenceText(new Float32Array([NaN, 1]))).toContain('NaN or Inf');
  });
});
