import type { Kernel, KernelMessage } from '@jupyterlab/services';
import type { JSONObject } from '@lumino/coreutils';
import { UUID } from '@lumino/coreutils';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { IAnswer } from './pending';
import { LinkError, NEVER, Pending } from './pending';
import type { Push, Request } from './protocol';
import { HELLO_TARGET, PUSH_TARGET, ProtocolError, REQUEST_TARGET, parseReply } from './protocol';
import { PushStream, Renewal } from './pushes';
import type { IKernelHost, ILink, LinkState } from './connection';
import { insist } from './insist';
import * as memory from './memory';
import { mismatch } from './version';
import type { IChannel } from './wire';
import { Wire, isRecord, quietly, toFloats } from './wire';

const REQUEST_TIMEOUT = 15_000;
const HANDSHAKE_TIMEOUT = 8_000;
const RETRY_DELAY = 2_000;
const SUBSHELL_GRACE = 1_000;
const RESTART_PATIENCE = 5_000;

/** The two comms to the kernel of one notebook, kept open over restarts, kernel changes and lost connections. */
export class Link implements ILink {
  constructor(host: IKernelHost) {
    this.#host = host;
    host.kernelChanged.connect(this.#onKernelChanged, this);
    window.addEventListener('pagehide', this.#onPageHide);
    this.#attach();
  }

  get state(): LinkState {
    return this.#state;
  }

  get stateChanged(): ISignal<ILink, LinkState> {
    return this.#stateChanged;
  }

  get pushed(): ISignal<ILink, Push> {
    return this.#pushed;
  }

  get lost(): ISignal<ILink, void> {
    return this.#lost;
  }

  get announced(): ISignal<ILink, void> {
    return this.#announced;
  }

  get problem(): ISignal<ILink, string> {
    return this.#problem;
  }

  get mismatch(): string | null {
    return this.#mismatch;
  }

  get isDisposed(): boolean {
    return this.#disposed;
  }

  get watching(): boolean {
    return this.#watching;
  }

  set watching(value: boolean) {
    if (value === this.#watching) {
      return;
    }
    this.#watching = value;
    if (value && this.#channel === null) {
      this.connect();
    } else if (this.#state === 'connected') {
      this.#setPushes(value);
    }
  }

  dispose(): void {
    if (this.#disposed) {
      return;
    }
    this.#disposed = true;
    window.removeEventListener('pagehide', this.#onPageHide);
    this.#detach(true);
    Signal.clearData(this);
  }

  connect(): void {
    if (this.#kernel && this.#state !== 'connected' && !this.#handshaking) {
      void this.#open(this.#kernel);
    }
  }

  async request(request: Request, timeout = REQUEST_TIMEOUT): Promise<IAnswer> {
    try {
      return await insist(request, () => this.#ask(request, timeout));
    } catch (error) {
      if (error instanceof ProtocolError) {
        this.#complain(error);
        if (this.#mismatch === null) {
          this.#renewal.want();
        }
      }
      throw error;
    }
  }

  #ask(request: Request, timeout: number): Promise<IAnswer> {
    const channel = this.#channel;
    if (channel === null) {
      return Promise.reject(new LinkError('There is no connection to caffe_nb in the kernel.'));
    }
    const send = (id: number): void => {
      const data = { id, request } as unknown as JSONObject;
      channel.wire.send(channel.requests, data, channel.subshell);
    };
    return this.#pending.wait(timeout, send, () => this.#doubt());
  }

  #attach(): void {
    const kernel = this.#host.session?.kernel ?? null;
    this.#kernel = kernel;
    if (kernel === null) {
      this.#setState('no-kernel');
      return;
    }
    // The target only keeps JupyterLab from refusing the comm; what it says is read in #onMessage.
    kernel.registerCommTarget(HELLO_TARGET, this.#acceptHello);
    kernel.iopubMessage.connect(this.#onMessage, this);
    kernel.statusChanged.connect(this.#onStatus, this);
    kernel.connectionStatusChanged.connect(this.#onConnectionStatus, this);
    kernel.disposed.connect(this.#onKernelDisposed, this);
    this.#setState('connecting');
    if (this.#watching || memory.wasGreeted(kernel.id)) {
      this.connect();
    }
  }

  #detach(sayGoodbye: boolean): void {
    const kernel = this.#kernel;
    this.#drop(sayGoodbye, 'The kernel changed.');
    this.#kernel = null;
    if (kernel) {
      kernel.iopubMessage.disconnect(this.#onMessage, this);
      kernel.statusChanged.disconnect(this.#onStatus, this);
      kernel.connectionStatusChanged.disconnect(this.#onConnectionStatus, this);
      kernel.disposed.disconnect(this.#onKernelDisposed, this);
      if (!kernel.isDisposed) {
        kernel.removeCommTarget(HELLO_TARGET, this.#acceptHello);
      }
    }
  }

  /** Open the comms and wait for the first reply; the kernel closes them when caffe_nb is not there. */
  async #open(kernel: Kernel.IKernelConnection): Promise<void> {
    this.#drop(true, 'The connection was opened anew.');
    const epoch = ++this.#epoch;
    this.#setState('connecting');
    if (kernel.connectionStatus !== 'connected') {
      return; // #onConnectionStatus comes back here
    }
    this.#handshaking = true;
    const wire = new Wire(kernel);
    try {
      const subshell = await wire.createSubshell();
      if (epoch !== this.#epoch || kernel.isDisposed) {
        return;
      }
      this.#channel = { wire, subshell, requests: UUID.uuid4(), pushes: null };
      wire.open(REQUEST_TARGET, this.#channel.requests, subshell);
      // On the main shell the answer waits for the running cell, however long that takes.
      await this.request({ kind: 'list_nets' }, subshell === null ? NEVER : HANDSHAKE_TIMEOUT);
      if (epoch === this.#epoch) {
        this.#handshaking = false;
        memory.replaceSubshell(wire, subshell);
        this.#setPushes(this.#watching);
        this.#setState('connected');
        if (this.#greeted) {
          this.#greeted = false;
          this.#announced.emit(undefined);
        }
      }
    } catch (error) {
      if (epoch === this.#epoch) {
        this.#handshaking = false;
        this.#complain(error);
        this.#drop(false, 'The kernel did not answer.');
        this.#retry = setTimeout(() => this.connect(), RETRY_DELAY);
      }
    }
  }

  /** The kernel answers every request, be it with a refusal; where it did not, the comm may be gone. */
  #doubt(): void {
    if (this.#kernel && this.#state === 'connected' && this.#channel?.subshell != null) {
      void this.#open(this.#kernel);
    }
  }

  #setPushes(wanted: boolean): void {
    const channel = this.#channel;
    if (channel === null || (channel.pushes !== null) === wanted) {
      return;
    }
    if (channel.pushes !== null) {
      quietly(() => channel.wire.close(channel.pushes ?? '', channel.subshell));
      channel.pushes = null;
      return;
    }
    channel.pushes = UUID.uuid4();
    this.#stream = new PushStream({
      push: push => this.#pushed.emit(push),
      missed: () => this.#renewal.want(),
      problem: error => this.#complain(error)
    });
    channel.wire.open(PUSH_TARGET, channel.pushes, channel.subshell);
    if (this.#state === 'connected') {
      this.#lost.emit(undefined);
    }
  }

  /** Forget the comms; `sayGoodbye` where the kernel may still hold them. */
  #drop(sayGoodbye: boolean, reason: string): void {
    this.#epoch++;
    this.#handshaking = false;
    clearTimeout(this.#retry);
    this.#renewal.cancel();
    const channel = this.#channel;
    this.#channel = null;
    if (channel && sayGoodbye && !channel.wire.kernel.isDisposed) {
      quietly(() => this.#goodbye(channel));
    }
    this.#pending.rejectAll(reason);
  }

  #goodbye({ wire, pushes, requests, subshell }: IChannel): void {
    if (pushes !== null) {
      wire.close(pushes, subshell);
    }
    wire.close(requests, subshell);
    // Not at once: the subshell has yet to hear that the comms are closed. A page that is left keeps it in memory.
    setTimeout(() => quietly(() => wire.deleteSubshell(subshell)), SUBSHELL_GRACE);
  }

  #onMessage(_: unknown, message: KernelMessage.IIOPubMessage): void {
    const content: unknown = message.content;
    if (!isRecord(content)) {
      return;
    }
    const channel = this.#channel;
    const comm = content.comm_id;
    switch (message.header.msg_type) {
      case 'comm_open':
        if (content.target_name === HELLO_TARGET) {
          this.#onHello();
        }
        break;
      case 'comm_msg':
        if (comm === channel?.requests) {
          this.#onReply(content.data, message.buffers);
        } else if (channel && comm === channel.pushes) {
          this.#stream?.take(content.data);
        }
        break;
      case 'comm_close':
        if (channel && comm === channel.requests) {
          quietly(() => channel.wire.deleteSubshell(channel.subshell));
          this.#drop(false, 'caffe_nb is not imported in the kernel.');
          this.#setState('absent');
        }
        break;
      default:
        break;
    }
  }

  #onHello(): void {
    if (this.#kernel) {
      memory.greet(this.#kernel.id);
      this.#greeted = this.#state !== 'connected';
      if (this.#state === 'connected') {
        this.#announced.emit(undefined);
      } else {
        void this.#open(this.#kernel);
      }
    }
  }

  #onReply(data: unknown, buffers: KernelMessage.IMessage['buffers']): void {
    const pending = isRecord(data) ? this.#pending.take(data.id) : undefined;
    if (!pending || !isRecord(data)) {
      return; // an answer that came after its time
    }
    this.#mismatch = mismatch(data.version);
    try {
      pending.resolve({ reply: parseReply(data.reply), buffers: (buffers ?? []).map(toFloats) });
    } catch (error) {
      pending.reject(error instanceof Error ? error : new LinkError(String(error)));
    }
  }

  #onStatus(_: unknown, status: KernelMessage.Status): void {
    if (status === 'restarting' || status === 'autorestarting') {
      this.#drop(false, 'The kernel restarts.');
      this.#setState('restarting');
      // After a crash JupyterLab may miss that the kernel is back; asking it tells.
      this.#retry = setTimeout(() => this.#resume(), RESTART_PATIENCE);
    } else if (status === 'dead') {
      this.#onKernelDisposed();
    } else if (this.#state === 'restarting' && (status === 'idle' || status === 'busy')) {
      this.#resume();
    }
  }

  #onConnectionStatus(_: unknown, status: Kernel.ConnectionStatus): void {
    if (status === 'connected') {
      if (this.#state !== 'restarting') {
        this.#resume();
      }
    } else if (this.#state !== 'restarting') {
      this.#drop(false, 'The connection to the kernel was lost.');
      this.#setState('connecting');
      if (status === 'disconnected') {
        // JupyterLab has given up, as it does after a while without a network.
        this.#retry = setTimeout(() => void this.#kernel?.reconnect().catch(() => undefined), RETRY_DELAY);
      }
    }
  }

  /** The kernel can be talked to again; without a panel the link waits for its hello. */
  #resume(): void {
    const kernel = this.#kernel;
    if (kernel && (this.#watching || (this.#state === 'connecting' && memory.wasGreeted(kernel.id)))) {
      void this.#open(kernel);
    } else {
      this.#setState('absent');
    }
  }

  #onKernelDisposed(): void {
    this.#drop(false, 'The kernel died.');
    this.#setState('dead');
  }

  #onKernelChanged(): void {
    if ((this.#host.session?.kernel ?? null) !== this.#kernel) {
      this.#detach(true);
      this.#attach();
    }
  }

  /** Tell the kernel that nobody watches any more: it stops measuring for a page that is gone. */
  readonly #onPageHide = (): void => this.#drop(true, 'The page was left.');

  readonly #acceptHello = (): void => undefined;
  #setState(state: LinkState): void {
    if (state !== this.#state) {
      this.#state = state;
      this.#stateChanged.emit(state);
    }
  }

  #complain(error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    console.warn(`caffe_nb: ${text}`);
    this.#problem.emit(error instanceof ProtocolError && this.#mismatch !== null ? this.#mismatch : text);
  }

  readonly #host: IKernelHost;
  readonly #pending = new Pending(
    () => void this.#ask({ kind: 'list_nets' }, REQUEST_TIMEOUT).catch(() => undefined),
    () => this.#renewal.want()
  );
  readonly #stateChanged = new Signal<ILink, LinkState>(this);
  readonly #pushed = new Signal<ILink, Push>(this);
  readonly #lost = new Signal<ILink, void>(this);
  readonly #announced = new Signal<ILink, void>(this);
  readonly #problem = new Signal<ILink, string>(this);
  /** The first pushes of a new comm say everything. */
  readonly #renewal = new Renewal(() => {
    this.#setPushes(false);
    this.#setPushes(this.#watching);
  });
  #kernel: Kernel.IKernelConnection | null = null;
  #channel: IChannel | null = null;
  #state: LinkState = 'no-kernel';
  #watching = false;
  /** Whether the connection that is being opened was asked for by the kernel. */
  #greeted = false;
  #handshaking = false;
  #disposed = false;
  #epoch = 0;
  #mismatch: string | null = null;
  #stream: PushStream | null = null;
  #retry: ReturnType<typeof setTimeout> | undefined;
}
