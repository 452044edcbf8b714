import type { Kernel } from '@jupyterlab/services';
import { KernelMessage } from '@jupyterlab/services';
import type { JSONObject } from '@lumino/coreutils';

/**
 * How long to wait for a subshell before the main shell is used. After a page reload JupyterLab itself holds messages
 * back for three seconds when the kernel is busy.
 */
const SUBSHELL_TIMEOUT = 8000;

/**
 * Comm messages on one kernel connection, built by hand.
 *
 * The connection's own comms ask for their subshell only after `kernel.info`, which stays pending when the page is
 * reloaded while a cell runs. These go to a subshell that was asked for on the control channel, which needs neither.
 */
export class Wire {
  constructor(readonly kernel: Kernel.IKernelConnection) {}

  /** Ask for a subshell; null where the kernel gives none. */
  async createSubshell(): Promise<string | null> {
    const message = KernelMessage.createMessage<KernelMessage.ICreateSubshellRequestMsg>({
      msgType: 'create_subshell_request',
      channel: 'control',
      username: this.kernel.username,
      session: this.kernel.clientId,
      content: {}
    });
    return new Promise(resolve => {
      const give = (id: string | null): void => {
        clearTimeout(timer);
        resolve(id);
      };
      const timer = setTimeout(() => give(null), SUBSHELL_TIMEOUT);
      const future = this.kernel.sendControlMessage(message, true, true);
      future.onReply = reply => {
        const content: unknown = reply.content;
        const id = isRecord(content) ? content.subshell_id : null;
        give(typeof id === 'string' ? id : null);
      };
      future.done.catch(() => give(null));
    });
  }

  deleteSubshell(id: string | null): void {
    if (id === null) {
      return;
    }
    const message = KernelMessage.createMessage<KernelMessage.IDeleteSubshellRequestMsg>({
      msgType: 'delete_subshell_request',
      channel: 'control',
      username: this.kernel.username,
      session: this.kernel.clientId,
      content: { subshell_id: id }
    });
    this.kernel.sendControlMessage(message, true, true).done.catch(() => undefined);
  }

  open(target: string, comm: string, subshell: string | null): void {
    this.#send(
      KernelMessage.createMessage<KernelMessage.ICommOpenMsg<'shell'>>({
        ...this.#head(subshell),
        msgType: 'comm_open',
        content: { comm_id: comm, target_name: target, data: {} }
      })
    );
  }

  send(comm: string, data: JSONObject, subshell: string | null): void {
    this.#send(
      KernelMessage.createMessage<KernelMessage.ICommMsgMsg<'shell'>>({
        ...this.#head(subshell),
        msgType: 'comm_msg',
        content: { comm_id: comm, data }
      })
    );
  }

  close(comm: string, subshell: string | null): void {
    this.#send(
      KernelMessage.createMessage<KernelMessage.ICommCloseMsg<'shell'>>({
        ...this.#head(subshell),
        msgType: 'comm_close',
        content: { comm_id: comm, data: {} }
      })
    );
  }

  #head(subshell: string | null): {
    channel: 'shell';
    username: string;
    session: string;
    subshellId: string | null;
  } {
    return {
      channel: 'shell',
      username: this.kernel.username,
      session: this.kernel.clientId,
      subshellId: subshell
    };
  }

  #send<T extends KernelMessage.ShellMessageType>(message: KernelMessage.IShellMessage<T>): void {
    this.kernel.sendShellMessage(message, false, true).done.catch(() => undefined);
  }
}

/** The comms of one connection; thrown away whole when the kernel restarts. */
export interface IChannel {
  wire: Wire;
  subshell: string | null;
  requests: string;
  pushes: string | null;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Copy a message's buffer (a view at any offset) into floats of its own. */
export function toFloats(buffer: ArrayBuffer | ArrayBufferView | undefined): Float32Array {
  if (buffer === undefined) {
    return new Float32Array(0);
  }
  const bytes = ArrayBuffer.isView(buffer)
    ? new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
    : new Uint8Array(buffer);
  const whole = bytes.byteLength - (bytes.byteLength % Float32Array.BYTES_PER_ELEMENT);
  return new Float32Array(bytes.slice(0, whole).buffer);
}

/** Tell the kernel something that it need not hear. */
export function quietly(act: () => void): void {
  try {
    act();
  } catch (error) {
    console.debug('caffe_nb: the kernel could not be told', error);
  }
}
