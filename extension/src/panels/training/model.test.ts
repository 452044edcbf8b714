import { describe, expect, it } from 'vitest';

import { LossHistory, timeBars } from './model';

describe('the losses', () => {
  it('are kept by iteration, the last one of each', () => {
    const history = new LossHistory();
    history.add(1, 3);
    history.add(2, 2);
    history.add(2, 1.5);
    expect(history.iterations).toEqual([1, 2]);
    expect(history.losses).toEqual([3, 1.5]);
  });

  it('have a hole where the loss was not finite', () => {
    const history = new LossHistory();
    history.add(1, 3);
    history.add(2, null);
    expect(history.losses).toEqual([3, null]);
  });

  it('start anew when the solver does', () => {
    const history = new LossHistory();
    history.add(100, 3);
    history.add(1, 5);
    expect(history.iterations).toEqual([1]);
  });

  it('stay bounded and spread over the whole run', () => {
    const history = new LossHistory();
    for (let iteration = 0; iteration < 100_000; iteration++) {
      history.add(iteration, 1 / (iteration + 1));
    }
    expect(history.iterations.length).toBeLessThanOrEqual(4001);
    expect(history.iterations[0]).toBe(0);
    expect(history.iterations.at(-1)).toBeGreaterThan(99_000);
  });
});

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
