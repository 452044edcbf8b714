import { describe, expect, it } from 'vitest';

import { timeBars } from './model';

describe('the times', () => {
  it('are shares of the slowest layer', () => {
    const times = new Map([
      [0, { index: 0, forward: 1, backward: 1, within: '' }],
      [1, { index: 1, forward: 1, backward: 3, within: '' }]
    ]);
    const bars = timeBars(
      [
        { index: 0, name: 'a' },
        { index: 1, name: 'b' },
        { index: 2, name: 'c' }
      ],
      times
    );
    expect(bars.map(bar => bar.forwardShare + bar.backwardShare)).toEqual([0.5, 1, 0]);
  });

  it('name the layer whose time has a layer in it, unless a part of it was timed by itself', () => {
    const times = new Map([
      [0, { index: 0, forward: 1, backward: 1, within: '' }],
      [1, { index: 1, forward: 0, backward: 0, within: 'a' }],
      [2, { index: 2, forward: 0, backward: 3, within: 'a' }]
    ]);
    const nodes = ['a', 'b', 'c'].map((name, index) => ({ index, name }));
    expect(timeBars(nodes, times).map(bar => bar.within)).toEqual(['', 'a', '']);
  });
});
