// Generated from caffe_nb/inspector/messages.py by `python -m caffe_nb.inspector.generate`. Do not edit.

export const HELLO_TARGET = 'caffe_nb.hello';
export const REQUEST_TARGET = 'caffe_nb.request';
export const PUSH_TARGET = 'caffe_nb.push';
export const MAX_VIEW_BYTES = 262144;

/** One live net. */
export interface NetInfo {
  /** Unique in the kernel's life. */
  id: string;
  name: string;
  phase: 'TEST' | 'TRAIN';
  /** Number of layers, inserted splits not counted. */
  layers: number;
  running: boolean;
}

/** A bottom, a top or a parameter of a layer, as something to look into. */
export interface BlobInfo {
  /** The blob's name; for parameters, `weight`, `bias` or `param 2`. */
  name: string;
  /** What `GetTensor` takes: `blob:NAME`, `param:LAYER_INDEX:PARAM_INDEX` or, for a top without a name, `top:LAYER_INDEX:TOP_INDEX`. A gradient of the layer's last check is `check:LAYER_INDEX:ROW:WHICH`, WHICH being `backward`, `differences` or `error`. */
  ref: string;
  shape: number[];
  /** Whether backward computes its diff. */
  has_diff: boolean;
}

/** Where a Python layer's code stands. */
export interface Source {
  /** File name as Python gives it; empty for a class made in the notebook. */
  path: string;
  /** 1-based line of the class. */
  line: number;
  module: string;
  qualname: string;
}

/** Why a layer failed, or why an edit of it was refused. */
export interface LayerError {
  /** First line: exception type and text. */
  message: string;
  /** Plain text, the user's frames. */
  traceback: string;
  path: string;
  line: number;
  /** True: an edit was refused and the old code runs on. False: the layer itself raised. */
  refused: boolean;
}

/** One version of a Python layer's code. */
export interface VersionInfo {
  /** From 1. */
  number: number;
  /** What changed, in words. */
  what: string;
  /** How long ago it was taken up. */
  seconds: number;
  /** Whether its code is that of the version that runs. */
  same: boolean;
}

/** Gradient check of one bottom or parameter. */
export interface CheckRow {
  /** `bottom[0]`, `param[1]`. */
  where: string;
  shape: number[];
  /** Greatest relative error; null where it is not finite. */
  max_error: number | null;
  /** Index of the worst element. */
  worst: number[];
  /** What backward gave there; null where it is not finite. */
  analytic: number | null;
  /** What central differences gave there; null where it is not finite. */
  numeric: number | null;
  /** Also true for a row that was skipped. */
  ok: boolean;
  /** Whether it was not checked: it takes no gradient, and the numbers mean nothing. */
  skipped: boolean;
  /** Why it was skipped, or what else was seen; else empty. */
  note: string;
  /** Whether all elements were compared at once along a random line: the numbers are of the slope along it. */
  line: boolean;
}

/** A mistake that a gradient check found. */
export interface Finding {
  /** As `sign`, `scale` or `stale-state`. */
  kind: string;
  /** `bottom[0]`, `param[1]` or `top[0]`; empty for the layer as a whole. */
  where: string;
  /** What is wrong, on what evidence, and what to try. */
  message: string;
}

/** Result of a layer's last gradient check. */
export interface Check {
  ok: boolean;
  rows: CheckRow[];
  /** One line for people. */
  message: string;
  /** The most certain first. */
  findings: Finding[];
  /** File of the layer's backward; empty where there is none to open. */
  path: string;
  /** 1-based line of it. */
  line: number;
}

/** What changes about a layer while the net lives; sent whole when any of it changes. */
export interface LayerState {
  index: number;
  /** Version of a Python layer's code, from 1; 0 for built-in types. */
  version: number;
  /** What the last swap said, or an empty string. */
  note: string;
  error: LayerError | null;
  check: Check | null;
}

/** One layer in the graph. */
export interface GraphNode {
  /** Index in `net.layers`; inserted splits have no node. */
  index: number;
  name: string;
  type: string;
  /** `module.Class` for Python layers, else empty. */
  python: string;
  tops: BlobInfo[];
  bottoms: BlobInfo[];
  params: BlobInfo[];
  in_place: boolean;
  needs_backward: boolean;
  /** Of the first weighted top; 0 for layers that are no loss. */
  loss_weight: number;
  /** 1-based line in the prototxt; 0 when unknown. */
  line: number;
  /** Whether it has parameters, and the text says of each that it learns nothing (lr_mult 0). */
  frozen: boolean;
  /** For each parameter the name under which other layers have it, too; empty for one that is its own. */
  shared: string[];
  /** The only phase that has the layer, by its rules; empty for one of both. */
  phase: '' | 'TEST' | 'TRAIN';
}

/** A blob on its way from the layer that wrote it to one that reads it. */
export interface GraphEdge {
  source: number;
  target: number;
  blob: string;
  shape: number[];
}

/** Exact figures of a whole blob; min, max, mean and std are over its finite elements, 0 where there are none. */
export interface Statistics {
  count: number;
  min: number;
  max: number;
  mean: number;
  std: number;
  zeros: number;
  negatives: number;
  nans: number;
  positive_infinities: number;
  negative_infinities: number;
}

/** The layer that is running now. */
export interface Current {
  index: number;
  direction: 'backward' | 'forward';
  /** For how long it has been running. */
  seconds: number;
}

/** Smoothed time of a layer, milliseconds; 0 before the first pass. */
export interface LayerTime {
  index: number;
  forward: number;
  backward: number;
}

/** Ask for all live nets. */
export interface ListNets {
  kind: 'list_nets';
}

/** Ask for a net's graph and all its layers' states. */
export interface GetGraph {
  kind: 'get_graph';
  net: string;
}

/** Ask for a view of a blob, at most MAX_VIEW_BYTES of values. */
export interface GetTensor {
  kind: 'get_tensor';
  net: string;
  ref: string;
  part: 'data' | 'diff';
  /** One position an axis; used for the axes that are not shown. Missing or too large ones are clamped. */
  index?: number[];
}

/** Ask where a Python layer's code stands, and for its text. */
export interface GetSource {
  kind: 'get_source';
  net: string;
  layer: number;
}

/** Run a gradient check of a layer on the net's own blobs. */
export interface CheckLayer {
  kind: 'check_layer';
  net: string;
  layer: number;
}

/** Write a layer's last gradient check as a pytest file into the kernel's folder. */
export interface ExportCheck {
  kind: 'export_check';
  net: string;
  layer: number;
}

/** Ask for the versions of a Python layer's code. */
export interface GetVersions {
  kind: 'get_versions';
  net: string;
  layer: number;
}

/** Ask what changed between two versions of a Python layer's code. */
export interface CompareVersions {
  kind: 'compare_versions';
  net: string;
  layer: number;
  old: number;
  new: number;
}

/** Let an older version of a Python layer's code run again; the answer is `Versions`. */
export interface RollBack {
  kind: 'roll_back';
  net: string;
  layer: number;
  version: number;
}

/** All live nets; also pushed when one comes or goes. `inspect` is the net that %caffe_inspect asked to show. */
export interface NetList {
  kind: 'net_list';
  nets: NetInfo[];
  inspect: string | null;
}

/** A net's graph. `revision` changes when shapes or layers do; pushes carry it too. */
export interface Graph {
  kind: 'graph';
  net: string;
  revision: number;
  nodes: GraphNode[];
  edges: GraphEdge[];
  states: LayerState[];
}

/**
 * A view of a blob: `tiles` pictures of `rows` by `cols` values in the first buffer, in C order.
 *
 * Where a picture would be too large, each value is the mean of a block of elements; `statistics` are exact.
 */
export interface Tensor {
  kind: 'tensor';
  net: string;
  ref: string;
  part: 'data' | 'diff';
  shape: number[];
  dtype: string;
  /** Axes shown as tiles, rows and columns; -1 for one that the blob does not have. */
  axes: number[];
  /** Position used on each axis; meaningful for the axes not in `axes`. */
  index: number[];
  tiles: number;
  rows: number;
  cols: number;
  /** Whether values are means of blocks, or tiles were left out. */
  reduced: boolean;
  statistics: Statistics;
  /** The blob's write count when it was read. */
  version: number;
}

/** The code of a Python layer. */
export interface SourceText {
  kind: 'source_text';
  source: Source;
  text: string;
}

/** The versions of a Python layer's code, oldest first; the last one runs. */
export interface Versions {
  kind: 'versions';
  net: string;
  layer: number;
  versions: VersionInfo[];
}

/** Answer to `CompareVersions`: a unified diff, empty where both are the same. */
export interface Difference {
  kind: 'difference';
  old: number;
  new: number;
  text: string;
}

/** Answer to `CheckLayer`. */
export interface Checked {
  kind: 'checked';
  net: string;
  layer: number;
  check: Check;
}

/** Answer to `ExportCheck`. */
export interface Exported {
  kind: 'exported';
  /** The file that was written, whole. */
  path: string;
}

/** A request that could not be served, in words for people. */
export interface Failed {
  kind: 'failed';
  message: string;
}

/**
 * The state of a net, coalesced: at most ten a second a net, the last one always sent.
 *
 * `states` holds the layers whose state changed since the last push, `times` those whose time changed notably; all of them in the first push to a new watcher.
 */
export interface NetUpdate {
  kind: 'net_update';
  net: string;
  revision: number;
  running: boolean;
  /** Whether a solver drives the net. */
  solver: boolean;
  iteration: number;
  /** 0 when unknown, and when the solver runs on beyond it. */
  max_iterations: number;
  /** Smoothed loss of the last iteration; null before the first, or when it is not finite. */
  loss: number | null;
  /** Grows whenever blobs may have changed: what is shown should be pulled again. */
  stamp: number;
  current: Current | null;
  times: LayerTime[];
  states: LayerState[];
  /** Layers whose tops are older than an edit of their code, or of the code of a layer before them. */
  stale: number[];
}

export type Request =
  | ListNets
  | GetGraph
  | GetTensor
  | GetSource
  | CheckLayer
  | ExportCheck
  | GetVersions
  | CompareVersions
  | RollBack;

export type Reply =
  | NetList
  | Graph
  | Tensor
  | SourceText
  | Checked
  | Exported
  | Versions
  | Difference
  | Failed;

export type Push = NetList | NetUpdate;

/** A message that is not what the protocol says; `path` is the offending field. */
export class ProtocolError extends Error {
  constructor(
    readonly path: string,
    expected: string,
    found: unknown
  ) {
    super(`${path}: expected ${expected}, got ${describe(found)}`);
    this.name = 'ProtocolError';
  }
}

type Reader<T> = (value: unknown, path: string) => T;
type Field = <T>(name: string, read: Reader<T>) => T;

function describe(value: unknown): string {
  if (value === null) {
    return 'null';
  }
  if (typeof value === 'string' || typeof value === 'number') {
    return JSON.stringify(value).slice(0, 60);
  }
  return Array.isArray(value) ? 'a list' : typeof value;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fields(value: unknown, path: string): Field {
  if (!isRecord(value)) {
    throw new ProtocolError(path, 'an object', value);
  }
  return (name, read) => read(value[name], `${path}.${name}`);
}

const readString: Reader<string> = (value, path) => {
  if (typeof value !== 'string') {
    throw new ProtocolError(path, 'a string', value);
  }
  return value;
};

const readBoolean: Reader<boolean> = (value, path) => {
  if (typeof value !== 'boolean') {
    throw new ProtocolError(path, 'true or false', value);
  }
  return value;
};

const readNumber: Reader<number> = (value, path) => {
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    throw new ProtocolError(path, 'a number', value);
  }
  return value;
};

const readInteger: Reader<number> = (value, path) => {
  if (typeof value !== 'number' || !Number.isInteger(value)) {
    throw new ProtocolError(path, 'a whole number', value);
  }
  return value;
};

function literal<const T extends readonly string[]>(...known: T): Reader<T[number]> {
  return (value, path) => {
    const found = known.find(word => word === value);
    if (found === undefined) {
      throw new ProtocolError(path, known.map(word => `'${word}'`).join(' or '), value);
    }
    return found;
  };
}

function listOf<T>(read: Reader<T>): Reader<T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) {
      throw new ProtocolError(path, 'a list', value);
    }
    return value.map((item: unknown, index) => read(item, `${path}[${index}]`));
  };
}

function nullable<T>(read: Reader<T>): Reader<T | null> {
  return (value, path) => (value === null ? null : read(value, path));
}

const readNetInfo: Reader<NetInfo> = (value, path) => {
  const field = fields(value, path);
  return {
    id: field('id', readString),
    name: field('name', readString),
    phase: field('phase', literal('TEST', 'TRAIN')),
    layers: field('layers', readInteger),
    running: field('running', readBoolean)
  };
};

const readBlobInfo: Reader<BlobInfo> = (value, path) => {
  const field = fields(value, path);
  return {
    name: field('name', readString),
    ref: field('ref', readString),
    shape: field('shape', listOf(readInteger)),
    has_diff: field('has_diff', readBoolean)
  };
};

const readSource: Reader<Source> = (value, path) => {
  const field = fields(value, path);
  return {
    path: field('path', readString),
    line: field('line', readInteger),
    module: field('module', readString),
    qualname: field('qualname', readString)
  };
};

const readLayerError: Reader<LayerError> = (value, path) => {
  const field = fields(value, path);
  return {
    message: field('message', readString),
    traceback: field('traceback', readString),
    path: field('path', readString),
    line: field('line', readInteger),
    refused: field('refused', readBoolean)
  };
};

const readVersionInfo: Reader<VersionInfo> = (value, path) => {
  const field = fields(value, path);
  return {
    number: field('number', readInteger),
    what: field('what', readString),
    seconds: field('seconds', readNumber),
    same: field('same', readBoolean)
  };
};

const readCheckRow: Reader<CheckRow> = (value, path) => {
  const field = fields(value, path);
  return {
    where: field('where', readString),
    shape: field('shape', listOf(readInteger)),
    max_error: field('max_error', nullable(readNumber)),
    worst: field('worst', listOf(readInteger)),
    analytic: field('analytic', nullable(readNumber)),
    numeric: field('numeric', nullable(readNumber)),
    ok: field('ok', readBoolean),
    skipped: field('skipped', readBoolean),
    note: field('note', readString),
    line: field('line', readBoolean)
  };
};

const readFinding: Reader<Finding> = (value, path) => {
  const field = fields(value, path);
  return {
    kind: field('kind', readString),
    where: field('where', readString),
    message: field('message', readString)
  };
};

const readCheck: Reader<Check> = (value, path) => {
  const field = fields(value, path);
  return {
    ok: field('ok', readBoolean),
    rows: field('rows', listOf(readCheckRow)),
    message: field('message', readString),
    findings: field('findings', listOf(readFinding)),
    path: field('path', readString),
    line: field('line', readInteger)
  };
};

const readLayerState: Reader<LayerState> = (value, path) => {
  const field = fields(value, path);
  return {
    index: field('index', readInteger),
    version: field('version', readInteger),
    note: field('note', readString),
    error: field('error', nullable(readLayerError)),
    check: field('check', nullable(readCheck))
  };
};

const readGraphNode: Reader<GraphNode> = (value, path) => {
  const field = fields(value, path);
  return {
    index: field('index', readInteger),
    name: field('name', readString),
    type: field('type', readString),
    python: field('python', readString),
    tops: field('tops', listOf(readBlobInfo)),
    bottoms: field('bottoms', listOf(readBlobInfo)),
    params: field('params', listOf(readBlobInfo)),
    in_place: field('in_place', readBoolean),
    needs_backward: field('needs_backward', readBoolean),
    loss_weight: field('loss_weight', readNumber),
    line: field('line', readInteger),
    frozen: field('frozen', readBoolean),
    shared: field('shared', listOf(readString)),
    phase: field('phase', literal('', 'TEST', 'TRAIN'))
  };
};

const readGraphEdge: Reader<GraphEdge> = (value, path) => {
  const field = fields(value, path);
  return {
    source: field('source', readInteger),
    target: field('target', readInteger),
    blob: field('blob', readString),
    shape: field('shape', listOf(readInteger))
  };
};

const readStatistics: Reader<Statistics> = (value, path) => {
  const field = fields(value, path);
  return {
    count: field('count', readInteger),
    min: field('min', readNumber),
    max: field('max', readNumber),
    mean: field('mean', readNumber),
    std: field('std', readNumber),
    zeros: field('zeros', readInteger),
    negatives: field('negatives', readInteger),
    nans: field('nans', readInteger),
    positive_infinities: field('positive_infinities', readInteger),
    negative_infinities: field('negative_infinities', readInteger)
  };
};

const readCurrent: Reader<Current> = (value, path) => {
  const field = fields(value, path);
  return {
    index: field('index', readInteger),
    direction: field('direction', literal('backward', 'forward')),
    seconds: field('seconds', readNumber)
  };
};

const readLayerTime: Reader<LayerTime> = (value, path) => {
  const field = fields(value, path);
  return {
    index: field('index', readInteger),
    forward: field('forward', readNumber),
    backward: field('backward', readNumber)
  };
};

const readNetList: Reader<NetList> = (value, path) => {
  const field = fields(value, path);
  return {
    kind: field('kind', literal('net_list')),
    nets: field('nets', listOf(readNetInfo)),
    inspect: field('inspect', nullable(readString))
  };
};

const readGraph: Reader<Graph> = (value, path) => {
  const field = fields(value, path);
  return {
    kind: field('kind', literal('graph')),
    net: field('net', readString),
    revision: field('revision', readInteger),
    nodes: field('nodes', listOf(readGraphNode)),
    edges: field('edges', listOf(readGraphEdge)),
    states: field('states', listOf(readLayerState))
  };
};

const readTensor: Reader<Tensor> = (value, path) => {
  const field = fields(value, path);
  return {
    kind: field('kind', literal('tensor')),
    net: field('net', readString),
    ref: field('ref', readString),
    part: field('part', literal('data', 'diff')),
    shape: field('shape', listOf(readInteger)),
    dtype: field('dtype', readString),
    axes: field('axes', listOf(readInteger)),
    index: field('index', listOf(readInteger)),
    tiles: field('tiles', readInteger),
    rows: field('rows', readInteger),
    cols: field('cols', readInteger),
    reduced: field('reduced', readBoolean),
    statistics: field('statistics', readStatistics),
    version: field('version', readInteger)
  };
};

const readSourceText: Reader<SourceText> = (value, path) => {
  const field = fields(value, path);
  return {
    kind: field('kind', literal('source_text')),
    source: field('source', readSource),
    text: field('text', readString)
  };
};

const readVersions: Reader<Versions> = (value, path) => {
  const field = fields(value, path);
  return {
    kind: field('kind', literal('versions')),
    net: field('net', readString),
    layer: field('layer', readInteger),
    versions: field('versions', listOf(readVersionInfo))
  };
};

const readDifference: Reader<Difference> = (value, path) => {
  const field = fields(value, path);
  return {
    kind: field('kind', literal('difference')),
    old: field('old', readInteger),
    new: field('new', readInteger),
    text: field('text', readString)
  };
};

const readChecked: Reader<Checked> = (value, path) => {
  const field = fields(value, path);
  return {
    kind: field('kind', literal('checked')),
    net: field('net', readString),
    layer: field('layer', readInteger),
    check: field('check', readCheck)
  };
};

const readExported: Reader<Exported> = (value, path) => {
  const field = fields(value, path);
  return {
    kind: field('kind', literal('exported')),
    path: field('path', readString)
  };
};

const readFailed: Reader<Failed> = (value, path) => {
  const field = fields(value, path);
  return {
    kind: field('kind', literal('failed')),
    message: field('message', readString)
  };
};

const readNetUpdate: Reader<NetUpdate> = (value, path) => {
  const field = fields(value, path);
  return {
    kind: field('kind', literal('net_update')),
    net: field('net', readString),
    revision: field('revision', readInteger),
    running: field('running', readBoolean),
    solver: field('solver', readBoolean),
    iteration: field('iteration', readInteger),
    max_iterations: field('max_iterations', readInteger),
    loss: field('loss', nullable(readNumber)),
    stamp: field('stamp', readInteger),
    current: field('current', nullable(readCurrent)),
    times: field('times', listOf(readLayerTime)),
    states: field('states', listOf(readLayerState)),
    stale: field('stale', listOf(readInteger))
  };
};

/** Return `value` as a reply, checked field by field; throws ProtocolError. */
export function parseReply(value: unknown): Reply {
  const kind = fields(value, 'reply')(
    'kind',
    literal('net_list', 'graph', 'tensor', 'source_text', 'checked', 'exported', 'versions', 'difference', 'failed')
  );
  switch (kind) {
    case 'net_list':
      return readNetList(value, 'reply');
    case 'graph':
      return readGraph(value, 'reply');
    case 'tensor':
      return readTensor(value, 'reply');
    case 'source_text':
      return readSourceText(value, 'reply');
    case 'checked':
      return readChecked(value, 'reply');
    case 'exported':
      return readExported(value, 'reply');
    case 'versions':
      return readVersions(value, 'reply');
    case 'difference':
      return readDifference(value, 'reply');
    case 'failed':
      return readFailed(value, 'reply');
  }
}

/** Return `value` as a push, checked field by field; throws ProtocolError. */
export function parsePush(value: unknown): Push {
  const kind = fields(value, 'push')('kind', literal('net_list', 'net_update'));
  switch (kind) {
    case 'net_list':
      return readNetList(value, 'push');
    case 'net_update':
      return readNetUpdate(value, 'push');
  }
}
