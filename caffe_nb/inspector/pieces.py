"""What messages are made of: layers, blobs, checks, versions as the panel gets them."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Pass = Literal["forward", "backward"]
Action = Literal["forward", "backward", "step", "run_to", "run_from", "pause", "resume", "stop"]
Part = Literal["data", "diff"]


class Message(Struct, tag_field="kind", frozen=True, forbid_unknown_fields=True):
    """Base of every tagged message."""


class FailedLayer(Struct, frozen=True):
    """A layer that raised, or an edit of which was refused."""

    name: str
    message: str
    """First line: exception type and text."""


class NetInfo(Struct, frozen=True):
    """One live net."""

    id: str
    """Unique in the kernel's life."""
    name: str
    phase: Literal["TRAIN", "TEST"]
    layers: int
    """Number of layers, inserted splits not counted."""
    running: bool
    trained: str
    """Id of the net that its solver trains, which may be itself; empty where no solver drives it."""
    test_net: int
    """Its number among its solver's test nets; -1 for others."""
    failed: FailedLayer | None
    """The first layer in error."""


class BlobInfo(Struct, frozen=True):
    """A bottom, a top or a parameter of a layer, as something to look into."""

    name: str
    """The blob's name; for parameters, ``weight``, ``bias`` or ``param 2``."""
    ref: str
    """What a `Look` takes: ``blob:NAME``, ``param:LAYER_INDEX:PARAM_INDEX`` or, for a top without a name,
    ``top:LAYER_INDEX:TOP_INDEX``. What a layer leaves in a blob on which a later one works in place is
    ``left:LAYER_INDEX:NAME``; what the last of them leaves is ``blob:NAME``. A gradient of the layer's last check is
    ``check:LAYER_INDEX:ROW:WHICH``, WHICH being ``backward``, ``differences`` or ``error``."""
    shape: list[int]
    has_diff: bool
    """Whether backward computes its diff."""


class Look(Struct, frozen=True):
    """What is wanted of a blob: data or diff, a position on each axis, the axes shown, and whether as images."""

    ref: str
    part: Part
    index: list[int] = []
    """One position an axis; used for the axes that are not shown. Missing or too large ones are clamped."""
    axes: list[int] = []
    """The axes to show as tiles, rows and columns, -1 for none; empty for the usual ones."""
    picture: bool = False
    """Whether a blob of shape (N, 1 or 3, H, W) is wanted as images, with their channels together."""


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
    not_finite: bool
    """Whether `caffe_nb.stop_at_nan` stopped a run here."""


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
    line: bool
    """Whether all elements were compared at once along a random line: the numbers are of the slope along it."""


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
    loss_weight: float | None
    """Of the first weighted top; 0 for layers that are no loss, None for one that is not finite."""
    line: int
    """1-based line in the prototxt; 0 when unknown."""
    frozen: bool
    """Whether it has parameters, and the text says of each that it learns nothing (lr_mult 0)."""
    shared: list[str]
    """For each parameter the name under which other layers have it, too; empty for one that is its own."""
    phase: Literal["TRAIN", "TEST", ""]
    """The only phase that has the layer, by its rules; empty for one of both."""


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
    categories: list[int]
    """The distinct values of a blob of whole numbers, ascending, where there are 2 to 20; else empty."""


class Element(Struct, frozen=True):
    """One element of a blob."""

    index: list[int]
    value: float | None
    """None where it is not finite."""
    sign: Literal["", "nan", "+inf", "-inf"]
    """What it is where it is not finite."""


class Current(Struct, frozen=True):
    """The layer that is running now."""

    index: int
    direction: Pass
    seconds: float
    """For how long it has been running."""


class LayerTime(Struct, frozen=True):
    """Smoothed time of a layer, milliseconds; 0 before the first pass, and where another layer's has it."""

    index: int
    forward: float
    backward: float
    within: str
    """Name of the layer with which it runs as one, and whose time is that of both; empty for none."""


class Place(Struct, frozen=True):
    """A layer in one of the two passes."""

    index: int
    direction: Pass


class Held(Struct, frozen=True):
    """Where a running net is held, before or after a layer."""

    index: int
    direction: Pass
    after: bool
    """Whether the layer has just run; else it comes next."""
    why: str
    """Why, in words."""


class Breaks(Struct, frozen=True):
    """When a running net is to be held."""

    layers: list[int] = []
    """Before these layers, in both passes."""
    not_finite: bool = False
    """After a layer that wrote NaN or infinity into a top, or into a diff."""
    limit: float | None = None
    """After a layer that wrote a diff larger than this."""
    iteration: int | None = None
    """Before the solver's iteration of this number; once."""
