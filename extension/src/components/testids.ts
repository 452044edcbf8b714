/*
 * The data-testid values that browser tests rely on; nothing else in the DOM is promised to them.
 *
 * caffe-panel        the panel's content (data-state: the link's state; data-net: id of the net shown)
 * caffe-graph        the graph's area (data-layout: "ready" once laid out, "pending" before, "failed")
 * caffe-graph-node   one layer (data-layer: its name; data-index; data-version: 0 for built-in types; data-error and
 *                    data-selected, data-running, data-stale, data-held, data-break: "true" or "false"; data-check: "pass", "fail" or "none";
 *                    data-bad: "NaN", "Inf" or empty; data-heat: 0.00 to 1.00 under an overlay, or empty)
 * caffe-graph-group  a group (data-group: its id; data-open; data-count: its layers; data-worst: "error", "nan", "fail", "stale",
 *                    "running" or empty)
 * caffe-graph-search, caffe-graph-hits   the search and what it found
 * caffe-graph-overlay, caffe-graph-scale, caffe-graph-family (data-family, data-count)   what the colours mean
 * caffe-graph-path (data-count: layers on the way), caffe-graph-around, caffe-graph-map, caffe-graph-export (data-kind)
 * caffe-details      everything about the selected layer (data-layer: its name, empty when none is selected)
 * caffe-tab-*        the tabs of the details: tensors, gradients, source, training
 * caffe-tensor       one part of one blob (data-ref, data-part: "data" or "diff", data-version: the blob's version)
 * caffe-tensor-note  in one of these, whose values they are when they are not the layer's own
 * caffe-heatmap      its canvas
 * caffe-cursor       the value under the cursor
 * caffe-slider       slider of an axis that is not shown (data-axis); caffe-axis-*: the choice of tiles, rows, columns
 * caffe-blob         a blob's card (data-layer, data-pinned); caffe-pin: its pin
 * caffe-as-picture, caffe-channel-order   whether it is shown as images, and which channel is red
 * caffe-legend       what the colours mean (data-kind: "range", "categories" or "picture")
 * caffe-marked       the frame around the element that is marked
 * caffe-distribution what opens histogram and largest elements; caffe-histogram (data-count: finite elements);
 * caffe-largest      one of the largest elements (data-index, with spaces)
 * caffe-keep, caffe-forget, caffe-change (data-part)   a view kept, and what changed since
 * caffe-stat-*       the exact figures: min, max, mean, std, zeros, negatives, nans, infinities
 * caffe-transfers    what was copied between host and GPU, in words; there in GPU mode only
 * caffe-iteration    the solver's iteration, as a number; caffe-loss: its loss; caffe-running: "running" or "idle"
 * caffe-loss-curve   the curves' area (data-points: number of points of the loss; data-lines: number of curves drawn)
 * caffe-curve        switches a curve on and off (data-curve, data-points); caffe-curve-value: its value (data-curve)
 * caffe-log-scale, caffe-smoothing   how curves are drawn; caffe-no-curves: why there are none
 * caffe-health       the health strip (data-columns); caffe-measure: what it shows (data-measure); caffe-health-value
 * caffe-complaints   the layers that are not well (data-count); caffe-complaint selects one (data-layer)
 * caffe-bad          where a run stopped because of a NaN (data-layer); caffe-bad-show leads to the tensors
 * caffe-stop-at-nan, caffe-keep-iterations   switches; caffe-kept-iterations: what is kept (data-iterations)
 * caffe-rewind-count, caffe-rewind   how far to go back, and the button
 * caffe-training-failure   what of these could not be done, in words
 * caffe-ranks        the processes that train together (data-count); caffe-rank: one of them (data-rank)
 * caffe-time         one layer's row in the times (data-layer)
 * caffe-error        an error of a layer, in words (data-layer); caffe-traceback: its traceback
 * caffe-failed-elsewhere   a layer that failed in another net of the same solver (data-net, data-layer)
 * caffe-away         says that the connection is lost and what is shown is old
 * caffe-waiting      an answer is on its way, or comes when the kernel is back
 * caffe-link-error   what is wrong with the connection or the protocol
 * caffe-empty        the words shown when there is nothing to show (data-reason)
 * caffe-broken       says that a part of the panel could not be drawn, with 'Try again'
 * caffe-net-select   the choice of net
 * caffe-version, caffe-note, caffe-open-file   the Python layer's code
 * caffe-source-text  its lines (data-faulty: number of the line where the error is, empty when it is not among them)
 * caffe-versions, caffe-version-row (data-version), caffe-difference   the layer's versions and two compared
 * caffe-check-button, caffe-check-result (data-ok), caffe-check-row (data-where, data-ok, data-skipped),
 * caffe-layer-text, caffe-param-str, caffe-apply-param, caffe-param-note   a layer's prototxt and param_str
 * caffe-control-*    a button that drives the net: forward, backward, step, run_to, run_from, pause, resume, stop
 * caffe-long-layer   the layer that has been running for more than a second
 * caffe-held         where a run is held, in words; caffe-break-here: the breakpoint of the selected layer
 * caffe-breaks       the menu of breakpoints (data-count)
 * caffe-finding (data-kind, data-where), caffe-export-check, caffe-exported   gradient checks
 */
export const testids = {
  panel: 'caffe-panel',
  graph: 'caffe-graph',
  graphNode: 'caffe-graph-node',
  graphGroup: 'caffe-graph-group',
  graphSearch: 'caffe-graph-search',
  graphHits: 'caffe-graph-hits',
  graphOverlay: 'caffe-graph-overlay',
  graphScale: 'caffe-graph-scale',
  graphFamily: 'caffe-graph-family',
  graphPath: 'caffe-graph-path',
  graphAround: 'caffe-graph-around',
  graphMap: 'caffe-graph-map',
  graphExport: 'caffe-graph-export',
  details: 'caffe-details',
  tab: (name: string): string => `caffe-tab-${name}`,
  tensor: 'caffe-tensor',
  tensorNote: 'caffe-tensor-note',
  heatmap: 'caffe-heatmap',
  cursor: 'caffe-cursor',
  slider: 'caffe-slider',
  axis: (use: string): string => `caffe-axis-${use}`,
  blob: 'caffe-blob',
  pin: 'caffe-pin',
  asPicture: 'caffe-as-picture',
  channelOrder: 'caffe-channel-order',
  legend: 'caffe-legend',
  marked: 'caffe-marked',
  distribution: 'caffe-distribution',
  histogram: 'caffe-histogram',
  largest: 'caffe-largest',
  keep: 'caffe-keep',
  forget: 'caffe-forget',
  change: 'caffe-change',
  stat: (name: string): string => `caffe-stat-${name}`,
  iteration: 'caffe-iteration',
  transfers: 'caffe-transfers',
  loss: 'caffe-loss',
  running: 'caffe-running',
  lossCurve: 'caffe-loss-curve',
  curve: 'caffe-curve',
  curveValue: 'caffe-curve-value',
  logScale: 'caffe-log-scale',
  smoothing: 'caffe-smoothing',
  health: 'caffe-health',
  healthValue: 'caffe-health-value',
  measure: 'caffe-measure',
  complaints: 'caffe-complaints',
  complaint: 'caffe-complaint',
  bad: 'caffe-bad',
  badShow: 'caffe-bad-show',
  stopAtNan: 'caffe-stop-at-nan',
  keepIterations: 'caffe-keep-iterations',
  keptIterations: 'caffe-kept-iterations',
  rewindCount: 'caffe-rewind-count',
  rewind: 'caffe-rewind',
  trainingFailure: 'caffe-training-failure',
  noCurves: 'caffe-no-curves',
  ranks: 'caffe-ranks',
  rank: 'caffe-rank',
  time: 'caffe-time',
  error: 'caffe-error',
  elsewhere: 'caffe-failed-elsewhere',
  traceback: 'caffe-traceback',
  away: 'caffe-away',
  waiting: 'caffe-waiting',
  linkError: 'caffe-link-error',
  empty: 'caffe-empty',
  broken: 'caffe-broken',
  netSelect: 'caffe-net-select',
  version: 'caffe-version',
  note: 'caffe-note',
  sourceText: 'caffe-source-text',
  versions: 'caffe-versions',
  versionRow: 'caffe-version-row',
  difference: 'caffe-difference',
  openFile: 'caffe-open-file',
  checkButton: 'caffe-check-button',
  checkFull: 'caffe-check-full',
  checkResult: 'caffe-check-result',
  layerText: 'caffe-layer-text',
  paramStr: 'caffe-param-str',
  applyParam: 'caffe-apply-param',
  paramNote: 'caffe-param-note',
  control: (action: string): string => `caffe-control-${action}`,
  held: 'caffe-held',
  longLayer: 'caffe-long-layer',
  breaks: 'caffe-breaks',
  breakHere: 'caffe-break-here',
  checkRow: 'caffe-check-row',
  exportCheck: 'caffe-export-check',
  exported: 'caffe-exported',
  finding: 'caffe-finding'
} as const;
