import { expect, it } from 'vitest';

import { distribution, statistics } from '../../testing/messages';
import { barsOf, elementText } from './spread';

it('a histogram has its bins, and a bar for what lies beyond an end', () => {
  const bars = barsOf(distribution({ low: -1, high: 1, counts: [4, 5], below: 0, above: 3 }));
  expect(bars.map(({ text, count, outside }) => [text, count, outside])).toEqual([
    ['−1 to 0', 4, false],
    ['0 to 1', 5, false],
    ['above 1', 3, true]
  ]);
});

it('a histogram of categories has a bar for each', () => {
  const bars = barsOf(distribution({ counts: [9, 1], statistics: statistics({ categories: [0, 255] }) }));
  expect(bars.map(({ text, count }) => [text, count])).toEqual([
    ['0', 9],
    ['255', 1]
  ]);
});

it('elements that are no numbers have their names', () => {
  expect(elementText({ index: [0], value: null, sign: '-inf' })).toBe('−Inf');
  expect(elementText({ index: [0], value: -2.5, sign: '' })).toBe('−2.5');
});
