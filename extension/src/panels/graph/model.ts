import { formatNumber, formatTime } from '../../components/format';
import type { BadLayer, Current, GraphEdge, GraphNode, LayerState, LayerTime } from '../../protocol';
import { formatCount, paramCount } from './figures';
import type { IGroup } from './groups';

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

/** All families, in the order of the legend. */
export const FAMILY_NAMES: readonly Family[] = [
  'data',
  'vision',
  'dense',
  'activation',
  'normalization',
  'recurrent',
  'loss',
  'python',
  'utility'
];

/** The family that a layer's colour stands for. */
export function familyOfNode(node: GraphNode): Family {
  return node.python ? 'python' : familyOf(node.type);
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
  /** Whether a run is held at it, and whether runs are to be. */
  held: boolean;
  breakpoint: boolean;
  /** Whether it holds values that are not finite, and where. */
  bad: BadLayer['value'] | '';
  badPlaces: string;
  /** Mean magnitude of its gradient, where that is wanted. */
  gradient: number | null;
}

/** What changes on the graph while a net runs. */
export interface IGraphFace {
  states: ReadonlyMap<number, LayerState>;
  times: ReadonlyMap<number, LayerTime>;
  selected: number | null;
  current: Current | null;
  stale: ReadonlySet<number>;
  held?: number | null;
  breaks?: ReadonlySet<number>;
  bad?: ReadonlyMap<number, BadLayer>;
  gradients?: ReadonlyMap<number, number>;
}

export function faceOf(node: GraphNode, face: IGraphFace): INodeFace {
  const { index } = node;
  return {
    node,
    state: face.states.get(index) ?? null,
    time: face.times.get(index) ?? null,
    selected: face.selected === index,
    running: face.current?.index === index ? face.current.direction : null,
    stale: face.stale.has(index),
    held: face.held === index,
    breakpoint: face.breaks?.has(index) ?? false,
    bad: face.bad?.get(index)?.value ?? '',
    badPlaces: face.bad?.get(index)?.places.join(', ') ?? '',
    gradient: face.gradients?.get(index) ?? null
  };
}

/** What a group shows: the sums of its layers, and the worst that can be said of any of them. */
export interface IGroupFace {
  group: IGroup;
  open: boolean;
  params: number;
  /** Milliseconds. */
  time: number;
  /** Whether the selected layer is in it. */
  selected: boolean;
  running: Current['direction'] | null;
  stale: boolean;
  /** Numbers of layers in error, and of failed gradient checks. */
  errors: number;
  fails: number;
  /** Number of layers that hold values which are not finite. */
  bads: number;
  /** The family of most of its parameters, or of most of its layers. */
  family: Family;
}

export function groupFaceOf(
  group: IGroup,
  open: boolean,
  nodes: ReadonlyMap<number, GraphNode>,
  face: IGraphFace
): IGroupFace {
  const states = group.members.map(index => face.states.get(index));
  const members = group.members.flatMap(index => nodes.get(index) ?? []);
  const { current } = face;
  return {
    group,
    open,
    params: paramCount(members),
    time: group.members.reduce((sum, index) => sum + totalTime(face.times.get(index)), 0),
    selected: face.selected !== null && group.members.includes(face.selected),
    running: current && group.members.includes(current.index) ? current.direction : null,
    stale: face.stale.size > 0 && group.members.some(index => face.stale.has(index)),
    errors: states.filter(state => state?.error).length,
    fails: states.filter(state => state?.check?.ok === false).length,
    bads: face.bad?.size ? group.members.filter(index => face.bad?.has(index)).length : 0,
    family: mostly(members)
  };
}

/** Of an error, values that are not finite or stale, a failed check, and a layer that runs, what comes first; else empty. */
export function worstOf(face: IGroupFace): 'error' | 'nan' | 'fail' | 'stale' | 'running' | '' {
  if (face.errors > 0) {
    return 'error';
  }
  if (face.bads > 0) {
    return 'nan';
  }
  return face.fails > 0 ? 'fail' : face.stale ? 'stale' : face.running ? 'running' : '';
}

function mostly(nodes: readonly GraphNode[]): Family {
  const sums = new Map<Family, number>();
  for (const node of nodes) {
    const family = familyOfNode(node);
    sums.set(family, (sums.get(family) ?? 0) + 1 + paramCount([node]));
  }
  return [...sums].sort(([, a], [, b]) => b - a)[0]?.[0] ?? 'utility';
}

export function totalTime(time: LayerTime | null | undefined): number {
  return time ? time.forward + time.backward : 0;
}

/** The layer whose time has this one's in it; empty where it has one of its own, or none yet. */
export function withinOf(time: LayerTime | null | undefined): string {
  return time && totalTime(time) === 0 ? time.within : '';
}

/** What it means that a layer's time is in another's, in words. */
export const joinedWith = (name: string): string => `runs as one with ${name}, whose time is that of both`;

/** Whether two faces look the same, so that the node need not be drawn again. */
export function sameFace<T extends object>(a: T, b: T): boolean {
  return Object.entries(a).every(([key, value]) => value === b[key as keyof T]);
}

export const BAD_WORDS = { NaN: 'NaN', Inf: 'infinity' } as const;

/** All that a node shows, in words, for those who do not see it. */
export function describeFace(face: INodeFace): string {
  const { node, state, time, running, stale } = face;
  const total = totalTime(time);
  const params = paramCount([node]);
  return [
    `layer ${node.name}`,
    node.python ? `Python layer ${node.python}, version ${state?.version ?? 0}` : `type ${node.type}`,
    node.in_place ? 'in place' : '',
    running ? `running ${running}` : '',
    face.held ? 'the run is held here' : '',
    face.breakpoint ? 'breakpoint' : '',
    stale ? 'older than the last edit' : '',
    state?.error ? `error: ${state.error.message}` : '',
    face.bad ? `${BAD_WORDS[face.bad]} in ${face.badPlaces}` : '',
    state?.check ? `gradient check ${state.check.ok ? 'passed' : 'failed'}` : '',
    params > 0 ? `${params} parameters` : '',
    node.frozen ? 'frozen' : '',
    node.shared.some(Boolean) ? `shares ${node.shared.filter(Boolean).join(', ')} with other layers` : '',
    node.phase ? `in the ${node.phase} phase only` : '',
    total > 0 ? `${total.toPrecision(2)} milliseconds` : '',
    withinOf(time) === '' ? '' : joinedWith(withinOf(time)),
    face.gradient === null ? '' : `gradient ${formatNumber(face.gradient, 2)}`
  ]
    .filter(Boolean)
    .join(', ');
}

export function describeGroup(face: IGroupFace): string {
  const { group, params, time, errors, fails, bads, stale, running, selected } = face;
  return [
    `group ${group.name}`,
    `${group.members.length} layers`,
    errors > 0 ? `${errors} with an error` : '',
    bads > 0 ? `${bads} with NaN or infinity` : '',
    fails > 0 ? `${fails} with a failed gradient check` : '',
    stale ? 'some older than the last edit' : '',
    running ? `running ${running}` : '',
    selected ? 'holds the selected layer' : '',
    params > 0 ? `${formatCount(params)} parameters` : '',
    time > 0 ? formatTime(time) : ''
  ]
    .filter(Boolean)
    .join(', ');
}

export type Direction = 'up' | 'down' | 'left' | 'right';

interface IEnds<T> {
  readonly source: T;
  readonly target: T;
}

/**
 * The item that an arrow key leads to: down to the first consumer, up to the first producer, sideways along the other
 * consumers of the same producer. Null where there is none.
 */
export function neighbour<T extends string | number>(
  edges: readonly IEnds<T>[],
  from: T,
  direction: Direction
): T | null {
  const consumers = (of: T): T[] => unique(edges.filter(e => e.source === of).map(e => e.target));
  const producers = (of: T): T[] => unique(edges.filter(e => e.target === of).map(e => e.source));
  if (direction === 'down') {
    return consumers(from)[0] ?? null;
  }
  if (direction === 'up') {
    return producers(from)[0] ?? null;
  }
  const parents = producers(from);
  const children = consumers(from);
  const order = new Map(edges.flatMap(e => [e.source, e.target]).map((id, at) => [id, at]));
  const beside = unique([...parents.flatMap(consumers), ...children.flatMap(producers)]).sort((a, b) =>
    typeof a === 'number' && typeof b === 'number' ? a - b : (order.get(a) ?? 0) - (order.get(b) ?? 0)
  );
  const at = beside.indexOf(from);
  return at < 0 ? null : (beside[direction === 'left' ? at - 1 : at + 1] ?? null);
}

function unique<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}

/** Text on an edge: the blob's name, shortened, and its shape. */
export function edgeText(edge: GraphEdge): string {
  const name = edge.blob.length > 18 ? `${edge.blob.slice(0, 17)}…` : edge.blob;
  return edge.shape.length === 0 ? `${name} · scalar` : `${name} · ${edge.shape.join('×')}`;
}
