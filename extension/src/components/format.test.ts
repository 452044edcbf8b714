import { describe, expect, it } from 'vitest';

import { formatNumber, formatShare, formatTime } from './format';

describe('numbers', () => {
  it.each([
    [0, '0'],
    [3, '3'],
    [-1.5, '−1.5'],
    [0.123456, '0.1235'],
    [123456, '123456'],
    [12345678, '1.235e7'],
    [1e-7, '1e−7'],
    [-2.5e-12, '−2.5e−12'],
    [NaN, 'NaN'],
    [Infinity, '+Inf'],
    [-Infinity, '−Inf']
  ])('%d reads %s', (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });
});

describe('times', () => {
  it.each([
    [0, '–'],
    [0.012, '12 µs'],
    [3.44, '3.4 ms'],
    [250, '250 ms'],
    [1250, '1.3 s']
  ])('%d ms reads %s', (value, text) => {
    expect(formatTime(value)).toBe(text);
  });
});

describe('shares', () => {
  it('never call a few none, nor most all', () => {
    expect(formatShare(0, 1000)).toBe('0 %');
    expect(formatShare(1, 100_000)).toBe('< 0.1 %');
    expect(formatShare(99_999, 100_000)).toBe('> 99.9 %');
    expect(formatShare(5, 5)).toBe('100 %');
    expect(formatShare(0, 0)).toBe('–');
  });
});
