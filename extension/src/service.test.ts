import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { readChosen } from './choice';
import type { Graph, NetList } from './protocol';
import { Service } from './service';
import { FakeLink } from './testing/link';
import { blob, graph, layerState, net, netList, oneNet, update } from './testing/messages';
import { connected } from './testing/service';

const settle = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 0));

const refusal = {
  message: 'Loss v2 refused: SyntaxError',
  traceback: '',
  path: '/home/me/layers.py',
  line: 4,
  refused: true,
  not_finite: false
};

let link: FakeLink;
let service: Service;

beforeEach(async () => {
  ({ link, service } = await connected());
});

afterEach(() => {
  vi.useRealTimers();
});

describe('nets', () => {
  it('shows the only net with its graph', () => {
    expect(service.state.net).toBe('n1');
    expect(service.state.graph?.nodes.map(({ name }) => name)).toEqual(['data', 'ip', 'loss']);
    expect(service.state.states.get(2)?.version).toBe(1);
  });

  it('fetches no graph while nobody looks', async () => {
    link = new FakeLink();
    link.script = oneNet;
    service = new Service(link);
    link.become('connected');
    await settle();
    expect(link.watching).toBe(false);
    expect(link.requests.map(({ kind }) => kind)).toEqual(['list_nets']);
    service.visible = true;
    await settle();
    expect(service.state.graph).not.toBeNull();
  });

  it('shows the net that the kernel asks for, again when it is asked for again', async () => {
    const asked: string[] = [];
    service.inspectRequested.connect((_, net) => asked.push(net));
    link.push(netList(['n1', 'n2'], 'n2'));
    await settle();
    expect(service.state.net).toBe('n2');
    service.chooseNet('n1');
    link.push(netList(['n1', 'n2'], 'n2'));
    expect(service.state.net).toBe('n2');
    expect(asked).toEqual(['n2', 'n2']);
  });

  it('keeps the user’s choice when nets come and go', () => {
    link.push(netList(['n1', 'n2'], 'n2'));
    service.chooseNet('n1');
    link.push(netList(['n1', 'n2', 'n3'], 'n2'));
    expect(service.state.net).toBe('n1');
  });

  it('goes on to the net that was built in the place of the one shown, not to its test net', () => {
    const pair = (trained: string, tested: string): NetList => ({
      ...netList([]),
      nets: [net(trained, { name: 'digits' }), net(tested, { name: 'digits', phase: 'TEST' })]
    });
    link.push(pair('n1', 'n2'));
    expect(service.state.net).toBe('n1');
    link.push(pair('n3', 'n4'));
    expect(service.state.net).toBe('n3');
  });

  it('drops what was said about the net that is gone', async () => {
    link.script = request =>
      request.kind === 'get_graph' && request.net === 'n2'
        ? { kind: 'failed', message: 'net n2 is gone' }
        : oneNet(request);
    service.chooseNet('n2');
    await settle();
    expect(service.state.problem).toBe('net n2 is gone');
    link.push(netList(['n1']));
    await settle();
    expect(service.state.net).toBe('n1');
    expect(service.state.problem).toBeNull();
  });

  it('goes on to another net when the one shown is gone, and to none after the last', () => {
    link.push(netList(['n2']));
    expect(service.state.net).toBe('n2');
    link.push(netList([]));
    expect(service.state.net).toBeNull();
    expect(service.state.graph).toBeNull();
  });

  it('opens for a hello whose net the answer to an earlier question has named already', async () => {
    link = new FakeLink();
    link.script = request => (request.kind === 'list_nets' ? netList(['n1'], 'n1') : oneNet(request));
    service = new Service(link);
    const asked = vi.fn();
    service.inspectRequested.connect(asked);
    link.become('connected');
    link.announce();
    await settle();
    expect(asked).toHaveBeenCalledTimes(1);
  });

  it('asks for the nets when the kernel says hello once more, to show what was shown before', async () => {
    link.script = request => (request.kind === 'list_nets' ? netList(['n1'], 'n1') : oneNet(request));
    link.announce();
    await settle();
    const asked = vi.fn();
    service.inspectRequested.connect(asked);
    link.announce();
    await settle();
    expect(asked).toHaveBeenCalledTimes(1);
  });
});

describe('updates', () => {
  it('merges the states and times that changed', () => {
    link.push(
      update({
        states: [layerState(1, { version: 3 })],
        times: [{ index: 1, forward: 2, backward: 1, within: '' }]
      })
    );
    link.push(update({ times: [{ index: 2, forward: 5, backward: 0, within: '' }] }));
    expect(service.state.states.get(1)?.version).toBe(3);
    expect(service.state.states.get(2)?.version).toBe(1);
    expect(service.state.times.get(1)?.forward).toBe(2);
    expect(service.state.times.get(2)?.forward).toBe(5);
  });

  it('fetches the graph again when its revision changes, and keeps the selected layer by name', async () => {
    service.select(1);
    link.script = request =>
      request.kind === 'get_graph'
        ? { ...graph('n1', 2), nodes: graph().nodes.map(node => ({ ...node, index: node.index + 1 })) }
        : oneNet(request);
    link.push(update({ revision: 2 }));
    await settle();
    expect(service.state.graph?.revision).toBe(2);
    expect(service.state.selected).toBe(2);
  });

  it('fetches everything again when a push was lost', async () => {
    const before = link.count('get_graph');
    link.lose();
    await settle();
    expect(link.count('get_graph')).toBe(before + 1);
  });
});

describe('tensor views', () => {
  it('pull when blobs may have changed, and not otherwise', async () => {
    vi.useFakeTimers();
    const view = service.openView('blob:ip', 'data');
    await vi.advanceTimersByTimeAsync(0);
    expect(view.state.tensor?.version).toBe(1);
    link.push(update({ stamp: 2 }));
    link.push(update({ stamp: 2 }));
    await vi.advanceTimersByTimeAsync(1000);
    expect(link.count('get_tensors')).toBe(2);
    view.dispose();
    link.push(update({ stamp: 3 }));
    await vi.advanceTimersByTimeAsync(1000);
    expect(link.count('get_tensors')).toBe(2);
  });

  it('rest while the panel is hidden and catch up when it is shown', async () => {
    vi.useFakeTimers();
    service.openView('blob:ip', 'data');
    await vi.advanceTimersByTimeAsync(0);
    service.visible = false;
    expect(link.watching).toBe(false);
    link.push(update({ stamp: 2 }));
    await vi.advanceTimersByTimeAsync(1000);
    expect(link.count('get_tensors')).toBe(1);
    service.visible = true;
    await vi.advanceTimersByTimeAsync(1000);
    expect(link.count('get_tensors')).toBe(2);
  });
});

describe('the layer shown', () => {
  const unlike = (change: (graph: Graph) => Graph): void => {
    link.script = request => (request.kind === 'get_graph' ? change(graph(request.net)) : oneNet(request));
  };

  it('is at first a Python layer, or else one with parameters', async () => {
    expect(service.selectedNode?.name).toBe('loss');
    unlike(said => ({
      ...said,
      nodes: said.nodes.map(node => ({
        ...node,
        python: '',
        params: node.name === 'ip' ? [blob('weight')] : []
      }))
    }));
    link.push(netList(['n2']));
    await settle();
    expect(service.selectedNode?.name).toBe('ip');
  });

  it('is none where somebody has chosen none', async () => {
    service.select(null);
    service.refresh();
    await settle();
    expect(service.state.selected).toBeNull();
  });

  it('is one that has failed, unless somebody has chosen another', () => {
    link.push(update({ states: [layerState(1, { error: refusal })] }));
    expect(service.selectedNode?.name).toBe('ip');
    link.push(update({ states: [layerState(2, { error: refusal })] }));
    expect(service.selectedNode?.name).toBe('ip'); // it has failed too
    link.push(update({ states: [layerState(1), layerState(2)] }));
    service.select(0);
    link.push(update({ states: [layerState(1, { error: refusal })] }));
    expect(service.selectedNode?.name).toBe('data');
  });

  it('is the one where a NaN was born, whatever was chosen, until somebody looks elsewhere', async () => {
    service.select(0);
    const born = { ...refusal, message: 'NonFiniteError: NaN at [0]', refused: false, not_finite: true };
    link.push(update({ states: [layerState(2, { error: refusal }), layerState(1, { error: born })] }));
    expect(service.selectedNode?.name).toBe('ip');
    service.select(0);
    link.push(update({ states: [layerState(1, { error: { ...born } })] }));
    expect(service.selectedNode?.name).toBe('data');
    link.push(update({ states: [layerState(1)] }));
    unlike(said => ({ ...said, states: [layerState(1, { error: born })] }));
    service.refresh(); // it was born while the panel was hidden
    await settle();
    expect(service.selectedNode?.name).toBe('ip');
  });

  it('is the one that was chosen before the page was reloaded', async () => {
    service.select(1);
    service.choice.open('source');
    const kept = JSON.parse(JSON.stringify(service.choice.chosen)) as Record<string, unknown>;
    service = new Service(link);
    service.choice.recall(readChosen({ ...kept, path: 'n.ipynb' }));
    service.visible = true;
    await settle();
    expect(service.selectedNode?.name).toBe('ip');
    expect(service.choice.tab).toBe('source');
    expect(readChosen({ layer: 7, tab: 'nonsense' })).toEqual({});
  });
});

describe('layers', () => {
  it('fetch the code of a Python layer when it is selected, when its version changes, and when it fails', async () => {
    service.select(1);
    const before = link.count('get_source');
    service.select(2);
    await settle();
    expect(service.state.source?.text?.text).toContain('class Loss');
    link.push(update({ states: [layerState(2, { version: 2 })] }));
    await settle();
    expect(link.count('get_source')).toBe(before + 2);
    expect(service.state.source?.version).toBe(2);
    link.push(update({ states: [layerState(2, { version: 2, error: refusal })] }));
    link.push(update({ states: [layerState(2, { version: 2, error: { ...refusal } })] }));
    await settle();
    expect(link.count('get_source')).toBe(before + 3);
  });

  it('note a check’s result, or why there is none', async () => {
    await service.check(1);
    expect(service.state.states.get(1)?.check?.ok).toBe(true);
    link.script = () => ({ kind: 'failed', message: 'the layer is running' });
    const running = service.check(2);
    expect(service.state.checking.has(2)).toBe(true);
    await running;
    expect(service.state.checking.has(2)).toBe(false);
    expect(service.state.checkErrors.get(2)).toBe('the layer is running');
  });
});

describe('the connection', () => {
  it('forgets the nets when the kernel restarts, and finds the layer again afterwards', async () => {
    service.select(1);
    link.become('restarting');
    expect(service.state.graph).toBeNull();
    link.become('connected');
    await settle();
    expect(service.state.selected).toBe(1);
  });

  it('keeps what was seen while it connects anew', () => {
    link.become('connecting');
    expect(service.state.graph).not.toBeNull();
  });

  it('shows what was wrong until it is dismissed', () => {
    link.complain('push.net: expected a string, got 7');
    expect(service.state.problem).toContain('push.net');
    service.dismissProblem();
    expect(service.state.problem).toBeNull();
  });
});
