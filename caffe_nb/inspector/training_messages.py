"""The part of the protocol that is about a training; see `caffe_nb.inspector.messages`."""

from __future__ import annotations

from caffe_nb.inspector.pieces import (
    BadLayer,
    Curve,
    HealthColumn,
    HealthLayer,
    Known,
    LayerGradient,
    Measure,
    Message,
    Training,
)


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
