import type { Reply } from './protocol';

/** A reply with the values that came with it, a buffer for each view. */
export interface IAnswer {
  reply: Reply;
  buffers: readonly Float32Array[];
}

/** A request that got no answer: the connection went away or the time ran out. */
export class LinkError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'LinkError';
  }
}

/** A request whose answer was lost, or that was lost itself: a later one was answered. */
export class LostError extends LinkError {}

/** How the waiting for one answer ends. */
export interface IPending {
  resolve: (answer: IAnswer) => void;
  reject: (error: Error) => void;
}

interface IEntry extends IPending {
  timer: ReturnType<typeof setTimeout> | undefined;
}

/** A timeout that never comes. */
export const NEVER = 0;
/** After so many milliseconds without an answer another question is asked; after twice as many the next. */
const DOUBT = 500;

/** The requests that wait for their answers, by number. The kernel answers in the order in which it is asked. */
export class Pending {
  /** `probe` asks something that is answered at once, where nothing else is in the way; `onLost` hears of a loss. */
  constructor(probe: () => void, onLost: () => void) {
    this.#probe = probe;
    this.#onLost = onLost;
  }

  /** Wait for an answer; `send` gets the number to send with the request, `onExpire` is called when time runs out. */
  wait(timeout: number, send: (id: number) => void, onExpire: () => void): Promise<IAnswer> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const expire = (): void => {
        this.#remove(id)?.reject(new LinkError(`The kernel did not answer within ${timeout / 1000} s.`));
        onExpire();
      };
      const timer = timeout === NEVER ? undefined : setTimeout(expire, timeout);
      this.#entries.set(id, { resolve, reject, timer });
      if (timeout !== NEVER) {
        this.#prober ??= this.#later();
      }
      try {
        send(id);
      } catch (error) {
        this.#remove(id)?.reject(new LinkError(`The request could not be sent: ${String(error)}`));
      }
    });
  }

  /** Stop waiting for the answer with this number, which has come; undefined where nobody waits for it. */
  take(id: unknown): IPending | undefined {
    if (typeof id !== 'number' || id > this.#lastId) {
      return undefined;
    }
    const lost = [...this.#entries.keys()].filter(earlier => earlier < id);
    const entry = this.#remove(id);
    lost.forEach(earlier => this.#remove(earlier)?.reject(new LostError('The answer was lost; try again.')));
    if (lost.length > 0) {
      this.#onLost();
    }
    clearTimeout(this.#prober);
    this.#doubt = DOUBT;
    this.#prober = this.#entries.size > 0 ? this.#later() : undefined;
    return entry;
  }

  rejectAll(reason: string): void {
    clearTimeout(this.#prober);
    this.#prober = undefined;
    this.#doubt = DOUBT;
    for (const id of [...this.#entries.keys()]) {
      this.#remove(id)?.reject(new LinkError(reason));
    }
  }

  #remove(id: number): IPending | undefined {
    const entry = this.#entries.get(id);
    this.#entries.delete(id);
    clearTimeout(entry?.timer);
    return entry;
  }

  #later(): ReturnType<typeof setTimeout> {
    return setTimeout(() => {
      this.#prober = undefined;
      this.#doubt *= 2;
      if (this.#entries.size > 0) {
        this.#probe();
      }
    }, this.#doubt);
  }

  readonly #entries = new Map<number, IEntry>();
  readonly #probe: () => void;
  readonly #onLost: () => void;
  #lastId = 0;
  #doubt = DOUBT;
  #prober: ReturnType<typeof setTimeout> | undefined;
}
