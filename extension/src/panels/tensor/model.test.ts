import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { LinkError } from '../../pending';
import { blob, node, tensor } from '../../testing/messages';
import type { IViewAnswer } from './gathering';
import { TensorView, hiddenAxes, roles, shapeText } from './model';
import { cellText } from './place';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

const answer = (version: number): IViewAnswer => ({
  reply: tensor({ version }),
  values: new Float32Array(6),
  spent: 0
});

describe('a view', () => {
  it('pulls at most four times a second, and always once after the last change', async () => {
    let version = 0;
    const pull = vi.fn(() => Promise.resolve(answer(++version)));
    const view = new TensorView('blob:ip', 'data', pull);
    for (let change = 0; change < 100; change++) {
      view.refresh();
      await vi.advanceTimersByTimeAsync(10);
    }
    expect(pull.mock.calls.length).toBeLessThanOrEqual(5);
    const before = pull.mock.calls.length;
    view.refresh();
    await vi.advanceTimersByTimeAsync(500);
    expect(pull).toHaveBeenCalledTimes(before + 1);
  });

  it('waits for a kernel that is away, with what was seen last, and calls nothing an error', async () => {
    const pull = vi.fn(() => Promise.resolve(answer(1)));
    const view = new TensorView('blob:ip', 'data', pull);
    view.refresh();
    await vi.advanceTimersByTimeAsync(300);
    pull.mockRejectedValueOnce(new LinkError('The connection was opened anew.'));
    view.refresh(true);
    await vi.advanceTimersByTimeAsync(0);
    expect(view.state).toMatchObject({ tensor: { version: 1 }, error: null, waiting: true });
    view.refresh(true);
    await vi.advanceTimersByTimeAsync(0);
    expect(view.state).toMatchObject({ tensor: { version: 1 }, error: null, waiting: false });
  });

  it('never has two pulls outstanding, and spares a slow kernel', async () => {
    let outstanding = 0;
    let most = 0;
    const pull = vi.fn(async () => {
      most = Math.max(most, ++outstanding);
      await new Promise(resolve => setTimeout(resolve, 1000));
      outstanding -= 1;
      return answer(1);
    });
    const view = new TensorView('blob:ip', 'data', pull);
    for (let tick = 0; tick < 70; tick++) {
      view.refresh();
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(most).toBe(1);
    expect(pull).toHaveBeenCalledTimes(2);
  });

  // Views are pulled at common moments, so what is seen depends on where between two of them it began.
  it.each([0, 1, 60, 124, 125, 126, 249])('catches up soon after a layer that took long: %i', async phase => {
    vi.setSystemTime(1_000_000 + phase);
    let wait = 8000;
    const pull = vi.fn(async () => {
      await new Promise(resolve => setTimeout(resolve, wait));
      return answer(1);
    });
    const view = new TensorView('blob:ip', 'data', pull);
    view.refresh();
    await vi.advanceTimersByTimeAsync(8000);
    wait = 1;
    view.refresh();
    await vi.advanceTimersByTimeAsync(3130);
    expect(pull).toHaveBeenCalledTimes(2);
    wait = 8000;
    view.refresh();
    await vi.advanceTimersByTimeAsync(8500);
    view.refresh();
    view.refresh(true);
    expect(pull).toHaveBeenCalledTimes(4);
  });

  it('is pulled more rarely where it costs the kernel much', async () => {
    vi.setSystemTime(1_000_000);
    const pull = vi.fn(() => Promise.resolve({ ...answer(1), spent: 5 }));
    const view = new TensorView('blob:ip', 'data', pull);
    for (let tick = 0; tick < 60; tick++) {
      view.refresh();
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(pull).toHaveBeenCalledTimes(9); // each 750 ms for 6 s: 0.93 % of the time
  });

  it('keeps the last picture when a pull fails, and says why', async () => {
    const pull = vi.fn<() => Promise<IViewAnswer>>().mockResolvedValueOnce(answer(7));
    const view = new TensorView('blob:ip', 'data', pull);
    view.refresh();
    await vi.advanceTimersByTimeAsync(1);
    pull.mockResolvedValueOnce({
      reply: { kind: 'failed', message: 'conv1 is running' },
      values: new Float32Array(0),
      spent: 0
    });
    view.refresh();
    await vi.advanceTimersByTimeAsync(500);
    expect(view.state.tensor?.version).toBe(7);
    expect(view.state.error).toBe('conv1 is running');
  });

  it('refuses an answer with fewer values than it says', async () => {
    const view = new TensorView('blob:ip', 'data', () =>
      Promise.resolve({ reply: tensor(), values: new Float32Array(2), spent: 0 })
    );
    view.refresh();
    await vi.advanceTimersByTimeAsync(1);
    expect(view.state.tensor).toBeNull();
    expect(view.state.error).toContain('fewer values');
  });

  it.each([{ tiles: 1e9, rows: 0 }, { tiles: -1, rows: -1 }, { channels: 3 }])(
    'refuses an answer of impossible size: %j',
    async more => {
      const view = new TensorView('blob:ip', 'data', () =>
        Promise.resolve({ reply: tensor(more), values: new Float32Array(6), spent: 0 })
      );
      view.refresh();
      await vi.advanceTimersByTimeAsync(1);
      expect(view.state.tensor).toBeNull();
      expect(view.state.error).toContain('The kernel sent');
    }
  );

  it('asks for another place, with the axes that are wanted', async () => {
    const pull = vi.fn(() => Promise.resolve(answer(1)));
    const view = new TensorView('blob:ip', 'data', pull);
    view.look = { index: [3], axes: [1, 0, 2], picture: true };
    await vi.advanceTimersByTimeAsync(1);
    expect(pull).toHaveBeenLastCalledWith({ index: [3], axes: [1, 0, 2], picture: true }, true);
  });
});

describe('the blobs of a layer', () => {
  it('are listed once each, in-place ones as both', () => {
    const layer = node(1, 'relu', { tops: [blob('x')], bottoms: [blob('x')], params: [blob('w')] });
    expect(roles(layer).map(({ role, blob: { name } }) => `${role} ${name}`)).toEqual([
      'bottom and top x',
      'param w'
    ]);
  });

  it('have sliders for the axes that are not shown', () => {
    const view = tensor({ shape: [64, 3, 8, 8, 1], axes: [2, 3, -1], index: [5, 1, 0, 0, 0] });
    expect(hiddenAxes(view)).toEqual([
      { axis: 0, size: 64, position: 5 },
      { axis: 1, size: 3, position: 1 }
    ]);
  });

  it('have a readable shape', () => {
    expect(shapeText([64, 3])).toBe('64 × 3');
    expect(shapeText([])).toBe('scalar');
  });
});

describe('the value under the cursor', () => {
  const values = new Float32Array([0, 1, 2, 3, 4, 5, 6, 7]);

  it('has its index in the blob', () => {
    const view = tensor({
      shape: [64, 2, 2, 2],
      axes: [1, 2, 3],
      index: [9, 0, 0, 0],
      tiles: 2,
      rows: 2,
      cols: 2
    });
    expect(cellText(view, values, { tile: 1, row: 0, col: 1 })).toBe('[9, 1, 0, 1] = 5');
  });

  it('is called a mean where it is one', () => {
    const view = tensor({ shape: [4, 11], tiles: 1, rows: 2, cols: 4, block: [2, 3], reduced: true });
    expect(cellText(view, values, { tile: 0, row: 1, col: 0 })).toBe('[2–3, 0–2] ≈ 4');
    expect(cellText(view, values, { tile: 0, row: 0, col: 3 })).toBe('[0–1, 9–10] ≈ 3');
  });

  it('is nothing outside', () => {
    expect(cellText(tensor(), values, null).trim()).toBe('');
    expect(cellText(tensor(), values, { tile: 3, row: 0, col: 0 }).trim()).toBe('');
  });
});
