/** At most this many points are kept; beyond it every other one is dropped. */
const MOST_POINTS = 4000;

/** The losses seen so far of one net, in order of iterations, in bounded memory. */
export class LossHistory {
  get iterations(): readonly number[] {
    return this.#iterations;
  }

  get losses(): readonly (number | null)[] {
    return this.#losses;
  }

  /** Grows with every change. */
  get revision(): number {
    return this.#revision;
  }

  /** Note the loss after an iteration; an earlier iteration than the last one starts a new curve. */
  add(iteration: number, loss: number | null): void {
    const last = this.#iterations.at(-1);
    if (last !== undefined && iteration < last) {
      this.#iterations = [];
      this.#losses = [];
      this.#stride = 1;
      this.#skipped = 0;
    }
    if (iteration === last) {
      if (loss === null || loss === this.#losses.at(-1)) {
        return;
      }
      this.#losses[this.#losses.length - 1] = loss;
    } else {
      this.#skipped += 1;
      if (this.#skipped < this.#stride) {
        return;
      }
      this.#skipped = 0;
      this.#iterations.push(iteration);
      this.#losses.push(loss);
      if (this.#iterations.length > MOST_POINTS) {
        this.#thin();
      }
    }
    this.#revision += 1;
  }

  #thin(): void {
    this.#iterations = this.#iterations.filter((_, at) => at % 2 === 0);
    this.#losses = this.#losses.filter((_, at) => at % 2 === 0);
    this.#stride *= 2;
  }

  #iterations: number[] = [];
  #losses: (number | null)[] = [];
  #revision = 0;
  #stride = 1;
  #skipped = 0;
}

/** Time of a layer as a share of the slowest layer's, for the bars. */
export interface ITimeBar {
  index: number;
  name: string;
  forward: number;
  backward: number;
  forwardShare: number;
  backwardShare: number;
}

/** One bar a layer in the net's order, scaled to the slowest layer. */
export function timeBars(
  nodes: readonly { index: number; name: string }[],
  times: ReadonlyMap<number, { forward: number; backward: number }>
): ITimeBar[] {
  const slowest = Math.max(0, ...[...times.values()].map(time => time.forward + time.backward));
  return nodes.map(({ index, name }) => {
    const { forward, backward } = times.get(index) ?? { forward: 0, backward: 0 };
    const share = (time: number): number => (slowest > 0 ? time / slowest : 0);
    return { index, name, forward, backward, forwardShare: share(forward), backwardShare: share(backward) };
  });
}
