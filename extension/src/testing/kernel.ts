import type { Kernel, KernelMessage } from '@jupyterlab/services';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { IKernelHost } from '../connection';
import { HELLO_TARGET, PUSH_TARGET, REQUEST_TARGET, VERSION } from '../protocol';
import { isRecord } from '../wire';

type Answer = (request: Record<string, unknown>) => unknown;

/** What a test sees of a message that the link sent. */
export interface ISent {
  type: string;
  content: Record<string, unknown>;
  subshell: string | null;
}

/** A kernel connection at the level of messages, with as much of caffe_nb behind it as the link can see. */
export class FakeKernel {
  readonly id: string;
  readonly username = '';
  readonly clientId = 'client';
  readonly sent: ISent[] = [];
  readonly statusChanged = new Signal<this, string>(this);
  readonly connectionStatusChanged = new Signal<this, string>(this);
  readonly iopubMessage = new Signal<this, KernelMessage.IIOPubMessage>(this);
  readonly disposed = new Signal<this, void>(this);
  isDisposed = false;
  connectionStatus = 'connected';
  /** Whether caffe_nb is imported there. */
  imported = true;
  subshells = true;
  version = VERSION;
  /** What a request is answered with; undefined for no answer at all. */
  answer: Answer = () => ({ kind: 'net_list', nets: [], inspect: null });
  /** Called when the front end has opened the comm for pushes. */
  watched: () => void = () => undefined;
  requests: string | null = null;
  pushes: string | null = null;

  constructor(id = 'k1') {
    this.id = id;
  }

  /** The object as the link takes it. */
  get connection(): Kernel.IKernelConnection {
    return this as unknown as Kernel.IKernelConnection;
  }

  registerCommTarget(): void {
    // the link reads the hello from the messages themselves
  }

  removeCommTarget(): void {
    // as above
  }

  sendControlMessage(message: KernelMessage.IMessage): unknown {
    this.#note(message);
    const future: { onReply: (reply: unknown) => void; done: Promise<unknown> } = {
      onReply: (): void => undefined,
      done: new Promise(() => undefined)
    };
    if (this.subshells && message.header.msg_type === 'create_subshell_request') {
      queueMicrotask(() => future.onReply({ content: { status: 'ok', subshell_id: 'sub1' } }));
    }
    return future;
  }

  sendShellMessage(message: KernelMessage.IMessage): unknown {
    const { type, content } = this.#note(message);
    queueMicrotask(() => this.#serve(type, content));
    return { done: new Promise(() => undefined) };
  }

  reconnect(): Promise<void> {
    this.setConnection('connected');
    return Promise.resolve();
  }

  hello(): void {
    this.emit('comm_open', { target_name: HELLO_TARGET, comm_id: 'hello', data: {} });
  }

  push(seq: number, push: unknown): void {
    this.emit('comm_msg', { comm_id: this.pushes, data: { seq, push } });
  }

  emit(type: string, content: unknown, buffers: unknown[] = []): void {
    const message = { header: { msg_type: type }, content, buffers, channel: 'iopub' };
    this.iopubMessage.emit(message as unknown as KernelMessage.IIOPubMessage);
  }

  setStatus(status: string): void {
    this.statusChanged.emit(status);
  }

  setConnection(status: string): void {
    this.connectionStatus = status;
    this.connectionStatusChanged.emit(status);
  }

  typesSent(): string[] {
    return this.sent.map(({ type }) => type);
  }

  #note(message: KernelMessage.IMessage): ISent {
    const content = isRecord(message.content) ? message.content : {};
    const header: unknown = message.header;
    const subshell = isRecord(header) && typeof header.subshell_id === 'string' ? header.subshell_id : null;
    const sent = { type: message.header.msg_type, content, subshell };
    this.sent.push(sent);
    return sent;
  }

  #serve(type: string, content: Record<string, unknown>): void {
    const comm = String(content.comm_id);
    if (type === 'comm_open') {
      if (!this.imported) {
        this.emit('comm_close', { comm_id: comm, data: {} });
      } else if (content.target_name === REQUEST_TARGET) {
        this.requests = comm;
      } else if (content.target_name === PUSH_TARGET) {
        this.pushes = comm;
        this.watched();
      }
    } else if (type === 'comm_close' && comm === this.pushes) {
      this.pushes = null;
    } else if (type === 'comm_msg' && this.imported && comm === this.requests && isRecord(content.data)) {
      const { id, request } = content.data;
      const reply = isRecord(request) ? this.answer(request) : undefined;
      if (reply !== undefined) {
        this.emit('comm_msg', { comm_id: comm, data: { id, version: this.version, reply } });
      }
    }
  }
}

/** A notebook's session: one kernel after another. */
export class FakeHost implements IKernelHost {
  readonly #changed = new Signal<this, void>(this);
  session: IKernelHost['session'];

  constructor(kernel: FakeKernel | null) {
    this.session = kernel ? { kernel: kernel.connection } : null;
  }

  get kernelChanged(): ISignal<unknown, unknown> {
    return this.#changed;
  }

  change(kernel: FakeKernel | null): void {
    this.session = kernel ? { kernel: kernel.connection } : null;
    this.#changed.emit(undefined);
  }
}
