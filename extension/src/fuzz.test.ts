import { Signal } from '@lumino/signaling';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { Link } from './link';
import { Service } from './service';
import { FakeHost, FakeKernel } from './testing/kernel';
import type { GetTensors } from './protocol';
import * as messages from './testing/messages';

/** How a message is spoiled: which of its fields, counted through, and what becomes of it. */
interface IFault {
  at: number;
  kind: 'leave out' | 'another type' | 'add';
  junk: unknown;
}

/** What happens to a push on its way: a fault, or a number that is not its own. */
interface IPushFate {
  fault: IFault | null;
  way: 'comes' | 'is lost' | 'comes twice' | 'comes after the next' | 'has another number';
  number: unknown;
  change: 'iteration' | 'nets' | 'graph' | 'none';
  pause: number;
}

type AnswerFate = IFault | 'lost' | null;

const junk = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom(null, 1e308, -1, 0.5, '__proto__', '<img src=x onerror=alert(1)>', [], {})
);
const fault: fc.Arbitrary<IFault> = fc.record({
  at: fc.nat(400),
  kind: fc.constantFrom('leave out' as const, 'another type' as const, 'add' as const),
  junk
});
const pushFate: fc.Arbitrary<IPushFate> = fc.record({
  fault: fc.option(fault, { freq: 2 }),
  way: fc.constantFrom('comes', 'is lost', 'comes twice', 'comes after the next', 'has another number'),
  number: fc.oneof(fc.integer(), fc.constantFrom(null, 'one', 1e15, 0.5, -3)),
  change: fc.constantFrom('iteration', 'nets', 'graph', 'none'),
  pause: fc.constantFrom(0, 20, 100, 400)
});
const answerFate: fc.Arbitrary<AnswerFate> = fc.option(fc.oneof(fault, fc.constant('lost' as const)), {
  freq: 3
});

/** Every place in a message: the object or list that holds it, and its key. */
function places(value: unknown): [Record<string, unknown>, string][] {
  if (typeof value !== 'object' || value === null) {
    return [];
  }
  const holder = value as Record<string, unknown>;
  return Object.keys(holder).flatMap(key => [
    [holder, key] as [Record<string, unknown>, string],
    ...places(holder[key])
  ]);
}

const typeOf = (value: unknown): string =>
  Array.isArray(value) ? 'list' : value === null ? 'null' : typeof value;

/** A message with something wrong that can be seen: another number, or an element more, could not. */
function spoil(message: unknown, how: IFault): unknown {
  const spoiled = structuredClone(message);
  const all = places(spoiled);
  const [holder, key] = all[how.at % all.length] ?? [{}, ''];
  const list = Array.isArray(holder);
  if (how.kind === 'add' && !list) {
    holder.more = how.junk;
  } else if (how.kind === 'leave out' && !list) {
    Reflect.deleteProperty(holder, key);
  } else if (holder[key] !== null && typeOf(how.junk) !== typeOf(holder[key])) {
    holder[key] = how.junk;
  }
  return spoiled;
}

/** A kernel that tells what is true, as caffe_nb does, over a line on which messages are spoiled, lost and repeated. */
class Troubled {
  readonly kernel = new FakeKernel();
  nets = ['n1'];
  revision = 1;
  iteration = 0;
  version = 1;
  fates: AnswerFate[] = [];
  #number = 0;
  #held: unknown[] = [];

  constructor() {
    this.kernel.answer = request => this.#answer(request);
    this.kernel.watched = () => {
      this.#number = 0;
      queueMicrotask(() => this.say());
    };
  }

  /** Everything, as it is pushed to a new watcher. */
  say(): void {
    this.send(messages.netList(this.nets));
    this.send(this.update());
  }

  update(): unknown {
    const { iteration, revision, version } = this;
    return messages.update({
      iteration,
      revision,
      stamp: version,
      times: [{ index: 1, forward: 1, backward: 2, within: '' }]
    });
  }

  send(push: unknown, fate?: IPushFate): void {
    const seq: unknown = fate?.way === 'has another number' ? fate.number : this.#number + 1;
    this.#number += 1;
    const data = { seq, push: fate?.fault ? spoil(push, fate.fault) : push };
    const body = { comm_id: this.kernel.pushes, data };
    if (fate?.way === 'comes after the next') {
      this.#held.push(body);
      return;
    }
    if (fate?.way !== 'is lost') {
      this.#emit(body);
    }
    if (fate?.way === 'comes twice') {
      this.#emit(body);
    }
    this.#held.splice(0).forEach(held => this.#emit(held));
  }

  #emit(content: unknown): void {
    this.kernel.emit('comm_msg', content);
  }

  #answer(request: Record<string, unknown>): unknown {
    const fate = this.fates.shift() ?? null;
    const reply = this.#reply(request);
    return fate === 'lost' ? undefined : fate ? spoil(reply, fate) : reply;
  }

  #reply(request: Record<string, unknown>): unknown {
    switch (request.kind) {
      case 'list_nets':
        return messages.netList(this.nets);
      case 'get_graph':
        return messages.graph('n1', this.revision);
      case 'get_tensors':
        return messages.tensors(request as unknown as GetTensors, () =>
          messages.tensor({
            tiles: 0,
            rows: 0,
            cols: 0,
            statistics: messages.statistics({ count: 0 }),
            version: this.version
          })
        );
      default:
        return {
          kind: 'source_text',
          source: { path: '', line: 1, module: 'm', qualname: 'C' },
          text: 'class C: 1'
        };
    }
  }
}

describe('messages that are spoiled, lost, repeated or out of order', () => {
  const thrown: unknown[] = [];
  const handler = Signal.setExceptionHandler(error => thrown.push(error));

  beforeEach(() => {
    vi.useFakeTimers();
    vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    thrown.length = 0;
  });

  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
    Signal.setExceptionHandler(handler);
  });

  it('leave the panel wrong for no longer than a second, and never throw', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(pushFate, { maxLength: 8 }),
        fc.array(answerFate, { maxLength: 12 }),
        async (pushes, answers) => {
          window.sessionStorage.clear();
          const truth = new Troubled();
          const link = new Link(new FakeHost(truth.kernel));
          const service = new Service(link);
          service.visible = true;
          link.connect();
          await vi.advanceTimersByTimeAsync(50);
          const view = service.openView('blob:ip', 'data');
          truth.fates = [...answers];
          for (const fate of pushes) {
            truth.version += fate.change === 'nets' ? 0 : 1;
            truth.iteration += fate.change === 'iteration' ? 1 : 0;
            truth.revision += fate.change === 'graph' ? 1 : 0;
            truth.nets =
              fate.change === 'nets' ? (truth.nets.length === 1 ? ['n1', 'n2'] : ['n1']) : truth.nets;
            truth.send(fate.change === 'nets' ? messages.netList(truth.nets) : truth.update(), fate);
            await vi.advanceTimersByTimeAsync(fate.pause);
          }
          truth.fates = [];
          for (let at = 0; at < 2; at++) {
            await vi.advanceTimersByTimeAsync(500); // after half a second of silence the kernel sends its nets again
            truth.send(messages.netList(truth.nets));
          }
          await vi.advanceTimersByTimeAsync(400);
          const { state } = service;
          expect(state.link).toBe('connected');
          expect(state.nets.map(({ id }) => id)).toEqual(truth.nets);
          expect(state.graph).toEqual(messages.graph('n1', truth.revision));
          expect(state.update).toEqual({ ...(truth.update() as object) });
          expect(state.times.get(1)).toEqual({ index: 1, forward: 1, backward: 2, within: '' });
          expect(view.state.tensor?.version).toBe(truth.version);
          view.dispose();
          service.dispose();
          expect(thrown).toEqual([]);
        }
      ),
      { numRuns: 200 }
    );
  });
});
