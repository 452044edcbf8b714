import { describe, expect, it } from 'vitest';

import { statistics, tensor } from '../../testing/messages';
import { USUAL, hiddenAxes } from './model';
import {
  cellOf,
  cellText,
  choices,
  indexOf,
  isMean,
  isPicture,
  lookAt,
  reducedText,
  withAxis
} from './place';

const deep = tensor({
  shape: [2, 3, 4, 5, 6],
  axes: [2, 3, 4],
  index: [1, 2, 0, 0, 0],
  tiles: 4,
  rows: 5,
  cols: 6
});

describe('the choice of axes', () => {
  it('moves an axis to another use', () => {
    expect(withAxis(deep, USUAL, 'rows', 0)).toEqual([2, 0, 4]);
    expect(withAxis(deep, USUAL, 'tiles', -1)).toEqual([-1, 3, 4]);
  });

  it('swaps two that are both shown', () => {
    expect(withAxis(deep, USUAL, 'rows', 4)).toEqual([2, 4, 3]);
    expect(withAxis(deep, USUAL, 'columns', 2)).toEqual([4, 3, 2]);
  });

  it('finds another axis for the rows when they become tiles that there were not', () => {
    const flat = tensor({ shape: [2, 3, 4], axes: [-1, 1, 2], index: [0, 0, 0] });
    expect(withAxis(flat, USUAL, 'tiles', 1)).toEqual([1, 0, 2]);
  });

  it('builds on what was chosen before the picture has come', () => {
    const look = { ...USUAL, axes: [2, 0, 4] };
    expect(withAxis(deep, look, 'tiles', -1)).toEqual([-1, 0, 4]);
    expect(withAxis(deep, { ...USUAL, axes: [7, 8, 9] }, 'tiles', -1)).toEqual([-1, 3, 4]);
  });

  it('of images is only whether they are beside each other', () => {
    const images = tensor({ shape: [4, 3, 8, 8], axes: [-1, 2, 3], index: [1, 0, 0, 0], channels: 3 });
    expect(choices(images, 'tiles')).toEqual([-1, 0]);
    expect(choices(images, 'rows')).toEqual([]);
    expect(hiddenAxes(images).map(({ axis }) => axis)).toEqual([0]);
  });
});

describe('an element', () => {
  it('is found again where it is drawn', () => {
    for (const index of [
      [1, 2, 0, 0, 0],
      [1, 2, 3, 4, 5]
    ]) {
      const cell = cellOf(deep, index);
      expect(cell && indexOf(deep, cell)).toEqual(index);
    }
  });

  it('is not drawn at another position of a hidden axis, nor in a blob of another shape', () => {
    expect(cellOf(deep, [0, 2, 0, 0, 0])).toBeNull();
    expect(cellOf(deep, [1, 2, 0])).toBeNull();
  });

  it('is in its block where a picture is reduced', () => {
    const large = tensor({
      shape: [100, 90],
      axes: [-1, 0, 1],
      tiles: 1,
      rows: 10,
      cols: 9,
      block: [10, 10]
    });
    expect(cellOf(large, [37, 80])).toEqual({ tile: 0, row: 3, col: 8 });
  });

  it('is brought into sight: its tile alone where it was left out', () => {
    const many = tensor({
      shape: [5000, 2, 2],
      axes: [0, 1, 2],
      index: [0, 0, 0],
      tiles: 1024,
      rows: 2,
      cols: 2
    });
    expect(lookAt(USUAL, many, [1000, 1, 1])).toEqual({ ...USUAL, index: [1000, 1, 1] });
    expect(lookAt(USUAL, many, [4000, 1, 1])).toEqual({ ...USUAL, index: [4000, 1, 1], axes: [-1, 1, 2] });
  });

  it('of an image has all its channels under the cursor', () => {
    const images = tensor({
      shape: [2, 3, 1, 2],
      axes: [0, 2, 3],
      index: [0, 0, 0, 0],
      tiles: 2,
      rows: 1,
      cols: 2,
      channels: 3
    });
    const values = new Float32Array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(cellText(images, values, { tile: 1, row: 0, col: 1 })).toBe('[1, …, 0, 1] = 7, 9, 11');
    expect(cellOf(images, [1, 2, 0, 1])).toEqual({ tile: 1, row: 0, col: 1 });
  });
});

describe('a reduced view', () => {
  const more = { shape: [3000, 90], axes: [-1, 0, 1], reduced: true, block: [3, 1] };

  it('says what its values stand for', () => {
    expect(reducedText(tensor(more))).toBe(
      'Each value is the mean of 3 × 1 elements. The figures are exact.'
    );
    const labels = tensor({ ...more, statistics: statistics({ categories: [0, 1] }) });
    expect(isMean(labels)).toBe(false);
    expect(reducedText(labels)).toContain('the first of 3 × 1');
  });

  it('says how many tiles there are', () => {
    const tiles = tensor({ shape: [5000, 2, 2], axes: [0, 1, 2], tiles: 1024, reduced: true });
    expect(reducedText(tiles)).toContain('Only the first 1024 of 5000 tiles');
  });
});

it.each([
  [[4, 3, 8, 8], true],
  [[4, 1, 8, 8], true],
  [[4, 2, 8, 8], false],
  [[4, 3, 1, 1], false],
  [[3, 8, 8], false],
  [[], false]
])('a blob of shape %j can be shown as images: %s', (shape, can) => {
  expect(isPicture(shape)).toBe(can);
});
