"""The inspector's protocol: every message between the kernel and the panel, and nothing else.

`extension/src/protocol.ts` is generated from this file (``python -m caffe_nb.inspector.generate``); a test fails when
it is stale. Requests travel on one comm, on which the kernel only answers; pushes on another, on which it only pushes.

A request's comm data is ``{"id": int, "request": Request}``, its answer ``{"id": int, "reply": Reply}``; a push is
``{"seq": int, "push": Push}`` with `seq` counting up by one on each comm. Tensor values travel as the message's first
buffer, little-endian float32. All names come from the user's files: they are text, never HTML.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

HELLO_TARGET = "caffe_nb.hello"
REQUEST_TARGET = "caffe_nb.request"
PUSH_TARGET = "caffe_nb.push"
MAX_VIEW_BYTES = 256 * 1024

Pass = Literal["forward", "backward"]
Part = Literal["data", "diff"]


class Message(Struct, tag_field="kind", frozen=True, forbid_unknown_fields=True):
    """Base of every tagged message."""


# Pieces of messages


class NetInfo(Struct, frozen=True):
    """One live net."""

    id: str
    """Unique in the kernel's life."""
    name: str
    phase: Literal["TRAIN", "TEST"]
    layers: int
    """Number of layers, inserted splits not counted."""
    running: bool


class BlobInfo(Struct, frozen=True):
    """A bottom, a top or a parameter of a layer, as something to look into."""

    name: str
    """The blob's name; for parameters, ``weight``, ``bias`` or ``param 2``."""
    ref: str
    """What `GetTensor` takes: ``blob:NAME``, ``param:LAYER_INDEX:PARAM_INDEX`` or, for a top without a name,
    ``top:LAYER_INDEX:TOP_INDEX``. A gradient of the layer's last check is ``check:LAYER_INDEX:ROW:WHICH``, WHICH being
    ``backward``, ``differences`` or ``error``."""
    shape: list[int]
    has_diff: bool
    """Whether backward computes its diff."""


class Source(Struct, frozen=True):
    """Where a Python layer's code stands."""

    path: str
    """File name as Python gives it; empty for a class made in the notebook."""
    line: int
    """1-based line of the class."""
    module: str
    qualname: str


class LayerError(Struct, frozen=True):
    """Why a layer failed, or why an edit of it was refused."""

    message: str
    """First line: exception type and text."""
    traceback: str
    """Plain text, the user's frames."""
    path: str
    line: int
    refused: bool
    """True: an edit was refused and the old code runs on. False: the layer itself raised."""


class VersionInfo(Struct, frozen=True):
    """One version of a Python layer's code."""

    number: int
    """From 1."""
    what: str
    """What changed, in words."""
    seconds: float
    """How long ago it was taken up."""
    same: bool
    """Whether its code is that of the version that runs."""


class CheckRow(Struct, frozen=True):
    """Gradient check of one bottom or parameter."""

    where: str
    """``bottom[0]``, ``param[1]``."""
    shape: list[int]
    max_error: float | None
    """Greatest relative error; None where it is not finite."""
    worst: list[int]
    """Index of the worst element."""
    analytic: float | None
    """What backward gave there; None where it is not finite."""
    numeric: float | None
    """What central differences gave there; None where it is not finite."""
    ok: bool
    """Also true for a row that was skipped."""
    skipped: bool
    """Whether it was not checked: it takes no gradient, and the numbers mean nothing."""
    note: str
    """Why it was skipped, or what else was seen; else empty."""


class Finding(Struct, frozen=True):
    """A mistake that a gradient check found."""

    kind: str
    """As ``sign``, ``scale`` or ``stale-state``."""
    where: str
    """``bottom[0]``, ``param[1]`` or ``top[0]``; empty for the layer as a whole."""
    message: str
    """What is wrong, on what evidence, and what to try."""


class Check(Struct, frozen=True):
    """Result of a layer's last gradient check."""

    ok: bool
    rows: list[CheckRow]
    message: str
    """One line for people."""
    findings: list[Finding]
    """The most certain first."""
    path: str
    """File of the layer's backward; empty where there is none to open."""
    line: int
    """1-based line of it."""


class LayerState(Struct, frozen=True):
    """What changes about a layer while the net lives; sent whole when any of it changes."""

    index: int
    version: int
    """Version of a Python layer's code, from 1; 0 for built-in types."""
    note: str
    """What the last swap said, or an empty string."""
    error: LayerError | None
    check: Check | None


class GraphNode(Struct, frozen=True):
    """One layer in the graph."""

    index: int
    """Index in `net.layers`; inserted splits have no node."""
    name: str
    type: str
    python: str
    """``module.Class`` for Python layers, else empty."""
    tops: list[BlobInfo]
    bottoms: list[BlobInfo]
    params: list[BlobInfo]
    in_place: bool
    needs_backward: bool
    loss_weight: float
    """Of the first weighted top; 0 for layers that are no loss."""
    line: int
    """1-based line in the prototxt; 0 when unknown."""


class GraphEdge(Struct, frozen=True):
    """A blob on its way from the layer that wrote it to one that reads it."""

    source: int
    target: int
    blob: str
    shape: list[int]


class Statistics(Struct, frozen=True):
    """Exact figures of a whole blob; min, max, mean and std are over its finite elements, 0 where there are none."""

    count: int
    min: float
    max: float
    mean: float
    std: float
    zeros: int
    negatives: int
    nans: int
    positive_infinities: int
    negative_infinities: int


class Current(Struct, frozen=True):
    """The layer that is running now."""

    index: int
    direction: Pass
    seconds: float
    """For how long it has been running."""


class LayerTime(Struct, frozen=True):
    """Smoothed time of a layer, milliseconds; 0 before the first pass."""

    index: int
    forward: float
    backward: float


# Requests and replies


class ListNets(Message, tag="list_nets", frozen=True):
    """Ask for all live nets."""


class GetGraph(Message, tag="get_graph", frozen=True):
    """Ask for a net's graph and all its layers' states."""

    net: str


class GetTensor(Message, tag="get_tensor", frozen=True):
    """Ask for a view of a blob, at most MAX_VIEW_BYTES of values."""

    net: str
    ref: str
    part: Part
    index: list[int] = []
    """One position an axis; used for the axes that are not shown. Missing or too large ones are clamped."""


class GetSource(Message, tag="get_source", frozen=True):
    """Ask where a Python layer's code stands, and for its text."""

    net: str
    layer: int


class CheckLayer(Message, tag="check_layer", frozen=True):
    """Run a gradient check of a layer on the net's own blobs."""

    net: str
    layer: int


class GetVersions(Message, tag="get_versions", frozen=True):
    """Ask for the versions of a Python layer's code."""

    net: str
    layer: int


class CompareVersions(Message, tag="compare_versions", frozen=True):
    """Ask what changed between two versions of a Python layer's code."""

    net: str
    layer: int
    old: int
    new: int


class RollBack(Message, tag="roll_back", frozen=True):
    """Let an older version of a Python layer's code run again; the answer is `Versions`."""

    net: str
    layer: int
    version: int


Request = ListNets | GetGraph | GetTensor | GetSource | CheckLayer | GetVersions | CompareVersions | RollBack


class NetList(Message, tag="net_list", frozen=True):
    """All live nets; also pushed when one comes or goes. `inspect` is the net that %caffe_inspect asked to show."""

    nets: list[NetInfo]
    inspect: str | None = None


class Graph(Message, tag="graph", frozen=True):
    """A net's graph. `revision` changes when shapes or layers do; pushes carry it too."""

    net: str
    revision: int
    nodes: list[GraphNode]
    edges: list[GraphEdge]
    states: list[LayerState]


class Tensor(Message, tag="tensor", frozen=True):
    """A view of a blob: `tiles` pictures of `rows` by `cols` values in the first buffer, in C order.

    Where a picture would be too large, each value is the mean of a block of elements; `statistics` are exact.
    """

    net: str
    ref: str
    part: Part
    shape: list[int]
    dtype: str
    axes: list[int]
    """Axes shown as tiles, rows and columns; -1 for one that the blob does not have."""
    index: list[int]
    """Position used on each axis; meaningful for the axes not in `axes`."""
    tiles: int
    rows: int
    cols: int
    reduced: bool
    """Whether values are means of blocks, or tiles were left out."""
    statistics: Statistics
    version: int
    """The blob's write count when it was read."""


class SourceText(Message, tag="source_text", frozen=True):
    """The code of a Python layer."""

    source: Source
    text: str


class Versions(Message, tag="versions", frozen=True):
    """The versions of a Python layer's code, oldest first; the last one runs."""

    net: str
    layer: int
    versions: list[VersionInfo]


class Difference(Message, tag="difference", frozen=True):
    """Answer to `CompareVersions`: a unified diff, empty where both are the same."""

    old: int
    new: int
    text: str


class Checked(Message, tag="checked", frozen=True):
    """Answer to `CheckLayer`."""

    net: str
    layer: int
    check: Check


class Failed(Message, tag="failed", frozen=True):
    """A request that could not be served, in words for people."""

    message: str


Reply = NetList | Graph | Tensor | SourceText | Checked | Versions | Difference | Failed

# Pushes


class NetUpdate(Message, tag="net_update", frozen=True):
    """The state of a net, coalesced: at most ten a second a net, the last one always sent.

    `states` holds the layers whose state changed since the last push, `times` those whose time changed notably; all of
    them in the first push to a new watcher.
    """

    net: str
    revision: int
    running: bool
    solver: bool
    """Whether a solver drives the net."""
    iteration: int
    max_iterations: int
    """0 when unknown, and when the solver runs on beyond it."""
    loss: float | None
    """Smoothed loss of the last iteration; None before the first, or when it is not finite."""
    stamp: int
    """Grows whenever blobs may have changed: what is shown should be pulled again."""
    current: Current | None
    times: list[LayerTime]
    states: list[LayerState]
    stale: list[int]
    """Layers whose tops are older than an edit of their code, or of the code of a layer before them."""


Push = NetList | NetUpdate
