"""The inspector's protocol: every message between the kernel and the panel, and nothing else.

`extension/src/protocol.ts` is generated from this file (``python -m caffe_nb.inspector.generate``); a test fails when
it is stale. Requests travel on one comm, on which the kernel only answers; pushes on another, on which it only pushes.

A request's comm data is ``{"id": int, "request": Request}``, its answer ``{"id": int, "version": str,
"reply": Reply}``; a push is ``{"seq": int, "push": Push}`` with `seq` counting up by one on each comm. Tensor values
travel as buffers, one a view, little-endian float32. All names come from the user's files: text, never HTML.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from caffe_nb import __version__
from caffe_nb.inspector.pieces import (
    Action,
    Breaks,
    Check,
    Current,
    Element,
    GraphEdge,
    GraphNode,
    Held,
    LayerState,
    LayerTime,
    Look,
    Message,
    NetInfo,
    Part,
    Place,
    Source,
    Statistics,
    VersionInfo,
)
from caffe_nb.inspector.training_messages import (
    GetHealth,
    GetHistory,
    GetLayerHealth,
    Health,
    History,
    LayerHealth,
    Rewind,
    SetTraining,
    TrainingState,
)

VERSION = __version__
"""Goes with every reply, so that the panel can say which side is to be updated."""
HELLO_TARGET = "caffe_nb.hello"
REQUEST_TARGET = "caffe_nb.request"
PUSH_TARGET = "caffe_nb.push"
MAX_VIEW_BYTES = 256 * 1024
MAX_LOOKS = 16
HEALTH_ZERO = -100_000
HEALTH_BAD = 100_000


# Requests and replies


class ListNets(Message, tag="list_nets", frozen=True):
    """Ask for all live nets."""


class GetGraph(Message, tag="get_graph", frozen=True):
    """Ask for a net's graph and all its layers' states."""

    net: str


class GetTensors(Message, tag="get_tensors", frozen=True):
    """Ask for views of blobs, all of one moment; each has at most MAX_VIEW_BYTES of values."""

    net: str
    looks: Annotated[list[Look], msgspec.Meta(min_length=1, max_length=MAX_LOOKS)]


class GetDistribution(Message, tag="get_distribution", frozen=True):
    """Ask for the histogram and the largest elements of a whole blob."""

    net: str
    ref: str
    part: Part


class GetSource(Message, tag="get_source", frozen=True):
    """Ask where a Python layer's code stands, and for its text."""

    net: str
    layer: int


class GetLayerText(Message, tag="get_layer_text", frozen=True):
    """Ask for a layer's prototxt and what its type computes."""

    net: str
    layer: int


class SetParamStr(Message, tag="set_param_str", frozen=True):
    """Give a live Python layer another param_str: its setup runs again. The answer is `LayerText`."""

    net: str
    layer: int
    text: str


class CheckLayer(Message, tag="check_layer", frozen=True):
    """Run a gradient check of a layer on the net's own blobs; with `full` each element by itself, where time allows."""

    net: str
    layer: int
    full: bool = False


class ExportCheck(Message, tag="export_check", frozen=True):
    """Write a layer's last gradient check as a pytest file into the kernel's folder."""

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


class Drive(Message, tag="drive", frozen=True):
    """Run, hold or stop a net; the answer is `Driven`, at once, and what comes of it is pushed."""

    net: str
    action: Action
    layer: int = -1
    """For run_to and run_from."""


class SetBreaks(Message, tag="set_breaks", frozen=True):
    """Say when the net is to be held; takes the place of what was said before. The answer is `Driven`."""

    net: str
    breaks: Breaks


Request = (
    ListNets
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
    | SetBreaks
)


class NetList(Message, tag="net_list", frozen=True):
    """All live nets; also pushed when one comes, goes or fails.

    `inspect` is the net that %caffe_inspect asked to show.
    """

    nets: list[NetInfo]
    inspect: str | None = None


class Graph(Message, tag="graph", frozen=True):
    """A net's graph. `revision` changes when shapes or layers do; pushes carry it too."""

    net: str
    revision: int
    nodes: list[GraphNode]
    edges: list[GraphEdge]
    states: list[LayerState]


class Failed(Message, tag="failed", frozen=True):
    """A request that could not be served, in words for people."""

    message: str


class Tensor(Message, tag="tensor", frozen=True):
    """A view of a blob: `tiles` pictures of `rows` by `cols` values in a buffer of its own, in C order.

    Where a picture would be too large, each value is the mean of a block of elements, or the first of a block where the
    blob has categories; `statistics` are exact.
    """

    net: str
    ref: str
    part: Part
    shape: list[int]
    dtype: str
    axes: list[int]
    """Axes shown as tiles, rows and columns; -1 for one that the blob does not have, or that was not wanted."""
    channels: int
    """0; or, for images, how many planes each tile has, 1 or 3: values are tiles by channels by rows by columns."""
    index: list[int]
    """Position used on each axis; meaningful for the axes not in `axes`."""
    tiles: int
    rows: int
    cols: int
    reduced: bool
    """Whether values stand for blocks, or tiles were left out."""
    block: list[int]
    """Rows and columns of a block; the last of a side may be smaller."""
    statistics: Statistics
    version: int
    """The blob's write count when it was read."""
    note: str
    """Where these are not the values of the layer that is asked about, since another one has written over them: that,
    in words."""


class Tensors(Message, tag="tensors", frozen=True):
    """Answer to `GetTensors`: for each look a view or why there is none, and a buffer, empty where there is none."""

    net: str
    views: list[Tensor | Failed]
    spent: float
    """Milliseconds of a processor's time that reading and reducing took: whoever asks again and again can bound it."""


class Distribution(Message, tag="distribution", frozen=True):
    """Answer to `GetDistribution`: every element of the blob is counted once."""

    net: str
    ref: str
    part: Part
    low: float
    high: float
    """Where the bins begin and end: no further than 3 times the root mean square from zero."""
    counts: list[int]
    """Elements in bins of equal width, the last with its upper end; in each category where the blob has them."""
    below: int
    above: int
    """Finite elements outside."""
    largest: list[Element]
    """The first few that are not finite, then those of the largest magnitude."""
    statistics: Statistics
    version: int
    """The blob's write count when it was read."""


class SourceText(Message, tag="source_text", frozen=True):
    """The code of a Python layer."""

    source: Source
    text: str


class LayerText(Message, tag="layer_text", frozen=True):
    """A layer's prototxt."""

    text: str
    doc: str
    """The docstring of its type or class: plain text."""
    param_str: str | None
    """None for layers that take none."""
    note: str
    """What became of the last change, in words."""


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


class Exported(Message, tag="exported", frozen=True):
    """Answer to `ExportCheck`."""

    path: str
    """The file that was written, whole."""


class Driven(Message, tag="driven", frozen=True):
    """Answer to `Drive` and `SetBreaks`: it is done, or has begun."""

    net: str


Reply = (
    NetList
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
    | Failed
)

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
    held: Held | None
    """Where the net is held."""
    place: Place
    """What one step runs next, where the net is idle."""
    breaks: Breaks
    stale: list[int]
    """Layers whose tops are older than an edit of their code, or of the code of a layer before them."""
    transfers: str
    """What was copied between host and GPU since the net was made, in words; empty in CPU mode."""


Push = NetList | NetUpdate
