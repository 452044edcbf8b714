import type { Kernel } from '@jupyterlab/services';
import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';

import type { IAnswer } from './pending';
import type { Push, Request } from './protocol';

/**
 * Where the connection stands. `absent`: the kernel runs, but caffe_nb is not imported there.
 */
export type LinkState = 'no-kernel' | 'connecting' | 'absent' | 'connected' | 'restarting' | 'dead';

/** What a link needs of a session context. */
export interface IKernelHost {
  readonly session: { readonly kernel: Kernel.IKernelConnection | null } | null;
  readonly kernelChanged: ISignal<unknown, unknown>;
}

/** What the service needs of the transport. */
export interface ILink extends IDisposable {
  readonly state: LinkState;
  /** Whether pushes are wanted; while false the kernel has nothing to watch. */
  watching: boolean;
  readonly stateChanged: ISignal<ILink, LinkState>;
  /** Which side to update, in words, where the kernel's caffe_nb is of another version than the panel. */
  readonly mismatch: string | null;
  readonly pushed: ISignal<ILink, Push>;
  /** Pushes may have been missed: what is shown must be fetched again. */
  readonly lost: ISignal<ILink, void>;
  /** The kernel said hello, and the link stands: something there wants to be looked at. */
  readonly announced: ISignal<ILink, void>;
  /** Something was wrong with a message or the connection, in words. */
  readonly problem: ISignal<ILink, string>;
  request(request: Request, timeout?: number): Promise<IAnswer>;
  /** Try to connect now, unless that is done or under way. */
  connect(): void;
}
