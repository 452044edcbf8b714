import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { Link } from './link';
import { FakeHost, FakeKernel } from './testing/kernel';
import { netList, update } from './testing/messages';

const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(10);

let kernel: FakeKernel;
let host: FakeHost;
let link: Link;

function connect(): void {
  host = new FakeHost(kernel);
  link = new Link(host);
  link.watching = true;
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  window.sessionStorage.clear();
  kernel = new FakeKernel();
});

afterEach(() => {
  link.dispose();
  vi.useRealTimers();
});

describe('connecting', () => {
  it('opens both comms on a subshell when somebody watches', async () => {
    connect();
    await settle();
    expect(link.state).toBe('connected');
    expect(kernel.typesSent()).toEqual(['create_subshell_request', 'comm_open', 'comm_msg', 'comm_open']);
    expect(kernel.sent.slice(1).every(({ subshell }) => subshell === 'sub1')).toBe(true);
  });

  it('leaves a kernel alone that nobody watches and that has not said hello', async () => {
    link = new Link(new FakeHost(kernel));
    await settle();
    expect(kernel.sent).toEqual([]);
  });

  it('opens only the requests when the kernel says hello and nobody watches', async () => {
    link = new Link(new FakeHost(kernel));
    kernel.hello();
    await settle();
    expect(link.state).toBe('connected');
    expect(kernel.pushes).toBeNull();
  });

  it('tells of the hello once it is connected, and not when it connects by itself', async () => {
    const announced = vi.fn();
    connect();
    link.announced.connect(announced);
    await settle();
    expect(announced).not.toHaveBeenCalled();
    link.dispose();
    kernel = new FakeKernel('k2');
    link = new Link(new FakeHost(kernel));
    link.announced.connect(announced);
    kernel.hello();
    await settle();
    expect(announced).toHaveBeenCalledTimes(1);
  });

  it('says that caffe_nb is absent when the kernel closes the comm, and connects on its hello', async () => {
    kernel.imported = false;
    connect();
    await settle();
    expect(link.state).toBe('absent');
    kernel.imported = true;
    kernel.hello();
    await settle();
    expect(link.state).toBe('connected');
    expect(kernel.pushes).not.toBeNull();
  });

  it('uses the main shell when there is no subshell, and then waits as long as the cell runs', async () => {
    kernel.subshells = false;
    kernel.answer = () => undefined;
    connect();
    await vi.advanceTimersByTimeAsync(120_000);
    expect(link.state).toBe('connecting');
    expect(kernel.sent.filter(({ type }) => type === 'comm_open')).toHaveLength(1);
    expect(kernel.sent.at(-1)?.subshell).toBeNull();
    const id = (kernel.sent.at(-1)?.content.data as { id: number }).id;
    kernel.emit('comm_msg', { comm_id: kernel.requests, data: { id, reply: netList([]) } });
    await settle();
    expect(link.state).toBe('connected');
  });

  it('tries again when the kernel does not answer', async () => {
    kernel.answer = () => undefined;
    connect();
    await vi.advanceTimersByTimeAsync(9_000);
    kernel.answer = () => netList([]);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(link.state).toBe('connected');
  });

  it('waits for the connection before it sends anything', async () => {
    kernel.connectionStatus = 'connecting';
    connect();
    await settle();
    expect(kernel.sent).toEqual([]);
    kernel.setConnection('connected');
    await settle();
    expect(link.state).toBe('connected');
  });

  it('asks a kernel at once that was heard from before the page was reloaded', async () => {
    link = new Link(new FakeHost(kernel));
    kernel.hello();
    await settle();
    link.dispose();
    kernel.sent.length = 0;
    link = new Link(new FakeHost(kernel));
    await settle();
    expect(link.state).toBe('connected');
  });
});

describe('coming back', () => {
  beforeEach(async () => {
    connect();
    await settle();
  });

  it('drops everything on a restart and connects again on the next hello', async () => {
    const waiting = link.request({ kind: 'list_nets' });
    kernel.setStatus('restarting');
    await expect(waiting).rejects.toThrow('restarts');
    expect(link.state).toBe('restarting');
    kernel.imported = false;
    kernel.setStatus('idle');
    await settle();
    expect(link.state).toBe('absent');
    kernel.imported = true;
    kernel.hello();
    await settle();
    expect(link.state).toBe('connected');
  });

  it('asks by itself when nothing is heard of a kernel that restarts', async () => {
    kernel.imported = false;
    kernel.setStatus('autorestarting');
    await vi.advanceTimersByTimeAsync(4_000);
    expect(link.state).toBe('restarting');
    await vi.advanceTimersByTimeAsync(2_000);
    expect(link.state).toBe('absent');
  });

  it('follows the notebook to another kernel and takes leave of the first', async () => {
    const second = new FakeKernel('k2');
    host.change(second);
    await settle();
    expect(link.state).toBe('connected');
    expect(kernel.pushes).toBeNull();
    expect(second.pushes).not.toBeNull();
    await vi.advanceTimersByTimeAsync(2_000);
    expect(kernel.typesSent()).toContain('delete_subshell_request');
  });

  it('knows a notebook without a kernel and a dead kernel', () => {
    kernel.setStatus('dead');
    expect(link.state).toBe('dead');
    host.change(null);
    expect(link.state).toBe('no-kernel');
  });

  it('closes the pushes while nobody watches, and says what was missed when somebody does again', async () => {
    const lost = vi.fn();
    link.lost.connect(lost);
    link.watching = false;
    await settle();
    expect(kernel.pushes).toBeNull();
    link.watching = true;
    await settle();
    expect(kernel.pushes).not.toBeNull();
    expect(lost).toHaveBeenCalledTimes(1);
  });

  it('connects again by itself when JupyterLab has given up', async () => {
    kernel.setConnection('disconnected');
    expect(link.state).toBe('connecting');
    await vi.advanceTimersByTimeAsync(3_000);
    expect(link.state).toBe('connected');
    expect(kernel.pushes).not.toBeNull();
  });

  it('opens its comms anew when an answer never comes', async () => {
    kernel.answer = () => undefined;
    const waiting = expect(link.request({ kind: 'list_nets' })).rejects.toThrow('did not answer');
    kernel.answer = () => undefined;
    await vi.advanceTimersByTimeAsync(15_000);
    await waiting;
    expect(link.state).toBe('connecting');
    kernel.answer = () => netList([]);
    await vi.advanceTimersByTimeAsync(12_000);
    expect(link.state).toBe('connected');
  });

  it('tells of a hello while it is connected', () => {
    const announced = vi.fn();
    link.announced.connect(announced);
    kernel.hello();
    expect(announced).toHaveBeenCalledTimes(1);
  });

  it('closes its comms when the page is left', async () => {
    window.dispatchEvent(new Event('pagehide'));
    await settle();
    expect(kernel.typesSent().filter(type => type === 'comm_close')).toHaveLength(2);
  });
});

describe('messages', () => {
  const problems: string[] = [];

  beforeEach(async () => {
    problems.length = 0;
    connect();
    await settle();
    link.problem.connect((_, text) => problems.push(text));
  });

  it('gives each request its own answer', async () => {
    kernel.answer = request =>
      request.kind === 'get_graph' ? { kind: 'failed', message: 'no net' } : netList(['a']);
    const [first, second] = await Promise.all([
      link.request({ kind: 'get_graph', net: 'n9' }),
      link.request({ kind: 'list_nets' })
    ]);
    expect(first.reply).toEqual({ kind: 'failed', message: 'no net' });
    expect(second.reply.kind).toBe('net_list');
  });

  it('refuses an answer that breaks the protocol, and says which field', async () => {
    kernel.answer = () => ({ kind: 'net_list', nets: 'none', inspect: null });
    await expect(link.request({ kind: 'list_nets' })).rejects.toThrow('nets');
    expect(problems[0]).toContain('nets');
  });

  it('copies the values out of a message’s buffer, at any offset', async () => {
    kernel.answer = () => undefined;
    const waiting = link.request({ kind: 'list_nets' });
    const bytes = new Uint8Array(11);
    bytes.set(new Uint8Array(new Float32Array([1.5, -2]).buffer), 3);
    const id = (kernel.sent.at(-1)?.content.data as { id: number }).id;
    const data = { id, reply: netList([]) };
    kernel.emit('comm_msg', { comm_id: kernel.requests, data }, [new DataView(bytes.buffer, 3)]);
    expect((await waiting).buffers.map(values => [...values])).toEqual([[1.5, -2]]);
  });

  it('passes pushes on, leaves out repeated ones, and lets them begin anew when one is missing', async () => {
    const seen: number[] = [];
    const lost = vi.fn();
    link.pushed.connect((_, push) => seen.push(push.kind === 'net_update' ? push.iteration : -1));
    link.lost.connect(lost);
    kernel.push(1, update({ iteration: 1 }));
    kernel.push(2, update({ iteration: 2 }));
    kernel.push(2, update({ iteration: 2 }));
    expect(lost).not.toHaveBeenCalled();
    kernel.push(4, update({ iteration: 4 }));
    expect(seen).toEqual([1, 2, 4]);
    const before = kernel.pushes;
    await vi.advanceTimersByTimeAsync(500);
    expect(lost).toHaveBeenCalledTimes(1);
    expect(kernel.pushes).not.toBe(before);
    kernel.push(1, update({ iteration: 5 }));
    expect(seen).toEqual([1, 2, 4, 5]);
  });

  it('survives a push that breaks the protocol, and asks for everything anew', async () => {
    const lost = vi.fn();
    link.lost.connect(lost);
    kernel.push(1, { kind: 'net_update', net: 7 });
    kernel.emit('comm_msg', { comm_id: kernel.pushes, data: 'nonsense' });
    expect(problems).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(500);
    expect(lost).toHaveBeenCalledTimes(1);
    expect(kernel.pushes).not.toBeNull();
  });

  it('begins pushes anew once a second at most, however bad they are', async () => {
    const lost = vi.fn();
    link.lost.connect(lost);
    for (let at = 0; at < 50; at++) {
      kernel.push(at, 'nonsense');
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(lost.mock.calls.length).toBeGreaterThan(3);
    expect(lost.mock.calls.length).toBeLessThan(7);
  });

  it('asks a question again within a second when its answer is lost, and sends nothing else twice', async () => {
    let answers = 0;
    kernel.answer = ({ kind }) => (kind === 'list_nets' || ++answers > 2 ? netList([]) : undefined);
    const asked = link.request({ kind: 'get_graph', net: 'n1' });
    const driven = expect(
      link.request({ kind: 'drive', net: 'n1', action: 'step', layer: -1 })
    ).rejects.toThrow('lost');
    await vi.advanceTimersByTimeAsync(1_000);
    await driven;
    expect((await asked).reply.kind).toBe('net_list');
    const kinds = kernel.sent.map(
      ({ content }) => (content.data as { request?: { kind: string } } | undefined)?.request?.kind
    );
    expect(kinds.filter(kind => kind === 'get_graph')).toHaveLength(2);
    expect(kinds.filter(kind => kind === 'drive')).toHaveLength(1);
  });

  it('says which side to update, whatever else is wrong with an answer', async () => {
    kernel.version = '99.0.0';
    kernel.answer = () => ({ kind: 'net_list', nets: 'none', inspect: null });
    await expect(link.request({ kind: 'list_nets' })).rejects.toThrow('nets');
    expect(problems).toEqual([expect.stringContaining('update caffe-nb where JupyterLab runs')]);
    expect(link.mismatch).toContain('99.0.0');
  });
});
