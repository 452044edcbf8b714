import { LinkError } from './pending';
import type { Push } from './protocol';
import { parsePush } from './protocol';
import { isRecord } from './wire';

/** What is done about a push. */
export interface IPushHandler {
  push: (push: Push) => void;
  /** One is missing, or could not be read. */
  missed: () => void;
  problem: (error: unknown) => void;
}

/** The pushes of one comm, which are numbered from 1: repeated ones are left out, missing ones noticed by the next. */
export class PushStream {
  constructor(handler: IPushHandler) {
    this.#handler = handler;
  }

  take(data: unknown): void {
    const { push, missed, problem } = this.#handler;
    const number = isRecord(data) ? data.seq : undefined;
    if (!isRecord(data) || typeof number !== 'number' || !Number.isSafeInteger(number)) {
      problem(new LinkError('A push without a number came from the kernel.'));
      missed();
      return;
    }
    if (number <= this.#last) {
      return;
    }
    const next = this.#last + 1;
    this.#last = number;
    try {
      push(parsePush(data.push));
    } catch (error) {
      problem(error);
      missed();
      return;
    }
    if (number !== next) {
      missed();
    }
  }

  readonly #handler: IPushHandler;
  #last = 0;
}

/** Milliseconds after which pushes begin anew when one was missed, and those between two such times. */
const DELAY = 150;
const INTERVAL = 1_000;

/** Lets something be done anew a moment after it was wanted, and not often where it is wanted all the time. */
export class Renewal {
  constructor(act: () => void) {
    this.#act = act;
  }

  want(): void {
    this.#timer ??= setTimeout(
      () => {
        this.#timer = undefined;
        this.#last = Date.now();
        this.#act();
      },
      Math.max(DELAY, this.#last + INTERVAL - Date.now())
    );
  }

  cancel(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  readonly #act: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #last = 0;
}
