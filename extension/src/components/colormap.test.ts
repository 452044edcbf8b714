import { describe, expect, it } from 'vitest';

import { DARK, LIGHT, colourOf, gradientOf, limitOf, paint } from './colormap';

const brightness = (colour: readonly number[]): number => colour.reduce((sum, channel) => sum + channel, 0);

describe.each([
  ['light', LIGHT, -1],
  ['dark', DARK, 1]
])('the %s palette', (_, palette, sign) => {
  it('is centred on zero: both signs start from the same neutral colour', () => {
    expect(colourOf(0, 1, palette)).toEqual(palette.positive[0]);
    expect(palette.negative[0]).toEqual(palette.positive[0]);
  });

  it('leaves zero the further the larger the value is, red for positive and blue for negative ones', () => {
    const [low, high] = [colourOf(0.3, 1, palette), colourOf(1, 1, palette)];
    expect(sign * (brightness(high) - brightness(low))).toBeGreaterThan(0);
    const [red, , blue] = colourOf(0.6, 1, palette);
    expect(red).toBeGreaterThan(blue);
    const [red2, , blue2] = colourOf(-0.6, 1, palette);
    expect(blue2).toBeGreaterThan(red2);
  });

  it('gives what is not a number colours that no number has', () => {
    const numbers = new Set<string>();
    for (let step = -100; step <= 100; step++) {
      numbers.add(colourOf(step / 100, 1, palette).join());
    }
    const special = [NaN, Infinity, -Infinity].map(value => colourOf(value, 1, palette).join());
    expect(new Set(special).size).toBe(3);
    expect(special.some(colour => numbers.has(colour))).toBe(false);
  });

  it('gives what lies beyond the ends colours that no other value has', () => {
    for (const sign of [-1, 1]) {
      expect(colourOf(2 * sign, 1, palette)).not.toEqual(colourOf(sign, 1, palette));
      expect(colourOf(sign * (1 + 1e-8), 1, palette)).toEqual(colourOf(sign, 1, palette));
    }
  });

  it('paints as it colours', () => {
    const values = new Float32Array([0, 1, -1, 5, -5, NaN, Infinity, -Infinity]);
    const pixels = paint(values, 1, palette);
    values.forEach((value, at) => {
      expect([...pixels.subarray(4 * at, 4 * at + 4)]).toEqual([...colourOf(value, 1, palette), 255]);
    });
  });
});

describe('a scale', () => {
  it('reaches the largest magnitude on either side', () => {
    expect(limitOf({ min: -3, max: 2 })).toBe(3);
  });

  it('paints a blob of zeros in the neutral colour', () => {
    expect([...paint(new Float32Array(1), 0, LIGHT)]).toEqual([...LIGHT.positive[0], 255]);
  });

  it('is shown with zero in the middle', () => {
    const stops = gradientOf(LIGHT).match(/rgb\([^)]*\)/g) ?? [];
    expect(stops[(stops.length - 1) / 2]).toBe('rgb(247 247 247)');
  });
});
