// Generated from caffe_nb/inspector/messages.py by `python -m caffe_nb.inspector.generate`. Do not edit.

export const VERSION = '0.1.0';
export const HELLO_TARGET = 'caffe_nb.hello';
export const REQUEST_TARGET = 'caffe_nb.request';
export const PUSH_TARGET = 'caffe_nb.push';
export const MAX_VIEW_BYTES = 262144;
export const MAX_LOOKS = 16;
export const HEALTH_ZERO = -100000;
export const HEALTH_BAD = 100000;

/** The colours of tensors in a light theme. */
export const LIGHT = {
  positive: [
    [247, 247, 247],
    [248, 190, 160],
    [222, 110, 84],
    [180, 34, 46],
    [104, 4, 30]
  ],
  negative: [
    [247, 247, 247],
    [166, 206, 230],
    [84, 154, 202],
    [36, 100, 170],
    [8, 46, 94]
  ],
  above: [52, 0, 34],
  below: [0, 14, 52],
  nought: [222, 222, 222],
  nan: [224, 32, 208],
  positiveInfinity: [255, 196, 0],
  negativeInfinity: [0, 190, 170]
} as const;

/** The colours of tensors in a dark theme. */
export const DARK = {
  positive: [
    [34, 34, 36],
    [104, 38, 34],
    [190, 72, 54],
    [242, 144, 104],
    [255, 226, 204]
  ],
  negative: [
    [34, 34, 36],
    [28, 62, 106],
    [46, 116, 184],
    [112, 178, 228],
    [214, 238, 252]
  ],
  above: [255, 246, 150],
  below: [170, 255, 246],
  nought: [64, 64, 68],
  nan: [224, 32, 208],
  positiveInfinity: [255, 196, 0],
  negativeInfinity: [0, 190, 170]
} as const;

/** The colours of categories. */
export const CATEGORIES = [
  [120, 120, 124],
  [31, 119, 180],
  [255, 127, 14],
  [44, 160, 44],
  [214, 39, 40],
  [148, 103, 189],
  [140, 86, 75],
  [227, 119, 194],
  [188, 189, 34],
  [23, 190, 207],
  [90, 74, 160],
  [174, 199, 232],
  [255, 187, 120],
  [152, 223, 138],
  [255, 152, 150],
  [197, 176, 213],
  [196, 156, 148],
  [247, 182, 210],
  [219, 219, 141],
  [158, 218, 229]
] as const;

/** A layer that raised, or an edit of which was refused. */
export interface FailedLayer {
  name: string;
  /** First line: exception type and text. */
  message: string;
}

/** One live net. */
export interface NetInfo {
  /** Unique in the kernel's life. */
  id: string;
  name: string;
  phase: 'TEST' | 'TRAIN';
  /** Number of layers, inserted splits not counted. */
  layers: number;
  running: boolean;
  /** Id of the net that its solver trains, which may be itself; empty where no solver drives it. */
  trained: string;
  /** Its number among its solver's test nets; -1 for others. */
  test_net: number;
  /** The first layer in error. */
  failed: FailedLayer | null;
}

/** A bottom, a top or a parameter of a layer, as something to look into. */
export interface BlobInfo {
  /** The blob's name; for parameters, `weight`, `bias` or `param 2`. */
  name: string;
  /** What a `Look` takes: `blob:NAME`, `param:LAYER_INDEX:PARAM_INDEX` or, for a top without a name, `top:LAYER_INDEX:TOP_INDEX`. What a layer leaves in a blob on which a later one works in place is `left:LAYER_INDEX:NAME`; what the last of them leaves is `blob:NAME`. A gradient of the layer's last check is `check:LAYER_INDEX:ROW:WHICH`, WHICH being `backward`, `differences` or `error`. */
  ref: string;
  shape: number[];
  /** Whether backward computes its diff. */
  has_diff: boolean;
}

/** What is wanted of a blob: data or diff, a position on each axis, the axes shown, and whether as images. */
export interface Look {
  ref: string;
  part: 'data' | 'diff';
  /** One position an axis; used for the axes that are not shown. Missing or too large ones are clamped. */
  index?: number[];
  /** The axes to show as tiles, rows and columns, -1 for none; empty for the usual ones. */
  axes?: number[];
  /** Whether a blob of shape (N, 1 or 3, H, W) is wanted as images, with their channels together. */
  picture?: boolean;
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
  /** Whether `caffe_nb.stop_at_nan` stopped a run here. */
  not_finite: boolean;
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
  /** Of the first weighted top; 0 for layers that are no loss, null for one that is not finite. */
  loss_weight: number | null;
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
  /** The distinct values of a blob of whole numbers, ascending, where there are 2 to 20; else empty. */
  categories: number[];
}

/** One element of a blob. */
export interface Element {
  index: number[];
  /** null where it is not finite. */
  value: number | null;
  /** What it is where it is not finite. */
  sign: '' | '+inf' | '-inf' | 'nan';
}

/** The layer that is running now. */
export interface Current {
  index: number;
  direction: 'backward' | 'forward';
  /** For how long it has been running. */
  seconds: number;
}

/** Smoothed time of a layer, milliseconds; 0 before the first pass, and where another layer's has it. */
export interface LayerTime {
  index: number;
  forward: number;
  backward: number;
  /** Name of the layer with which it runs as one, and whose time is that of both; empty for none. */
  within: string;
}

/** A layer in one of the two passes. */
export interface Place {
  index: number;
  direction: 'backward' | 'forward';
}

/** Where a running net is held, before or after a layer. */
export interface Held {
  index: number;
  direction: 'backward' | 'forward';
  /** Whether the layer has just run; else it comes next. */
  after: boolean;
  /** Why, in words. */
  why: string;
}

/** When a running net is to be held. */
export interface Breaks {
  /** Before these layers, in both passes. */
  layers: number[];
  /** After a layer that wrote NaN or infinity into a top, or into a diff. */
  not_finite: boolean;
  /** After a layer that wrote a diff larger than this. */
  limit: number | null;
  /** Before the solver's iteration of this number; once. */
  iteration: number | null;
}

/** How much of a curve the panel has. */
export interface Known {
  /** Its id. */
  curve: string;
  generation: number;
  stamp: number;
}

/**
 * A scalar of a training by iteration: all of its points, or those that are new.
 *
 * A point stands for a stretch of iterations; the last one known may come again with more iterations in it.
 */
export interface Curve {
  id: string;
  /** The top's name. */
  name: string;
  kind: 'loss' | 'rate' | 'test' | 'train';
  /** Index of the test net; 0 for others. */
  test_net: number;
  /** Whether these points take the place of all that are known. */
  whole: boolean;
  generation: number;
  stamp: number;
  /** First iteration of every stretch. */
  at: number[];
  /** null where nothing was finite. */
  means: (number | null)[];
  lows: (number | null)[];
  highs: (number | null)[];
}

/** A row of the health strip. */
export interface HealthLayer {
  index: number;
  name: string;
}

/** A sample of all rows of the health strip. */
export interface HealthColumn {
  /** Counts samples up. */
  number: number;
  iteration: number;
  /** Hundredths of the logarithm to base 10, one a row; HEALTH_ZERO where all is 0, HEALTH_BAD for NaN and Inf. */
  values: number[];
}

/** A layer that holds values which are not finite. */
export interface BadLayer {
  index: number;
  /** NaN where there is any. */
  value: 'Inf' | 'NaN';
  /** As `top 'ip1'` or `the diff of parameter 0`; the last one may count the rest. */
  places: string[];
}

/** How large a layer's gradient is. */
export interface LayerGradient {
  index: number;
  /** Mean magnitude of its tops' diffs, as in a `HealthColumn`. */
  code: number;
}

/** The first value that was not finite, at which a run stopped. */
export interface BadTensor {
  layer: number;
  name: string;
  /** As `top 'ip1'` or `parameter 0`. */
  blob: string;
  part: 'data' | 'diff';
  index: number[];
  value: '+Inf' | '-Inf' | 'NaN';
  count: number;
  method: 'backward' | 'forward' | 'update';
  iteration: number | null;
}

/** How far a solver can be put back. */
export interface KeptIterations {
  iterations: number;
  /** How many fit. */
  most: number;
  bytes: number;
  limit: number;
}

/** One of several processes that train a net together, in its last iteration. */
export interface Rank {
  name: string;
  /** Of its share of the batch; null where it is no number. */
  loss: number | null;
  /** Of work. */
  seconds: number;
  /** Seconds of waiting for the others. */
  wait: number;
}

/** What is switched on for a training, and what came of it. */
export interface Training {
  stop_at_nan: boolean;
  bad: BadTensor | null;
  /** null where no iterations are kept. */
  kept: KeptIterations | null;
  /** Name of the layer at which a pass is paused, or empty. */
  paused: string;
  /** By rank; empty where one process trains. */
  ranks: Rank[];
}

/** Ask for what is new in the curves of the solver that drives a net. */
export interface GetHistory {
  kind: 'get_history';
  net: string;
  /** The history that `known` is about; empty at first. */
  key?: string;
  known?: Known[];
}

/** Ask for new columns of a net's health strip; samples are taken for a few seconds after this. */
export interface GetHealth {
  kind: 'get_health';
  net: string;
  /** Mean magnitude of the tops' diffs or of the parameters', or that of the updates over that of the weights. */
  measure: 'params' | 'tops' | 'updates';
  /** The samples that `since` is about; empty at first. */
  key?: string;
  /** Number of the last column that is known. */
  since?: number;
}

/** Ask how the layers of a net are now. A running net is looked through bit by bit, as often as that is asked. */
export interface GetLayerHealth {
  kind: 'get_layer_health';
  net: string;
  /** Whether the size of the gradients is wanted, too. */
  gradients?: boolean;
}

/** Switch `caffe_nb.stop_at_nan` or `caffe_nb.keep_iterations` on or off; the answer is `TrainingState`. */
export interface SetTraining {
  kind: 'set_training';
  net: string;
  /** null leaves it as it is. */
  stop_at_nan?: boolean | null;
  keep?: boolean | null;
  /** How much memory kept iterations may take. */
  megabytes?: number;
}

/** Go back by so many iterations; the answer is `TrainingState`. */
export interface Rewind {
  kind: 'rewind';
  net: string;
  iterations: number;
}

/** The curves of a solver; those without news come without points. */
export interface History {
  kind: 'history';
  net: string;
  /** Another key than before: what is known is of another solver, or kernel. Empty where no solver drives the net. */
  key: string;
  iteration: number;
  curves: Curve[];
  /** Whether there is more than one answer holds: ask again. */
  more: boolean;
  training: Training;
}

/** Columns of a health strip, oldest first. */
export interface Health {
  kind: 'health';
  net: string;
  /** Another key than before: what is known is of other layers. Empty where no solver trains the net. */
  key: string;
  measure: 'params' | 'tops' | 'updates';
  layers: HealthLayer[];
  columns: HealthColumn[];
  more: boolean;
}

/** Answer to `GetLayerHealth`; also of nets that no solver trains. */
export interface LayerHealth {
  kind: 'layer_health';
  net: string;
  bad: BadLayer[];
  /** Of the layers through which backward has gone. */
  gradients: LayerGradient[];
  /** Whether all of it is of now; else ask again. */
  whole: boolean;
}

/** What is switched on now. */
export interface TrainingState {
  kind: 'training_state';
  net: string;
  iteration: number;
  training: Training;
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

/** Ask for views of blobs, all of one moment; each has at most MAX_VIEW_BYTES of values. */
export interface GetTensors {
  kind: 'get_tensors';
  net: string;
  looks: Look[];
}

/** Ask for the histogram and the largest elements of a whole blob. */
export interface GetDistribution {
  kind: 'get_distribution';
  net: string;
  ref: string;
  part: 'data' | 'diff';
}

/** Ask where a Python layer's code stands, and for its text. */
export interface GetSource {
  kind: 'get_source';
  net: string;
  layer: number;
}

/** Ask for a layer's prototxt and what its type computes. */
export interface GetLayerText {
  kind: 'get_layer_text';
  net: string;
  layer: number;
}

/** Give a live Python layer another param_str: its setup runs again. The answer is `LayerText`. */
export interface SetParamStr {
  kind: 'set_param_str';
  net: string;
  layer: number;
  text: string;
}

/** Run a gradient check of a layer on the net's own blobs; with `full` each element by itself, where time allows. */
export interface CheckLayer {
  kind: 'check_layer';
  net: string;
  layer: number;
  full?: boolean;
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

/** Run, hold or stop a net; the answer is `Driven`, at once, and what comes of it is pushed. */
export interface Drive {
  kind: 'drive';
  net: string;
  action: 'backward' | 'forward' | 'pause' | 'resume' | 'run_from' | 'run_to' | 'step' | 'stop';
  /** For run_to and run_from. */
  layer?: number;
}

/** Say when the net is to be held; takes the place of what was said before. The answer is `Driven`. */
export interface SetBreaks {
  kind: 'set_breaks';
  net: string;
  breaks: Breaks;
}

/**
 * All live nets; also pushed when one comes, goes or fails.
 *
 * `inspect` is the net that %caffe_inspect asked to show.
 */
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

/** A request that could not be served, in words for people. */
export interface Failed {
  kind: 'failed';
  message: string;
}

/**
 * A view of a blob: `tiles` pictures of `rows` by `cols` values in a buffer of its own, in C order.
 *
 * Where a picture would be too large, each value is the mean of a block of elements, or the first of a block where the blob has categories; `statistics` are exact.
 */
export interface Tensor {
  kind: 'tensor';
  net: string;
  ref: string;
  part: 'data' | 'diff';
  shape: number[];
  dtype: string;
  /** Axes shown as tiles, rows and columns; -1 for one that the blob does not have, or that was not wanted. */
  axes: number[];
  /** 0; or, for images, how many planes each tile has, 1 or 3: values are tiles by channels by rows by columns. */
  channels: number;
  /** Position used on each axis; meaningful for the axes not in `axes`. */
  index: number[];
  tiles: number;
  rows: number;
  cols: number;
  /** Whether values stand for blocks, or tiles were left out. */
  reduced: boolean;
  /** Rows and columns of a block; the last of a side may be smaller. */
  block: number[];
  statistics: Statistics;
  /** The blob's write count when it was read. */
  version: number;
  /** Where these are not the values of the layer that is asked about, since another one has written over them: that, in words. */
  note: string;
}

/** Answer to `GetTensors`: for each look a view or why there is none, and a buffer, empty where there is none. */
export interface Tensors {
  kind: 'tensors';
  net: string;
  views: (Tensor | Failed)[];
  /** Milliseconds of a processor's time that reading and reducing took: whoever asks again and again can bound it. */
  spent: number;
}

/** Answer to `GetDistribution`: every element of the blob is counted once. */
export interface Distribution {
  kind: 'distribution';
  net: string;
  ref: string;
  part: 'data' | 'diff';
  low: number;
  /** Where the bins begin and end: no further than 3 times the root mean square from zero. */
  high: number;
  /** Elements in bins of equal width, the last with its upper end; in each category where the blob has them. */
  counts: number[];
  below: number;
  /** Finite elements outside. */
  above: number;
  /** The first few that are not finite, then those of the largest magnitude. */
  largest: Element[];
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

/** A layer's prototxt. */
export interface LayerText {
  kind: 'layer_text';
  text: string;
  /** The docstring of its type or class: plain text. */
  doc: string;
  /** null for layers that take none. */
  param_str: string | null;
  /** What became of the last change, in words. */
  note: string;
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

/** Answer to `Drive` and `SetBreaks`: it is done, or has begun. */
export interface Driven {
  kind: 'driven';
  net: string;
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
  /** Where the net is held. */
  held: Held | null;
  /** What one step runs next, where the net is idle. */
  place: Place;
  breaks: Breaks;
  /** Layers whose tops are older than an edit of their code, or of the code of a layer before them. */
  stale: number[];
  /** What was copied between host and GPU since the net was made, in words; empty in CPU mode. */
  transfers: string;
}

export type Request =
  | ListNets
  | GetGraph
  | GetTensors
  | GetSource
  | GetDistribution
  | GetLayerText
  | SetParamStr
  | CheckLayer
  | ExportCheck
  | GetVersions
  | CompareVersions
  | RollBack
  | GetHistory
  | GetHealth
  | GetLayerHealth
  | SetTraining
  | Rewind
  | Drive
  | SetBreaks;

export type Reply =
  | NetList
  | Graph
  | Tensors
  | SourceText
  | Distribution
  | LayerText
  | Checked
  | Exported
  | Versions
  | Difference
  | History
  | Health
  | LayerHealth
  | TrainingState
  | Driven
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

function tagged<T>(readers: Readonly<Record<string, Reader<T>>>): Reader<T> {
  return (value, path) => {
    const kind = fields(value, path)('kind', literal(...Object.keys(readers)));
    return (readers[kind] as Reader<T>)(value, path);
  };
}

const readFailedLayer: Reader<FailedLayer> = (value, path) => {
  const field = fields(value, path);
  return {
    name: field('name', readString),
    message: field('message', readString)
  };
};

const readNetInfo: Reader<NetInfo> = (value, path) => {
  const field = fields(value, path);
  return {
    id: field('id', readString),
    name: field('name', readString),
    phase: field('phase', literal('TEST', 'TRAIN')),
    layers: field('layers', readInteger),
    running: field('running', readBoolean),
    trained: field('trained', readString),
    test_net: field('test_net', readInteger),
    failed: field('failed', nullable(readFailedLayer))
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
    refused: field('refused', readBoolean),
    not_finite: field('not_finite', readBoolean)
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
    loss_weight: field('loss_weight', nullable(readNumber)),
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
    negative_infinities: field('negative_infinities', readInteger),
    categories: field('categories', listOf(readInteger))
  };
};

const readElement: Reader<Element> = (value, path) => {
  const field = fields(value, path);
  return {
    index: field('index', listOf(readInteger)),
    value: field('value', nullable(readNumber)),
    sign: field('sign', literal('', '+inf', '-inf', 'nan'))
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
    backward: field('backward', readNumber),
    within: field('within', readString)
  };
};

const readPlace: Reader<Place> = (value, path) => {
  const field = fields(value, path);
  return {
    index: field('index', readInteger),
    direction: field('direction', literal('backward', 'forward'))
  };
};

const readHeld: Reader<Held> = (value, path) => {
  const field = fields(value, path);
  return {
    index: field('index', readInteger),
    direction: field('direction', literal('backward', 'forward')),
    after: field('after', readBoolean),
    why: field('why', readString)
  };
};

const readBreaks: Reader<Breaks> = (value, path) => {
  const field = fields(value, path);
  return {
    layers: field('layers', listOf(readInteger)),
    not_finite: field('not_finite', readBoolean),
    limit: field('limit', nullable(readNumber)),
    iteration: field('iteration', nullable(readInteger))
  };
};

const readCurve: Reader<Curve> = (value, path) => {
  const field = fields(value, path);
  return {
    id: field('id', readString),
    name: field('name', readString),
    kind: field('kind', literal('loss', 'rate', 'test', 'train')),
    test_net: field('test_net', readInteger),
    whole: field('whole', readBoolean),
    generation: field('generation', readInteger),
    stamp: field('stamp', readInteger),
    at: field('at', listOf(readInteger)),
    means: field('means', listOf(nullable(readNumber))),
    lows: field('lows', listOf(nullable(readNumber))),
    highs: field('highs', listOf(nullable(readNumber)))
  };
};

const readHealthLayer: Reader<HealthLayer> = (value, path) => {
  const field = fields(value, path);
  return {
    index: field('index', readInteger),
    name: field('name', readString)
  };
};

const readHealthColumn: Reader<HealthColumn> = (value, path) => {
  const field = fields(value, path);
  return {
    number: field('number', readInteger),
    iteration: field('iteration', readInteger),
    values: field('values', listOf(readInteger))
  };
};

const readBadLayer: Reader<BadLayer> = (value, path) => {
  const field = fields(value, path);
  return {
    index: field('index', readInteger),
    value: field('value', literal('Inf', 'NaN')),
    places: field('places', listOf(readString))
  };
};

const readLayerGradient: Reader<LayerGradient> = (value, path) => {
  const field = fields(value, path);
  return {
    index: field('index', readInteger),
    code: field('code', readInteger)
  };
};

const readBadTensor: Reader<BadTensor> = (value, path) => {
  const field = fields(value, path);
  return {
    layer: field('layer', readInteger),
    name: field('name', readString),
    blob: field('blob', readString),
    part: field('part', literal('data', 'diff')),
    index: field('index', listOf(readInteger)),
    value: field('value', literal('+Inf', '-Inf', 'NaN')),
    count: field('count', readInteger),
    method: field('method', literal('backward', 'forward', 'update')),
    iteration: field('iteration', nullable(readInteger))
  };
};

const readKeptIterations: Reader<KeptIterations> = (value, path) => {
  const field = fields(value, path);
  return {
    iterations: field('iterations', readInteger),
    most: field('most', readInteger),
    bytes: field('bytes', readInteger),
    limit: field('limit', readInteger)
  };
};

const readRank: Reader<Rank> = (value, path) => {
  const field = fields(value, path);
  return {
    name: field('name', readString),
    loss: field('loss', nullable(readNumber)),
    seconds: field('seconds', readNumber),
    wait: field('wait', readNumber)
  };
};

const readTraining: Reader<Training> = (value, path) => {
  const field = fields(value, path);
  return {
    stop_at_nan: field('stop_at_nan', readBoolean),
    bad: field('bad', nullable(readBadTensor)),
    kept: field('kept', nullable(readKeptIterations)),
    paused: field('paused', readString),
    ranks: field('ranks', listOf(readRank))
  };
};

const readHistory: Reader<History> = (value, path) => {
  const field = fields(value, path);
  return {
    kind: field('kind', literal('history')),
    net: field('net', readString),
    key: field('key', readString),
    iteration: field('iteration', readInteger),
    curves: field('curves', listOf(readCurve)),
    more: field('more', readBoolean),
    training: field('training', readTraining)
  };
};

const readHealth: Reader<Health> = (value, path) => {
  const field = fields(value, path);
  return {
    kind: field('kind', literal('health')),
    net: field('net', readString),
    key: field('key', readString),
    measure: field('measure', literal('params', 'tops', 'updates')),
    layers: field('layers', listOf(readHealthLayer)),
    columns: field('columns', listOf(readHealthColumn)),
    more: field('more', readBoolean)
  };
};

const readLayerHealth: Reader<LayerHealth> = (value, path) => {
  const field = fields(value, path);
  return {
    kind: field('kind', literal('layer_health')),
    net: field('net', readString),
    bad: field('bad', listOf(readBadLayer)),
    gradients: field('gradients', listOf(readLayerGradient)),
    whole: field('whole', readBoolean)
  };
};

const readTrainingState: Reader<TrainingState> = (value, path) => {
  const field = fields(value, path);
  return {
    kind: field('kind', literal('training_state')),
    net: field('net', readString),
    iteration: field('iteration', readInteger),
    training: field('training', readTraining)
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

const readFailed: Reader<Failed> = (value, path) => {
  const field = fields(value, path);
  return {
    kind: field('kind', literal('failed')),
    message: field('message', readString)
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
    channels: field('channels', readInteger),
    index: field('index', listOf(readInteger)),
    tiles: field('tiles', readInteger),
    rows: field('rows', readInteger),
    cols: field('cols', readInteger),
    reduced: field('reduced', readBoolean),
    block: field('block', listOf(readInteger)),
    statistics: field('statistics', readStatistics),
    version: field('version', readInteger),
    note: field('note', readString)
  };
};

const readTensors: Reader<Tensors> = (value, path) => {
  const field = fields(value, path);
  return {
    kind: field('kind', literal('tensors')),
    net: field('net', readString),
    views: field('views', listOf(tagged<Tensor | Failed>({ tensor: readTensor, failed: readFailed }))),
    spent: field('spent', readNumber)
  };
};

const readDistribution: Reader<Distribution> = (value, path) => {
  const field = fields(value, path);
  return {
    kind: field('kind', literal('distribution')),
    net: field('net', readString),
    ref: field('ref', readString),
    part: field('part', literal('data', 'diff')),
    low: field('low', readNumber),
    high: field('high', readNumber),
    counts: field('counts', listOf(readInteger)),
    below: field('below', readInteger),
    above: field('above', readInteger),
    largest: field('largest', listOf(readElement)),
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

const readLayerText: Reader<LayerText> = (value, path) => {
  const field = fields(value, path);
  return {
    kind: field('kind', literal('layer_text')),
    text: field('text', readString),
    doc: field('doc', readString),
    param_str: field('param_str', nullable(readString)),
    note: field('note', readString)
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

const readDriven: Reader<Driven> = (value, path) => {
  const field = fields(value, path);
  return {
    kind: field('kind', literal('driven')),
    net: field('net', readString)
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
    held: field('held', nullable(readHeld)),
    place: field('place', readPlace),
    breaks: field('breaks', readBreaks),
    stale: field('stale', listOf(readInteger)),
    transfers: field('transfers', readString)
  };
};

/** Return `value` as a reply, checked field by field; throws ProtocolError. */
export function parseReply(value: unknown): Reply {
  const kind = fields(value, 'reply')(
    'kind',
    literal('net_list', 'graph', 'tensors', 'source_text', 'distribution', 'layer_text', 'checked', 'exported', 'versions', 'difference', 'history', 'health', 'layer_health', 'training_state', 'driven', 'failed')
  );
  switch (kind) {
    case 'net_list':
      return readNetList(value, 'reply');
    case 'graph':
      return readGraph(value, 'reply');
    case 'tensors':
      return readTensors(value, 'reply');
    case 'source_text':
      return readSourceText(value, 'reply');
    case 'distribution':
      return readDistribution(value, 'reply');
    case 'layer_text':
      return readLayerText(value, 'reply');
    case 'checked':
      return readChecked(value, 'reply');
    case 'exported':
      return readExported(value, 'reply');
    case 'versions':
      return readVersions(value, 'reply');
    case 'difference':
      return readDifference(value, 'reply');
    case 'history':
      return readHistory(value, 'reply');
    case 'health':
      return readHealth(value, 'reply');
    case 'layer_health':
      return readLayerHealth(value, 'reply');
    case 'training_state':
      return readTrainingState(value, 'reply');
    case 'driven':
      return readDriven(value, 'reply');
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
