"""The part of the protocol that is about a training; see `caffe_nb.inspector.messages`."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from caffe_nb.inspector.pieces import Message

Measure = Literal["tops", "params", "updates"]
CurveKind = Literal["loss", "rate", "train", "test"]


class Known(Struct, frozen=True):
    """How much of a curve the panel has."""

    curve: str
    """Its id."""
    generation: int
    stamp: int


class Curve(Struct, frozen=True):
    """A scalar of a training by iteration: all of its points, or those that are new.

    A point stands for a stretch of iterations; the last one known may come again with more iterations in it.
    """

    id: str
    name: str
    """The top's name."""
    kind: CurveKind
    test_net: int
    """Index of the test net; 0 for others."""
    whole: bool
    """Whether these points take the place of all that are known."""
    generation: int
    stamp: int
    at: list[int]
    """First iteration of every stretch."""
    means: list[float | None]
    """None where nothing was finite."""
    lows: list[float | None]
    highs: list[float | None]


class HealthLayer(Struct, frozen=True):
    """A row of the health strip."""

    index: int
    name: str


class HealthColumn(Struct, frozen=True):
    """A sample of all rows of the health strip."""

    number: int
    """Counts samples up."""
    iteration: int
    values: list[int]
    """Hundredths of the logarithm to base 10, one a row; HEALTH_ZERO where all is 0, HEALTH_BAD for NaN and Inf."""


class BadLayer(Struct, frozen=True):
    """A layer that holds values which are not finite."""

    index: int
    value: Literal["NaN", "Inf"]
    """NaN where there is any."""
    places: list[str]
    """As ``top 'ip1'`` or ``the diff of parameter 0``; the last one may count the rest."""


class LayerGradient(Struct, frozen=True):
    """How large a layer's gradient is."""

    index: int
    code: int
    """Mean magnitude of its tops' diffs, as in a `HealthColumn`."""


class BadTensor(Struct, frozen=True):
    """The first value that was not finite, at which a run stopped."""

    layer: int
    name: str
    blob: str
    """As ``top 'ip1'`` or ``parameter 0``."""
    part: Literal["data", "diff"]
    index: list[int]
    value: Literal["NaN", "+Inf", "-Inf"]
    count: int
    method: Literal["forward", "backward", "update"]
    iteration: int | None


class KeptIterations(Struct, frozen=True):
    """How far a solver can be put back."""

    iterations: int
    most: int
    """How many fit."""
    bytes: int
    limit: int


class Rank(Struct, frozen=True):
    """One of several processes that train a net together, in its last iteration."""

    name: str
    loss: float | None
    """Of its share of the batch; None where it is no number."""
    seconds: float
    """Of work."""
    wait: float
    """Seconds of waiting for the others."""


class Training(Struct, frozen=True):
    """What is switched on for a training, and what came of it."""

    stop_at_nan: bool
    bad: BadTensor | None
    kept: KeptIterations | None
    """None where no iterations are kept."""
    paused: str
    """Name of the layer at which a pass is paused, or empty."""
    ranks: list[Rank] = []
    """By rank; empty where one process trains."""


class GetHistory(Message, tag="get_history", frozen=True):
    """Ask for what is new in the curves of the solver that drives a net."""

    net: str
    key: str = ""
    """The history that `known` is about; empty at first."""
    known: list[Known] = []


class GetHealth(Message, tag="get_health", frozen=True):
    """Ask for new columns of a net's health strip; samples are taken for a few seconds after this."""

    net: str
    measure: Measure
    """Mean magnitude of the tops' diffs or of the parameters', or that of the updates over that of the weights."""
    key: str = ""
    """The samples that `since` is about; empty at first."""
    since: int = 0
    """Number of the last column that is known."""


class GetLayerHealth(Message, tag="get_layer_health", frozen=True):
    """Ask how the layers of a net are now. A running net is looked through bit by bit, as often as that is asked."""

    net: str
    gradients: bool = False
    """Whether the size of the gradients is wanted, too."""


class SetTraining(Message, tag="set_training", frozen=True):
    """Switch `caffe_nb.stop_at_nan` or `caffe_nb.keep_iterations` on or off; the answer is `TrainingState`."""

    net: str
    stop_at_nan: bool | None = None
    """None leaves it as it is."""
    keep: bool | None = None
    megabytes: int = 256
    """How much memory kept iterations may take."""


class Rewind(Message, tag="rewind", frozen=True):
    """Go back by so many iterations; the answer is `TrainingState`."""

    net: str
    iterations: int


class History(Message, tag="history", frozen=True):
    """The curves of a solver; those without news come without points."""

    net: str
    key: str
    """Another key than before: what is known is of another solver, or kernel. Empty where no solver drives the net."""
    iteration: int
    curves: list[Curve]
    more: bool
    """Whether there is more than one answer holds: ask again."""
    training: Training


class Health(Message, tag="health", frozen=True):
    """Columns of a health strip, oldest first."""

    net: str
    key: str
    """Another key than before: what is known is of other layers. Empty where no solver trains the net."""
    measure: Measure
    layers: list[HealthLayer]
    columns: list[HealthColumn]
    more: bool


class LayerHealth(Message, tag="layer_health", frozen=True):
    """Answer to `GetLayerHealth`; also of nets that no solver trains."""

    net: str
    bad: list[BadLayer]
    gradients: list[LayerGradient]
    """Of the layers through which backward has gone."""
    whole: bool
    """Whether all of it is of now; else ask again."""


class TrainingState(Message, tag="training_state", frozen=True):
    """What is switched on now."""

    net: str
    iteration: int
    training: Training
