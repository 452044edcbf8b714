import { describe, expect, it } from 'vitest';

import { arrange, step } from './arrange';

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

describe('a value', () => {
  it.each([
    [6, 3, 4],
    [1, 1, 100],
    [1024, 1, 1],
    [1, 1, 1]
  ])('of %i tiles of %i by %i is found again at its spot', (tiles, rows, cols) => {
    const place = arrange(tiles, rows, cols, 300, 200);
    for (const cell of [
      { tile: 0, row: 0, col: 0 },
      { tile: tiles - 1, row: rows - 1, col: cols - 1 }
    ]) {
      const spot = place.spot(cell);
      expect(spot).not.toBeNull();
      expect(place.at((spot?.x ?? 0) + place.scale / 2, (spot?.y ?? 0) + place.scale / 2)).toEqual(cell);
    }
    expect(place.spot({ tile: tiles, row: 0, col: 0 })).toBeNull();
  });

  it('that is not there has no place', () => {
    const place = arrange(0, 3, 4, 200, 200);
    expect([place.at(1, 1), place.spot({ tile: 0, row: 0, col: 0 })]).toEqual([null, null]);
    expect(Math.min(place.width, place.height)).toBeGreaterThanOrEqual(0);
  });
});

describe('keys', () => {
  const shape = { tiles: 2, rows: 2, cols: 3, fold: 3 };
  const at = (tile: number, row: number, col: number): { tile: number; row: number; col: number } => ({
    tile,
    row,
    col
  });

  it('begin at the first value, and lead from one to the next', () => {
    expect(step('ArrowRight', null, shape)).toEqual(at(0, 0, 0));
    expect(step('ArrowRight', at(0, 0, 0), shape)).toEqual(at(0, 0, 1));
    expect(step('ArrowDown', at(0, 0, 1), shape)).toEqual(at(0, 1, 1));
    expect(step('PageDown', at(0, 1, 1), shape)).toEqual(at(1, 1, 1));
  });

  it('lead from a tile into the next one, and not out of the last', () => {
    expect(step('ArrowRight', at(0, 1, 2), shape)).toEqual(at(1, 1, 0));
    expect(step('ArrowDown', at(0, 1, 2), shape)).toEqual(at(1, 0, 2));
    expect(step('ArrowLeft', at(1, 0, 0), shape)).toEqual(at(0, 0, 2));
    expect(step('ArrowUp', at(0, 0, 0), shape)).toEqual(at(0, 0, 0));
    expect(step('PageDown', at(1, 0, 0), shape)).toEqual(at(1, 0, 0));
  });

  it('lead along the lines of a folded vector', () => {
    const folded = { tiles: 1, rows: 1, cols: 100, fold: 32 };
    expect(step('ArrowDown', at(0, 0, 5), folded)).toEqual(at(0, 0, 37));
    expect(step('ArrowDown', at(0, 0, 95), folded)).toEqual(at(0, 0, 95));
    expect(step('ArrowUp', at(0, 0, 37), folded)).toEqual(at(0, 0, 5));
  });

  it('that mean something else lead nowhere', () => {
    expect(step('a', at(0, 0, 0), shape)).toBeNull();
    expect(step('ArrowDown', null, { ...shape, tiles: 0 })).toBeNull();
  });
});
