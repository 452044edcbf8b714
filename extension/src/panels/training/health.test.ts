import { describe, expect, it } from 'vitest';

import type { Health } from '../../protocol';
import { HEALTH_BAD, HEALTH_ZERO } from '../../protocol';
import { complaints, decode, pixelsOf, power, rangeOf, Strip } from './health';

function health(columns: number[][], more: Partial<Health> = {}, first = 1): Health {
  return {
    kind: 'health',
    net: 'n1',
    key: 'k',
    measure: 'tops',
    layers: ['conv1', 'conv2', 'ip'].map((name, at) => ({ index: 2 * at, name })),
    columns: columns.map((values, at) => ({ number: first + at, iteration: 10 * (first + at), values })),
    more: false,
    ...more
  };
}

function strip(columns: number[][], measure: Health['measure'] = 'tops'): Strip {
  const made = new Strip(measure);
  made.accept(health(columns, { measure }));
  return made;
}

const repeated = (values: number[], times = 6): number[][] => Array.from({ length: times }, () => values);

describe('the strip', () => {
  it('takes each column once, and forgets the oldest', () => {
    const made = strip([[1, 2, 3]]);
    made.accept(
      health([
        [1, 2, 3],
        [4, 5, 6]
      ])
    );
    expect(made.columns.map(({ number }) => number)).toEqual([1, 2]);
    made.accept(health(repeated([7, 8, 9], 600), {}, 3));
    expect(made.columns).toHaveLength(512);
    expect(made.last).toBe(602);
  });

  it('begins anew with other layers', () => {
    const made = strip(repeated([1, 2, 3]));
    made.accept(health([[9, 9, 9]], { key: 'other' }));
    expect(made.columns).toHaveLength(1);
  });

  it('leaves out what does not fit it', () => {
    const made = strip([
      [1, 2],
      [1, 2, 3]
    ]);
    made.accept(health([[1, 2, 3]], { measure: 'updates' }, 5));
    expect(made.columns.map(({ number }) => number)).toEqual([2]);
  });
});

describe('its colours', () => {
  it('span whole decades, at least three', () => {
    expect(rangeOf(strip([[-250, HEALTH_ZERO, HEALTH_BAD]]).columns)).toEqual([-500, -200]);
    expect(rangeOf(strip([[-250, -950, 120]]).columns)).toEqual([-1000, 200]);
    expect(rangeOf([])).toEqual([-600, 0]);
  });

  it('leave zero clear and give NaN one of its own', () => {
    const { columns } = strip([[-300, HEALTH_ZERO, HEALTH_BAD]]);
    const pixels = [...pixelsOf(columns, 3, [-600, 0])];
    expect(pixels.slice(4, 8)).toEqual([0, 0, 0, 0]);
    expect(pixels.slice(8)).toEqual([224, 32, 208, 255]);
    expect(pixels[3]).toBe(255);
  });
});

describe('a word for layers that are not well', () => {
  const words = (made: Strip): string[] => complaints(made).map(({ name, word }) => `${name} ${word}`);

  it('is not said of layers that are', () => {
    expect(words(strip(repeated([-300, -350, -200])))).toEqual([]);
    expect(words(strip([]))).toEqual([]);
  });

  it('is dead, vanishing or exploding', () => {
    expect(words(strip(repeated([HEALTH_ZERO, -800, -200])))).toEqual(['conv1 dead', 'conv2 vanishing']);
    const growing = [...repeated([-300, -300, -300]), ...repeated([-300, 50, -300])];
    expect(words(strip(growing))).toContain('conv2 exploding');
  });

  it('comes at once for NaN', () => {
    const [said] = complaints(strip([...repeated([-300, -300, -300]), [-300, -300, HEALTH_BAD]]));
    expect(said).toEqual({ index: 4, name: 'ip', word: 'exploding', why: 'NaN or infinity' });
  });

  it('comes not for a single sample of zeros', () => {
    expect(words(strip([...repeated([-300, -300, -300]), [HEALTH_ZERO, -300, -300]]))).toEqual([]);
  });

  it('tells updates by their ratio to the weights', () => {
    expect(words(strip(repeated([-300, -900, 0]), 'updates'))).toEqual(['conv2 vanishing', 'ip exploding']);
  });
});

it('codes are hundredths of a logarithm', () => {
  expect([decode(-300), decode(HEALTH_ZERO), decode(HEALTH_BAD)]).toEqual([expect.closeTo(1e-3), 0, NaN]);
  expect([-300, -450, 0, 500, HEALTH_ZERO].map(power)).toEqual(['1e−3', '3.2e−5', '1', '1e5', '0']);
});
