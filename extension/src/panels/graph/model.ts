import type { Current, Graph, GraphEdge, GraphNode, LayerState, LayerTime } from '../../protocol';

/** Kinds of layers that share a colour. */
export type Family =
  'data' | 'vision' | 'dense' | 'activation' | 'normalization' | 'loss' | 'recurrent' | 'python' | 'utility';

const FAMILIES: readonly (readonly [Family, RegExp])[] = [
  ['python', /^Python$/],
  ['loss', /Loss(OHEM)?$|^Accuracy$/],
  ['data', /Data$|^Input$|^Parameter$/],
  [
    'vision',
    /^(Convolution|Deconvolution|Pooling|Im2col|Crop|SPP|Interp|Upsample|Reorg|(PS)?ROIPooling|ConvolutionDepthwise|DepthwiseConvolution)$/
  ],
  ['dense', /^(InnerProduct|Embed|Bilinear)$/],
  ['normalization', /^(LRN|MVN|BN|BatchNorm|Scale|Bias|Normalize|GroupNorm|LayerNorm)$/],
  ['recurrent', /^(LSTM|RNN|Recurrent|LSTMUnit)$/],
  [
    'activation',
    /^(.*ReLU.*|Sigmoid|TanH|ELU|Swish|Dropout|AbsVal|BNLL|Power|Exp|Log|Threshold|Clip|Softmax)$/
  ]
];

/** The family of a layer type; `utility` for what rearranges blobs and for unknown types. */
export function familyOf(type: string): Family {
  return FAMILIES.find(([, pattern]) => pattern.test(type))?.[0] ?? 'utility';
}

/** What one node shows. */
export interface INodeFace {
  node: GraphNode;
  state: LayerState | null;
  time: LayerTime | null;
  selected: boolean;
  running: Current['direction'] | null;
  /** Whether its tops are older than an edit. */
  stale: boolean;
}

/** What changes on the graph while a net runs. */
export interface IGraphFace {
  states: ReadonlyMap<number, LayerState>;
  times: ReadonlyMap<number, LayerTime>;
  selected: number | null;
  current: Current | null;
  stale: readonly number[];
}

export function faceOf(node: GraphNode, face: IGraphFace): INodeFace {
  const { index } = node;
  return {
    node,
    state: face.states.get(index) ?? null,
    time: face.times.get(index) ?? null,
    selected: face.selected === index,
    running: face.current?.index === index ? face.current.direction : null,
    stale: face.stale.includes(index)
  };
}

/** Whether two faces look the same, so that the node need not be drawn again. */
export function sameFace(a: INodeFace, b: INodeFace): boolean {
  return (
    a.node === b.node &&
    a.state === b.state &&
    a.time === b.time &&
    a.selected === b.selected &&
    a.running === b.running &&
    a.stale === b.stale
  );
}

/** All that a node shows, in words, for those who do not see it. */
export function describeFace({ node, state, time, running, stale }: INodeFace): string {
  const total = time ? time.forward + time.backward : 0;
  return [
    `layer ${node.name}`,
    node.python ? `Python layer ${node.python}, version ${state?.version ?? 0}` : `type ${node.type}`,
    node.in_place ? 'in place' : '',
    running ? `running ${running}` : '',
    stale ? 'older than the last edit' : '',
    state?.error ? `error: ${state.error.message}` : '',
    state?.check ? `gradient check ${state.check.ok ? 'passed' : 'failed'}` : '',
    total > 0 ? `${total.toPrecision(2)} milliseconds` : ''
  ]
    .filter(Boolean)
    .join(', ');
}

export type Direction = 'up' | 'down' | 'left' | 'right';

/**
 * The layer that an arrow key leads to: down to the first consumer, up to the first producer, sideways along the other
 * consumers of the same producer. Null where there is none.
 */
export function neighbour(edges: readonly GraphEdge[], index: number, direction: Direction): number | null {
  const consumers = (of: number): number[] => unique(edges.filter(e => e.source === of).map(e => e.target));
  const producers = (of: number): number[] => unique(edges.filter(e => e.target === of).map(e => e.source));
  if (direction === 'down') {
    return consumers(index)[0] ?? null;
  }
  if (direction === 'up') {
    return producers(index)[0] ?? null;
  }
  const parents = producers(index);
  const children = consumers(index);
  const beside = unique([...parents.flatMap(consumers), ...children.flatMap(producers)]).sort(
    (a, b) => a - b
  );
  const at = beside.indexOf(index);
  return at < 0 ? null : (beside[direction === 'left' ? at - 1 : at + 1] ?? null);
}

function unique(values: readonly number[]): number[] {
  return [...new Set(values)];
}

/** What a layout depends on: two graphs with the same key are drawn alike. */
export function layoutKey(graph: Graph): string {
  return JSON.stringify([
    graph.nodes.map(({ index }) => index),
    graph.edges.map(({ source, target, blob, shape }) => [source, target, blob, shape.length])
  ]);
}

/** Text on an edge: the blob's name, shortened, and its shape. */
export function edgeText(edge: GraphEdge): string {
  const name = edge.blob.length > 18 ? `${edge.blob.slice(0, 17)}…` : edge.blob;
  return edge.shape.length === 0 ? `${name} · scalar` : `${name} · ${edge.shape.join('×')}`;
}
