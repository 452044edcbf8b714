import { describe, expect, it } from 'vitest';

import { statistics, tensor } from '../testing/messages';
import { DARK, LIGHT, categoryColours, colourOf } from './colormap';
import { fixedScale, largestOf, paintTile, scaleOf, strangeIn } from './scale';

const of = (more: Parameters<typeof statistics>[0], channels = 0): ReturnType<typeof scaleOf> =>
  scaleOf(tensor({ statistics: statistics(more), channels }), 'bgr');

describe('a scale', () => {
  it('is centred on zero and clipped at three root mean squares, and says at which end', () => {
    expect(of({ min: -2, max: 40, mean: 0.6, std: 0.8 })).toEqual({
      kind: 'range',
      limit: 3,
      below: false,
      above: true
    });
  });

  it('is not clipped where nothing is far out, nor for a blob far from zero', () => {
    expect(of({ min: -2, max: 1, mean: 0, std: 1 })).toMatchObject({ limit: 2, below: false, above: false });
    expect(of({ min: 99, max: 101, mean: 100, std: 0.1 })).toMatchObject({ limit: 101, above: false });
  });

  it('of a blob of nothing but NaN paints NaN', () => {
    const scale = of({ min: 0, max: 0, mean: 0, std: 0, nans: 6 });
    expect([...paintTile(new Float32Array([NaN]), scale, LIGHT)]).toEqual([...LIGHT.nan, 255]);
  });

  it('has categories where the blob has', () => {
    expect(of({ categories: [0, 3] })).toEqual({ kind: 'categories', values: [0, 3] });
  });
});

describe('categories', () => {
  const values = Array.from({ length: 20 }, (_, at) => 3 * at - 7);

  it.each([
    ['light', LIGHT],
    ['dark', DARK]
  ])('have colours of their own in the %s theme', (_, palette) => {
    const colours = [...categoryColours(values, palette).values()].map(String);
    expect(new Set(colours).size).toBe(20);
  });

  it('keep their colours when others come', () => {
    const few = categoryColours([0, 3], LIGHT);
    const more = categoryColours([0, 1, 3, 7], LIGHT);
    expect(more.get(3)).toEqual(few.get(3));
  });

  it('are painted in them', () => {
    const pixels = paintTile(new Float32Array([3, 0]), { kind: 'categories', values: [0, 3] }, LIGHT);
    const colours = categoryColours([0, 3], LIGHT);
    expect([...pixels]).toEqual([...(colours.get(3) ?? []), 255, ...(colours.get(0) ?? []), 255]);
  });
});

describe('an image', () => {
  const blue = new Float32Array([1, -1, -1]); // one pixel, its first channel bright

  it('is painted from black to white within three sigma of its mean, no further than its extremes', () => {
    expect(of({ min: -1, max: 50, mean: 0, std: 2 }, 3)).toEqual({
      kind: 'picture',
      low: -1,
      high: 6,
      channels: 3,
      order: 'bgr'
    });
  });

  it('has its first channel in blue, or in red', () => {
    const scale = fixedScale(1, 3, 'bgr');
    expect([...paintTile(blue, scale, LIGHT)]).toEqual([0, 0, 255, 255]);
    expect([...paintTile(blue, fixedScale(1, 3, 'rgb'), LIGHT)]).toEqual([255, 0, 0, 255]);
  });

  it('of one channel is grey', () => {
    const [red, green, other] = paintTile(new Float32Array([0]), fixedScale(1, 1), LIGHT);
    expect([green, other]).toEqual([red, red]);
  });

  it('shows a pixel that is no number as one', () => {
    const pixels = paintTile(new Float32Array([0, Infinity, 0]), fixedScale(1, 3), DARK);
    expect([...pixels.subarray(0, 3)]).toEqual([...colourOf(Infinity, 1, DARK)]);
  });
});

it('the largest of values is the largest finite one', () => {
  expect(largestOf(new Float32Array([1, -3, NaN, Infinity]))).toBe(3);
  expect(largestOf(new Float32Array([NaN]))).toBe(0);
});

it('what is not finite is counted', () => {
  expect(strangeIn(new Float32Array([1, NaN, -Infinity, NaN]))).toEqual({
    nans: 2,
    positive_infinities: 0,
    negative_infinities: 1
  });
});
