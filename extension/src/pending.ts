import type { Reply } from './protocol';

/** A reply with the values that came with it. */
export interface IAnswer {
  reply: Reply;
  values: Float32Array;
}

/** A request that got no answer: the connection went away or the time ran out. */
export class LinkError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'LinkError';
  }
}

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

/** The requests that wait for their answers, by number. */
export class Pending {
  /** Wait for an answer; `send` gets the number to send with the request, `onExpire` is called when time runs out. */
  wait(timeout: number, send: (id: number) => void, onExpire: () => void): Promise<IAnswer> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const expire = (): void => {
        this.take(id)?.reject(new LinkError(`The kernel did not answer within ${timeout / 1000} s.`));
        onExpire();
      };
      const timer = timeout === NEVER ? undefined : setTimeout(expire, timeout);
      this.#entries.set(id, { resolve, reject, timer });
      try {
        send(id);
      } catch (error) {
        this.take(id)?.reject(new LinkError(`The request could not be sent: ${String(error)}`));
      }
    });
  }

  /** Stop waiting for the answer with this number, which has come; undefined where nobody waits for it. */
  take(id: unknown): IPending | undefined {
    const entry = typeof id === 'number' ? this.#entries.get(id) : undefined;
    if (entry && typeof id === 'number') {
      this.#entries.delete(id);
      clearTimeout(entry.timer);
    }
    return entry;
  }

  rejectAll(reason: string): void {
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    for (const { reject, timer } of entries) {
      clearTimeout(timer);
      reject(new LinkError(reason));
    }
  }

  readonly #entries = new Map<number, IEntry>();
  #lastId = 0;
}
