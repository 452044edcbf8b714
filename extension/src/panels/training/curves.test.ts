import { describe, expect, it } from 'vitest';

import type { Curve, History } from '../../protocol';
import { NO_TRAINING } from '../../testing/messages';
import type { IDrawing } from './curves';
import { columnsOf, Curves, isShown, linesOf, PLAIN, pointAt, readDrawing, smooth } from './curves';

function curve(id: string, at: number[], means: (number | null)[], more: Partial<Curve> = {}): Curve {
  const [kind = 'loss', test = '0', name = 'loss'] = id.split(':');
  return {
    id,
    name,
    kind: kind as Curve['kind'],
    test_net: Number(test),
    whole: false,
    generation: 1,
    stamp: at.at(-1) ?? 0,
    at,
    means,
    lows: means,
    highs: means,
    ...more
  };
}

function history(curves: Curve[], key = 'k'): History {
  return { kind: 'history', net: 'n1', key, iteration: 9, curves, more: false, training: NO_TRAINING };
}

function known(...answers: History[]): Curves {
  const curves = new Curves();
  answers.forEach(answer => curves.accept(answer));
  return curves;
}

describe('curves', () => {
  it('grow by what is new', () => {
    const curves = known(
      history([curve('loss:0:loss', [0, 1], [3, 2])]),
      history([curve('loss:0:loss', [2], [1])])
    );
    expect(curves.all[0]?.means).toEqual([3, 2, 1]);
    expect(curves.known).toEqual([{ curve: 'loss:0:loss', generation: 1, stamp: 2 }]);
  });

  it('take an answer that comes twice once', () => {
    const news = history([curve('loss:0:loss', [1, 2], [2, 1])]);
    const curves = known(history([curve('loss:0:loss', [0], [3])]), news, news);
    expect(curves.all[0]?.at).toEqual([0, 1, 2]);
  });

  it('take the last stretch again with more in it', () => {
    const curves = known(
      history([curve('loss:0:loss', [0, 2], [3, 2])]),
      history([curve('loss:0:loss', [2, 4], [1.5, 1])])
    );
    expect(curves.all[0]?.means).toEqual([3, 1.5, 1]);
  });

  it('are replaced by a whole answer', () => {
    const curves = known(
      history([curve('loss:0:loss', [0, 1, 2, 3], [4, 3, 2, 1])]),
      history([curve('loss:0:loss', [0, 2], [3.5, 1.5], { whole: true, generation: 2 })])
    );
    expect(curves.all[0]?.at).toEqual([0, 2]);
  });

  it('of another solver or kernel take their place', () => {
    const curves = known(
      history([curve('loss:0:loss', [0, 1], [3, 2]), curve('train:0:acc', [0], [1])]),
      history([curve('loss:0:loss', [0], [9])], 'another')
    );
    expect(curves.all.map(({ id, means }) => [id, means])).toEqual([['loss:0:loss', [9]]]);
  });

  it('say which test net they are of where there are several', () => {
    const one = known(history([curve('test:0:acc', [0], [1]), curve('train:0:acc', [0], [1])]));
    expect(one.all.map(({ label }) => label)).toEqual(['acc (test)', 'acc (train)']);
    const two = known(history([curve('test:0:acc', [0], [1]), curve('test:1:acc', [0], [1])]));
    expect(two.all.map(({ label }) => label)).toEqual(['acc (test net 0)', 'acc (test net 1)']);
  });

  it('have a value at and after each point', () => {
    const [held] = known(history([curve('loss:0:loss', [0, 10], [3, 2])])).all;
    expect([null, 0, 9, 10, 99].map(at => held && pointAt(held, at)?.mean)).toEqual([2, 3, 3, 2, 2]);
    const [empty] = known(history([curve('loss:0:loss', [], [])])).all;
    expect(empty && pointAt(empty, 3)).toBeNull();
  });
});

describe('what is drawn', () => {
  const curves = known(
    history([
      curve('loss:0:loss', [0, 1, 2], [4, 0, 2]),
      curve('rate:0:lr', [0, 1, 2], [1, 1, 1]),
      curve('test:0:acc', [0, 3], [0.5, null])
    ])
  ).all;

  it('is all but the learning rate, unless a person says otherwise', () => {
    expect(curves.map(each => isShown(each, PLAIN))).toEqual([true, true, false]);
    const chosen: IDrawing = { ...PLAIN, shown: { 'rate:0:lr': true, 'loss:0:loss': false } };
    expect(curves.map(each => isShown(each, chosen))).toEqual([false, true, true]);
  });

  it('has one column of iterations for all; a hole is not a missing point', () => {
    const columns = columnsOf(linesOf(curves, PLAIN), PLAIN);
    expect(columns).toEqual([
      [0, 1, 2, 3],
      [4, 0, 2, undefined],
      [0.5, undefined, undefined, null]
    ]);
  });

  it('leaves out what has no logarithm', () => {
    const log = { ...PLAIN, log: true };
    expect(columnsOf(linesOf(curves, log), log)[1]).toEqual([4, null, 2, undefined]);
  });

  it('keeps the curve as it was behind a smoothed one, and the range where points are stretches', () => {
    const smoothed = { ...PLAIN, smoothing: 0.5 };
    expect(linesOf(curves.slice(0, 1), smoothed).map(({ role }) => role)).toEqual(['raw', 'line']);
    const [wide] = known(history([curve('loss:0:loss', [0], [1], { lows: [0], highs: [2] })])).all;
    expect(wide && linesOf([wide], PLAIN).map(({ role }) => role)).toEqual(['high', 'low', 'line']);
  });
});

describe('smoothing', () => {
  it('starts at the first value and leaves holes', () => {
    expect(smooth([4, 4, null, 4], 0.9)).toEqual([4, 4, null, expect.closeTo(4)]);
    expect(smooth([1, 2, 3], 0)).toEqual([1, 2, 3]);
  });
});

describe('what was kept of the drawing', () => {
  it.each([null, '', '[', 'null', '3', '{"log": "yes", "smoothing": "x", "shown": [1]}'])(
    'is plain where it is not understood: %s',
    kept => {
      expect(readDrawing(kept)).toEqual(PLAIN);
    }
  );

  it('comes back', () => {
    const drawing = { log: true, smoothing: 0.5, shown: { a: false } };
    expect(readDrawing(JSON.stringify(drawing))).toEqual(drawing);
  });
});
