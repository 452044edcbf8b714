/*
 * The data-testid values that browser tests rely on; nothing else in the DOM is promised to them.
 *
 * caffe-panel        the panel's content (data-state: the link's state; data-net: id of the net shown)
 * caffe-graph        the graph's area (data-layout: "ready" once laid out, "pending" before, "failed")
 * caffe-graph-node   one layer (data-layer: its name; data-index; data-version: 0 for built-in types; data-error and
 *                    data-selected, data-running, data-stale: "true" or "false"; data-check: "pass", "fail" or "none")
 * caffe-graph-group  a group (data-group: its id; data-open; data-count: its layers; data-worst: "error", "fail", "stale",
 *                    "running" or empty)
 * caffe-graph-search, caffe-graph-hits   the search and what it found
 * caffe-graph-overlay, caffe-graph-scale, caffe-graph-family (data-family, data-count)   what the colours mean
 * caffe-graph-path (data-count: layers on the way), caffe-graph-around, caffe-graph-map, caffe-graph-export (data-kind)
 * caffe-details      everything about the selected layer (data-layer: its name, empty when none is selected)
 * caffe-tab-*        the tabs of the details: tensors, gradients, source, training
 * caffe-tensor       one part of one blob (data-ref, data-part: "data" or "diff", data-version: the blob's version)
 * caffe-heatmap      its canvas
 * caffe-cursor       the value under the cursor
 * caffe-slider       slider of an axis that is not shown (data-axis)
 * caffe-stat-*       the exact figures: min, max, mean, std, zeros, negatives, nans, infinities
 * caffe-iteration    the solver's iteration, as a number; caffe-loss: its loss; caffe-running: "running" or "idle"
 * caffe-loss-curve   the loss curve's area (data-points: number of points)
 * caffe-time         one layer's row in the times (data-layer)
 * caffe-error        an error of a layer, in words (data-layer); caffe-traceback: its traceback
 * caffe-link-error   what is wrong with the connection or the protocol
 * caffe-empty        the words shown when there is nothing to show (data-reason)
 * caffe-net-select   the choice of net
 * caffe-version, caffe-note, caffe-open-file   the Python layer's code
 * caffe-source-text  its lines (data-faulty: number of the line where the error is, empty when it is not among them)
 * caffe-versions, caffe-version-row (data-version), caffe-difference   the layer's versions and two compared
 * caffe-check-button, caffe-check-result (data-ok), caffe-check-row (data-where, data-ok, data-skipped),
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
  heatmap: 'caffe-heatmap',
  cursor: 'caffe-cursor',
  slider: 'caffe-slider',
  stat: (name: string): string => `caffe-stat-${name}`,
  iteration: 'caffe-iteration',
  loss: 'caffe-loss',
  running: 'caffe-running',
  lossCurve: 'caffe-loss-curve',
  time: 'caffe-time',
  error: 'caffe-error',
  traceback: 'caffe-traceback',
  linkError: 'caffe-link-error',
  empty: 'caffe-empty',
  netSelect: 'caffe-net-select',
  version: 'caffe-version',
  note: 'caffe-note',
  sourceText: 'caffe-source-text',
  versions: 'caffe-versions',
  versionRow: 'caffe-version-row',
  difference: 'caffe-difference',
  openFile: 'caffe-open-file',
  checkButton: 'caffe-check-button',
  checkResult: 'caffe-check-result',
  checkRow: 'caffe-check-row',
  exportCheck: 'caffe-export-check',
  exported: 'caffe-exported',
  finding: 'caffe-finding'
} as const;
