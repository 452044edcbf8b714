import { describe, expect, it } from 'vitest';

import { arrange } from './arrange';

describe('an arrangement', () => {
  it('fills its place with whole pixels', () => {
    const place = arrange(1, 10, 20, 205, 400);
    expect(place.scale).toBe(10);
    expect([place.width, place.height]).toEqual([200, 100]);
  });

  it('lays tiles in a square where there is room for one', () => {
    const place = arrange(16, 14, 14, 134, 260);
    expect(place.scale).toBe(2);
    expect(new Set(place.corners.map(({ x }) => x)).size).toBe(4);
  });

  it('stays inside its place', () => {
    for (const [tiles, rows, cols] of [
      [64, 28, 28],
      [3, 224, 224],
      [1, 500, 2],
      [512, 1, 1],
      [1, 1, 4096]
    ] as const) {
      const place = arrange(tiles, rows, cols, 300, 260);
      expect(place.width).toBeLessThanOrEqual(300);
      expect(place.height).toBeLessThanOrEqual(260);
      expect(place.corners).toHaveLength(tiles);
    }
  });

  it('finds every value again under the point where it is drawn', () => {
    const place = arrange(6, 3, 4, 200, 200);
    place.corners.forEach(({ x, y }, tile) => {
      for (let row = 0; row < 3; row++) {
        for (let col = 0; col < 4; col++) {
          const found = place.at(x + (col + 0.5) * place.scale, y + (row + 0.5) * place.scale);
          expect(found).toEqual({ tile, row, col });
        }
      }
    });
  });

  it('finds nothing between tiles and outside', () => {
    const place = arrange(4, 2, 2, 80, 80);
    expect(place.at(2 * place.scale + 1, 1)).toBeNull();
    expect(place.at(-1, 0)).toBeNull();
    expect(place.at(0, 1000)).toBeNull();
  });

  it('folds a long vector, and finds its values', () => {
    const place = arrange(1, 1, 100, 200, 200);
    expect(place.rows).toBeGreaterThan(1);
    const at = (position: number): ReturnType<typeof place.at> =>
      place.at(
        ((position % place.cols) + 0.5) * place.scale,
        (Math.floor(position / place.cols) + 0.5) * place.scale
      );
    expect(at(99)).toEqual({ tile: 0, row: 0, col: 99 });
    expect(at(100)).toBeNull();
  });
});
