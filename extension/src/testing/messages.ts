import type {
  BlobInfo,
  Distribution,
  Failed,
  GetTensors,
  Graph,
  GraphNode,
  LayerState,
  Look,
  NetInfo,
  NetList,
  NetUpdate,
  Rank,
  Reply,
  Request,
  Statistics,
  Tensor,
  Tensors,
  Training
} from '../protocol';
import type { IAnswer } from '../pending';

export function blob(name: string, shape: number[] = [2, 3]): BlobInfo {
  return { name, ref: `blob:${name}`, shape, has_diff: true };
}

export function node(index: number, name: string, more: Partial<GraphNode> = {}): GraphNode {
  return {
    index,
    name,
    type: 'InnerProduct',
    python: '',
    tops: [blob(name)],
    bottoms: [],
    params: [],
    in_place: false,
    needs_backward: true,
    loss_weight: 0,
    line: 0,
    frozen: false,
    shared: [],
    phase: '',
    ...more
  };
}

export function layerState(index: number, more: Partial<LayerState> = {}): LayerState {
  return { index, version: 0, note: '', error: null, check: null, ...more };
}

/** data -> ip -> loss (a Python layer), and data -> loss. */
export function graph(net = 'n1', revision = 1): Graph {
  return {
    kind: 'graph',
    net,
    revision,
    nodes: [
      node(0, 'data', { type: 'Input' }),
      node(1, 'ip', { bottoms: [blob('data')] }),
      node(2, 'loss', { type: 'Python', python: 'layers.Loss', bottoms: [blob('ip'), blob('data')] })
    ],
    edges: [
      { source: 0, target: 1, blob: 'data', shape: [2, 3] },
      { source: 1, target: 2, blob: 'ip', shape: [2, 3] },
      { source: 0, target: 2, blob: 'data', shape: [2, 3] }
    ],
    states: [layerState(0), layerState(1), layerState(2, { version: 1 })]
  };
}

export function net(id: string, more: Partial<NetInfo> = {}): NetInfo {
  return {
    id,
    name: `net ${id}`,
    phase: 'TRAIN',
    layers: 3,
    running: false,
    trained: '',
    test_net: -1,
    failed: null,
    ...more
  };
}

export function netList(ids: string[], inspect: string | null = null): NetList {
  return { kind: 'net_list', nets: ids.map(id => net(id)), inspect };
}

export function update(more: Partial<NetUpdate> = {}): NetUpdate {
  return {
    kind: 'net_update',
    net: 'n1',
    revision: 1,
    running: false,
    solver: false,
    iteration: 0,
    max_iterations: 0,
    loss: null,
    stamp: 1,
    current: null,
    times: [],
    states: [],
    held: null,
    place: { index: 0, direction: 'forward' },
    breaks: { layers: [], not_finite: false, limit: null, iteration: null },
    stale: [],
    transfers: '',
    ...more
  };
}

export function statistics(more: Partial<Statistics> = {}): Statistics {
  return {
    count: 6,
    min: -1,
    max: 2,
    mean: 0.5,
    std: 1,
    zeros: 1,
    negatives: 2,
    nans: 0,
    positive_infinities: 0,
    negative_infinities: 0,
    categories: [],
    ...more
  };
}

export function tensor(more: Partial<Tensor> = {}): Tensor {
  return {
    kind: 'tensor',
    net: 'n1',
    ref: 'blob:ip',
    part: 'data',
    shape: [2, 3],
    dtype: 'float32',
    axes: [-1, 0, 1],
    channels: 0,
    index: [0, 0],
    tiles: 1,
    rows: 2,
    cols: 3,
    reduced: false,
    block: [1, 1],
    statistics: statistics(),
    version: 1,
    note: '',
    ...more
  };
}

/** The answer to looks, a view for each. */
export function tensors({ net, looks }: GetTensors, view: (look: Look) => Tensor | Failed): Tensors {
  return { kind: 'tensors', net, views: looks.map(view), spent: 1 };
}

export function distribution(more: Partial<Distribution> = {}): Distribution {
  return {
    kind: 'distribution',
    net: 'n1',
    ref: 'blob:ip',
    part: 'data',
    low: -1,
    high: 2,
    counts: [1, 0, 3, 1],
    below: 0,
    above: 1,
    largest: [
      { index: [1, 2], value: null, sign: 'nan' },
      { index: [0, 2], value: 2, sign: '' }
    ],
    statistics: statistics(),
    version: 1,
    ...more
  };
}

/** Nothing is switched on for a training. */
export const NO_TRAINING = {
  stop_at_nan: false,
  bad: null,
  kept: null,
  paused: '',
  ranks: [] as Rank[]
} as const satisfies Training;

/** A kernel with one net, n1. */
export function oneNet(request: Request): Reply | IAnswer {
  switch (request.kind) {
    case 'list_nets':
      return netList(['n1']);
    case 'get_graph':
      return graph(request.net);
    case 'get_tensors':
      return {
        reply: tensors(request, ({ ref, part }) => tensor({ ref, part })),
        buffers: request.looks.map(() => new Float32Array([0, 1, 2, -1, 0.5, 0.25]))
      };
    case 'get_layer_health':
      return { kind: 'layer_health', net: request.net, bad: [], gradients: [], whole: true };
    case 'get_distribution':
      return distribution({ ref: request.ref, part: request.part });
    case 'get_source':
      return {
        kind: 'source_text',
        source: { path: '/home/me/layers.py', line: 3, module: 'layers', qualname: 'Loss' },
        text: 'class Loss:\n    pass\n'
      };
    case 'get_versions':
    case 'roll_back':
      return {
        kind: 'versions',
        net: request.net,
        layer: request.layer,
        versions: [
          { number: 1, what: 'as it was loaded', seconds: 75, same: false },
          { number: 2, what: 'forward changed', seconds: 3, same: true }
        ]
      };
    case 'compare_versions':
      return {
        kind: 'difference',
        old: request.old,
        new: request.new,
        text: '--- layers v1\n+++ layers v2\n@@ -1 +1 @@\n-half\n+third\n same'
      };
    case 'get_history':
      return {
        kind: 'history',
        net: request.net,
        key: '',
        iteration: 0,
        curves: [],
        more: false,
        training: NO_TRAINING
      };
    case 'set_training':
    case 'rewind':
      return { kind: 'training_state', net: request.net, iteration: 0, training: NO_TRAINING };
    case 'get_health': {
      const { net, measure } = request;
      return { kind: 'health', net, key: '', measure, layers: [], columns: [], more: false };
    }
    case 'get_layer_text':
    case 'set_param_str':
      return {
        kind: 'layer_text',
        text: 'layer {\n  name: "loss"\n}',
        doc: 'Compute it.\n\nNotes\n-----\nAs Caffe does.',
        param_str: request.kind === 'set_param_str' ? request.text : '1',
        note: request.kind === 'set_param_str' ? 'loss: param_str changed; setup rerun' : ''
      };
    case 'drive':
    case 'set_breaks':
      return { kind: 'driven', net: request.net };
    case 'export_check':
      return { kind: 'exported', path: '/home/me/test_loss.py' };
    case 'check_layer':
      return {
        kind: 'checked',
        net: request.net,
        layer: request.layer,
        check: { ok: true, rows: [], findings: [], path: '', line: 0, message: 'passed' }
      };
  }
}
