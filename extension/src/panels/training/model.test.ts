import { describe, expect, it } from 'vitest';

import { timeBars } from './model';

describe('the times', () => {
  it('are shares of the slowest layer', () => {
    const times = new Map([
      [0, { forward: 1, backward: 1 }],
      [1, { forward: 1, backward: 3 }]
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
});
