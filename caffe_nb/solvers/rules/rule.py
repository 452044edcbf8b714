"""Rule: what the update rules have in common, their histories and the call of the kernel."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar

from caffe_nb.core.blob import Array, Blob
from caffe_nb.errors import SolverError
from caffe_nb.ops.updates import update
from caffe_nb.proto import caffe_pb2
from caffe_nb.solvers.regularize import NOTHING, Regularization

log = logging.getLogger("caffe_nb")


class Rule(ABC):
    """Turns gradients into updates, in place; subclasses name the kernel and its `numbers`.

    Parameters
    ----------
    params : sequence of Blob
        The learnable parameters.
    settings : caffe_pb2.SolverParameter
        The rule's numbers, read anew at every update.

    Raises
    ------
    SolverError
        For settings that the rule cannot use.

    Attributes
    ----------
    memories : list of Blob
        What the rule remembers, where the parameters are; in the order of a .solverstate: the first history of every
        parameter, then the second of every parameter.
    """

    histories: ClassVar[int] = 1
    """How many arrays the rule keeps for each parameter."""
    kernel: ClassVar[Callable[..., None]]
    """What computes the update; of caffe_nb.ops.updates."""

    def __init__(self, params: Sequence[Blob], settings: caffe_pb2.SolverParameter) -> None:
        self.settings = settings
        self.check()
        self.memories = [_zeros(blob) for _ in range(self.histories) for blob in params]
        self._params = list(params)

    @property
    def history(self) -> list[Array]:
        """The values of `memories`, live and writable; taking them counts as a write."""
        return [blob.data for blob in self.memories]

    def check(self) -> None:  # noqa: B027  (most rules take any settings)
        """Refuse settings that the rule cannot use."""

    def update(self, index: int, blob: Blob, rate: float, iteration: int, before: Regularization = NOTHING) -> None:
        """Turn a parameter's diff into its update value, and subtract that from its data.

        Parameters
        ----------
        index : int
            Which parameter.
        blob : Blob
            The parameter; its data and diff are overwritten.
        rate : float
            Learning rate times the parameter's lr_mult.
        iteration : int
            How many updates came before, from 0.
        before : Regularization, default none
            What happens to the gradient first.
        """
        histories = [self._history(index + k * len(self._params), blob).array for k in range(self.histories)]
        numbers = before.clip, before.average, before.decay, *self.numbers(rate, iteration)
        update(self.kernel, blob.array, blob.diff_array, histories, before.kind, numbers)

    def follow(self, params: Sequence[Blob], forget: Sequence[Blob] = ()) -> None:
        """Learn other parameters: the history of those that were there before stays theirs, unless it is to go."""
        count, gone = len(self._params), {id(blob) for blob in forget}
        old = {id(b): [self.memories[i + k * count] for k in range(self.histories)] for i, b in enumerate(self._params)}
        fresh = {
            id(blob): [_zeros(blob) for _ in range(self.histories)]
            for blob in params
            if id(blob) not in old or id(blob) in gone
        }
        self.memories[:] = [(fresh.get(id(b)) or old[id(b)])[k] for k in range(self.histories) for b in params]
        self._params = list(params)

    def remember(self) -> Callable[[], None]:
        """Return what puts parameters and history back to what they are now."""
        params, memories = list(self._params), list(self.memories)
        values = [blob.const_data.copy() for blob in memories]

        def put_back() -> None:
            self._params = params
            self.memories[:] = memories
            for blob, value in zip(memories, values, strict=True):
                blob.data[...] = value

        return put_back

    @abstractmethod
    def numbers(self, rate: float, iteration: int) -> tuple[float, ...]:
        """Return the rate and what the kernel takes besides."""

    def _history(self, place: int, blob: Blob) -> Blob:
        history = self.memories[place]
        if history.shape != blob.shape:
            if history.count == blob.count:
                history.reshape(*blob.shape)
            else:
                log.warning("a parameter changed its shape from %s to %s: its history starts anew", history.shape, blob)
                history = self.memories[place] = _zeros(blob)
        return history

    def _no_momentum(self) -> None:
        if self.settings.momentum != 0:
            raise SolverError(
                f"momentum cannot be used with {type(self).__name__}, got {self.settings.momentum:g}; leave it out"
            )

    def _fraction(self, field: str) -> None:
        value = getattr(self.settings, field)
        if not 0 <= value < 1:
            raise SolverError(f"{type(self).__name__} takes {field} from 0 up to below 1, got {value:g}")


def _zeros(blob: Blob) -> Blob:
    return Blob(*blob.shape, dtype=blob.dtype)
