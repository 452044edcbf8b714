import { act, cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { testids } from '../../components/testids';
import { LinkError } from '../../pending';
import type { Curve, Rank, Reply, Request, Training } from '../../protocol';
import type { Service } from '../../service';
import type { FakeLink } from '../../testing/link';
import { NO_TRAINING, oneNet, update } from '../../testing/messages';
import { connected, stubResizeObserver } from '../../testing/service';
import { TrainingBody } from './body';

const HOSTILE = '<img src=x onerror=alert(1)>"\'&lt;';
const settle = (milliseconds = 0): Promise<void> => new Promise(resolve => setTimeout(resolve, milliseconds));

let link: FakeLink;
let service: Service;
let curves: Curve[];
let training: Training;
let refused: string | null;

function curve(kind: Curve['kind'], name: string, at: number[]): Curve {
  const values = at.map(iteration => iteration + 0.5);
  const id = `${kind}:0:${name}`;
  const shape = { at, means: values, lows: values, highs: values };
  return { id, name, kind, test_net: 0, whole: true, generation: 1, stamp: 1, ...shape };
}

function kernel(request: Request): ReturnType<typeof oneNet> {
  switch (request.kind) {
    case 'get_history':
      return { kind: 'history', net: 'n1', key: 'k', iteration: 3, curves, more: false, training };
    case 'set_training': {
      const kept = request.keep
        ? { iterations: 20, most: 20, bytes: 12 * 2 ** 20, limit: 2 ** 28 }
        : training.kept;
      training = { ...training, stop_at_nan: request.stop_at_nan ?? training.stop_at_nan, kept };
      return refused === null ? state() : { kind: 'failed', message: refused };
    }
    case 'rewind':
      return state();
    default:
      return oneNet(request);
  }
}

function state(): Reply {
  return { kind: 'training_state', net: 'n1', iteration: 3, training };
}

async function show(): Promise<void> {
  render(<TrainingBody service={service} />);
  await act(settle);
}

const last = (kind: Request['kind']): Request | undefined =>
  link.requests.filter(request => request.kind === kind).at(-1);

beforeEach(async () => {
  stubResizeObserver();
  window.sessionStorage.clear();
  curves = [curve('loss', 'loss', [0, 1, 2]), curve('rate', 'learning rate', [0, 1, 2])];
  training = NO_TRAINING;
  refused = null;
  ({ link, service } = await connected(kernel));
});

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

describe('the training', () => {
  it('shows the newest value of each curve, and draws what is chosen', async () => {
    await show();
    expect(screen.getAllByTestId(testids.curveValue).map(({ textContent }) => textContent)).toEqual([
      '2.5',
      '2.5'
    ]);
    expect(screen.getByTestId(testids.lossCurve).dataset.lines).toBe('1');
    fireEvent.click(screen.getByLabelText(/learning rate/));
    expect(screen.getByTestId(testids.lossCurve).dataset.lines).toBe('2');
  });

  it('asks again when the net has gone on, and only for what is new', async () => {
    await show();
    curves = [{ ...curve('loss', 'loss', [3]), whole: false, stamp: 2 }];
    link.push(update({ iteration: 4, running: true }));
    await act(() => settle(500));
    expect(screen.getByTestId(testids.lossCurve).dataset.points).toBe('4');
    expect(last('get_history')).toMatchObject({ key: 'k', known: [{ curve: 'loss:0:loss', stamp: 1 }, {}] });
    const before = link.count('get_history');
    await act(() => settle(500));
    expect(link.count('get_history')).toBe(before);
  });

  it('keeps its curves while the kernel is away, calls that no fault, and asks again when it is back', async () => {
    await show();
    link.script = () => Promise.reject(new LinkError('The kernel did not answer.'));
    link.push(update({ iteration: 4, running: true }));
    await act(() => settle(500));
    expect(document.querySelector('.caffe-nb-failure')).not.toBeNull(); // while connected it is a fault
    await act(async () => {
      link.become('connecting');
      await settle();
    });
    expect(screen.getByTestId(testids.lossCurve).dataset.points).toBe('3');
    expect(document.querySelector('.caffe-nb-failure')).toBeNull();
    link.script = kernel;
    await act(async () => {
      link.become('connected');
      await settle(500);
    });
    expect(screen.queryByTestId(testids.waiting)).toBeNull();
  });

  it('has words where a curve would be, never nothing', async () => {
    link.script = () => new Promise(() => undefined);
    await show();
    expect(screen.getAllByTestId(testids.waiting)).toHaveLength(2); // below Curves and below Health
    cleanup();
    link.script = kernel;
    await show();
    fireEvent.click(screen.getByLabelText(/^loss/));
    expect(screen.getByText('No curve is chosen below.')).toBeTruthy();
    expect(screen.getByText(/Measured as soon as the net runs/)).toBeTruthy();
  });

  it('says what to do where there is no curve yet', async () => {
    curves = [];
    await show();
    expect(screen.getByTestId(testids.noCurves).textContent).toContain('solver.step(100)');
  });

  it('shows hostile names as text', async () => {
    curves = [...curves, curve('train', HOSTILE, [0, 1])];
    training = { ...NO_TRAINING, bad: bad(HOSTILE), paused: HOSTILE };
    await show();
    expect(screen.getByText(`${HOSTILE} (train)`)).toBeTruthy();
    expect(screen.getByTestId(testids.bad).textContent).toContain(`forward of ${HOSTILE}`);
    expect(document.querySelector('img')).toBeNull();
  });
});

function bad(name: string): Training['bad'] {
  const index = [0, 3];
  const found = { blob: `top '${name}'`, part: 'data', value: 'NaN', count: 1 } as const;
  return { layer: 1, name, method: 'forward', iteration: 7, index, ...found };
}

describe('several processes', () => {
  const rank = (name: string, seconds: number): Rank => ({ name, loss: 0.5, seconds, wait: 0.001 });

  it('are shown by rank, with how unlike their work is', async () => {
    training = {
      ...NO_TRAINING,
      ranks: [rank(HOSTILE, 0.01), { ...rank('process 7 on b', 0.03), loss: null }]
    };
    await show();
    const rows = screen.getAllByTestId(testids.rank).map(({ textContent }) => textContent);
    expect(rows).toEqual([`0${HOSTILE}0.510 ms1 ms`, '1process 7 on bno number30 ms1 ms']);
    expect(screen.getByTestId(testids.ranks).textContent).toContain('imbalance 50%');
    expect(document.querySelector('img')).toBeNull();
  });

  it('are not spoken of where one trains alone', async () => {
    await show();
    expect(screen.queryByTestId(testids.ranks)).toBeNull();
  });
});

describe('safety', () => {
  it('is switched on and off in the kernel', async () => {
    await show();
    fireEvent.click(screen.getByTestId(testids.stopAtNan));
    await act(settle);
    expect(last('set_training')).toMatchObject({ net: 'n1', stop_at_nan: true });
    expect(screen.getByTestId<HTMLInputElement>(testids.stopAtNan).checked).toBe(true);
  });

  it('says what is kept and goes back, while nothing runs', async () => {
    await show();
    fireEvent.click(screen.getByTestId(testids.keepIterations));
    await act(settle);
    expect(screen.getByTestId(testids.keptIterations).textContent).toBe('Last 20 iterations kept, 12 MB.');
    fireEvent.change(screen.getByTestId(testids.rewindCount), { target: { value: '5' } });
    fireEvent.click(screen.getByTestId(testids.rewind));
    await act(settle);
    expect(last('rewind')).toEqual({ kind: 'rewind', net: 'n1', iterations: 5 });
    act(() => link.push(update({ running: true })));
    expect(screen.getByTestId<HTMLButtonElement>(testids.rewind).disabled).toBe(true);
  });

  it.each(['', '0', '21', '1.5'])('does not go back by %j iterations', async count => {
    training = { ...NO_TRAINING, kept: { iterations: 20, most: 20, bytes: 1, limit: 9 } };
    await show();
    fireEvent.change(screen.getByTestId(testids.rewindCount), { target: { value: count } });
    expect(screen.getByTestId<HTMLButtonElement>(testids.rewind).disabled).toBe(true);
  });

  it('says in words what the kernel refuses', async () => {
    refused = 'one iteration of this net takes 3 GB';
    await show();
    fireEvent.click(screen.getByTestId(testids.keepIterations));
    await act(settle);
    expect(screen.getByTestId(testids.trainingFailure).textContent).toBe(refused);
  });

  it('says where a NaN was born, and leads there', async () => {
    service.select(2);
    await show();
    training = { ...NO_TRAINING, bad: bad('ip'), paused: 'ip' };
    link.push(update({ iteration: 7, stamp: 5 }));
    await act(() => settle(500));
    expect(screen.getByTestId(testids.bad).textContent).toContain(
      "NaN was born in the forward of ip, iteration 7: top 'ip' at [0, 3]."
    );
    fireEvent.click(screen.getByTestId(testids.badShow));
    expect(service.state.selected).toBe(1);
    expect(service.choice.tab).toBe('tensors');
  });
});
