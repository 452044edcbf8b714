import { describe, expect, it } from 'vitest';

import type { BadTensor } from '../../protocol';
import { placeOf, sizeOf, wordsForKept } from './words';

it('sizes are read by people', () => {
  expect([512, 12 * 2 ** 20, 256 * 2 ** 20, 4 * 2 ** 30].map(sizeOf)).toEqual([
    '0.5 KB',
    '12 MB',
    '256 MB',
    '4 GB'
  ]);
});

describe('what is kept', () => {
  const kept = { iterations: 20, most: 20, bytes: 12 * 2 ** 20, limit: 2 ** 24 };

  it('is said with what it takes, and how much more would fit', () => {
    expect(wordsForKept(kept)).toBe('Last 20 iterations kept, 12 MB.');
    expect(wordsForKept({ ...kept, iterations: 1 })).toBe('Last iteration kept, 12 MB; 20 fit.');
  });

  it('may be nothing', () => {
    expect(wordsForKept({ ...kept, iterations: 0 })).toBe('None kept yet; 20 fit.');
    expect(wordsForKept({ ...kept, most: 0 })).toContain('Not one iteration fits');
    expect(wordsForKept({ ...kept, iterations: 0, most: 22519 })).toBe('None kept yet; 22,519 fit.');
  });
});

it('a bad value has a place', () => {
  const bad: BadTensor = {
    layer: 1,
    name: 'ip',
    blob: "top 'ip'",
    part: 'diff',
    index: [0, 3],
    value: 'NaN',
    count: 2,
    method: 'backward',
    iteration: 3
  };
  expect(placeOf(bad)).toBe("the diff of top 'ip' at [0, 3], 2 values are not finite");
  expect(placeOf({ ...bad, part: 'data', count: 1 })).toBe("top 'ip' at [0, 3]");
  expect(placeOf({ ...bad, part: 'data', count: 1, index: [] })).toBe("top 'ip'");
});
