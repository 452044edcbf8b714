import type { IAnswer } from '../../pending';
import type { Failed, Look, Tensor } from '../../protocol';
import { MAX_LOOKS } from '../../protocol';
import type { Part, PullView } from './model';

/** What came of one look. */
export interface IViewAnswer {
  reply: Tensor | Failed;
  values: Float32Array;
  /** Milliseconds of the kernel's time that the message with it took. */
  spent: number;
}

interface IAsked {
  look: Look;
  resolve: (answer: IViewAnswer) => void;
  reject: (error: unknown) => void;
}

/** Sends looks that are asked for at the same time in one message: they show one moment, and cost one answer. */
export class Gathering {
  constructor(ask: (net: string, looks: Look[]) => Promise<IAnswer>) {
    this.#ask = ask;
  }

  /**
   * What pulls views of one part of a blob. Somebody's first view goes with others of its part only: a diff is read at
   * the end of a backward pass, and nobody who has nothing to look at yet should wait for that to see data.
   */
  of(net: string, ref: string, part: Part): PullView {
    return ({ index, axes, picture }, first) =>
      this.#pull(net, { ref, part, index: [...index], axes: [...axes], picture }, first);
  }

  #pull(net: string, look: Look, first: boolean): Promise<IViewAnswer> {
    const key = `${net} ${first ? look.part : ''}`;
    return new Promise((resolve, reject) => {
      const asked = { look, resolve, reject };
      const others = this.#asked.get(key);
      if (others && others.length < MAX_LOOKS) {
        others.push(asked);
        return;
      }
      const all: IAsked[] = [asked];
      this.#asked.set(key, all);
      setTimeout(() => {
        if (this.#asked.get(key) === all) {
          this.#asked.delete(key);
        }
        void this.#send(net, all);
      });
    });
  }

  async #send(net: string, asked: readonly IAsked[]): Promise<void> {
    try {
      const looks = asked.map(({ look }) => look);
      const { reply, buffers } = await this.#ask(net, looks);
      const spent = reply.kind === 'tensors' ? reply.spent : 0;
      asked.forEach(({ resolve }, at) =>
        resolve({ reply: viewOf(reply, at), values: buffers[at] ?? NONE, spent })
      );
    } catch (error) {
      asked.forEach(({ reject }) => reject(error));
    }
  }

  readonly #ask: (net: string, looks: Look[]) => Promise<IAnswer>;
  readonly #asked = new Map<string, IAsked[]>();
}

const NONE = new Float32Array(0);

function viewOf(reply: IAnswer['reply'], at: number): Tensor | Failed {
  if (reply.kind === 'failed') {
    return reply;
  }
  const said = reply.kind === 'tensors' ? reply.views[at] : undefined;
  return (
    said ?? { kind: 'failed', message: `The kernel answered '${reply.kind}' without the tensor asked for.` }
  );
}
