"""What LSTM and RNN have in common: their bottoms and tops, the inputs' share, and the state that goes on."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from math import prod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from caffe_nb.core.blob import Blob
from caffe_nb.core.fillers import fill
from caffe_nb.core.layer import Layer
from caffe_nb.errors import NetError, ShapeError
from caffe_nb.ops.gemm import add_gemm, gemm

Array = NDArray[Any]


class Recurrent(Layer):
    """Base of the layers that run over time.

    Bottoms are the input ``(T, N, ...)``, the sequence marks ``(T, N)``, perhaps a static input ``(N, ...)`` and, with
    `expose_hidden`, the first state, one ``(1, N, H)`` for each name in `states`. Tops are the output ``(T, N, H)``
    and, with `expose_hidden`, the last state.

    Attributes
    ----------
    states : tuple of str
        Names of what the state is made of, in the order of the bottoms and tops that expose it.
    gates : int
        How many numbers the inputs give to each unit.
    """

    states: ClassVar[tuple[str, ...]] = ()
    gates: ClassVar[int] = 1
    label_bottoms = (1,)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Check the bottoms, make and fill the parameters."""
        param = self.layer_param.recurrent_param
        if param.num_output < 1:
            raise NetError(f"recurrent_param: num_output must be at least 1, got {param.num_output}")
        exposed = len(self.states) if param.expose_hidden else 0
        self._check_counts(exposed, len(bottom), len(top))
        self._units = int(param.num_output)
        self._static = len(bottom) > 2 + exposed
        self._exposed = exposed > 0
        self._buffers: tuple[Any, ...] = ()
        self._state: list[Blob] = []
        self._first: list[Blob] = []
        self._hidden = Blob(0, dtype=self.dtype)
        self._check_steps(bottom)
        rows = self.gates * self._units
        self._inputs = prod(bottom[0].shape[2:])
        self._add(rows, self._inputs)
        self._add(rows)
        if self._static:
            self._static_inputs = prod(bottom[2].shape[1:])
            self._add(rows, self._static_inputs)
        self.add_recurrent_blobs()
        self.param_propagate_down = [True] * len(self.blobs)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Check the bottoms and give the tops their shapes."""
        self._check_steps(bottom)
        steps, streams = bottom[0].shape[:2]
        if prod(bottom[0].shape[2:]) != self._inputs:
            raise ShapeError(
                f"the weights are for {self._inputs} inputs, but bottom[0] of shape {bottom[0].shape} has"
                f" {prod(bottom[0].shape[2:])} from axis 2 on"
            )
        if self._static and prod(bottom[2].shape[1:]) != self._static_inputs:
            raise ShapeError(
                f"the weights are for {self._static_inputs} static inputs, but bottom[2] of shape {bottom[2].shape} has"
                f" {prod(bottom[2].shape[1:])} from axis 1 on"
            )
        top[0].reshape(steps, streams, self._units)
        for blob in top[1:]:
            blob.reshape(1, streams, self._units)
        dtype = bottom[0].dtype
        if self._buffers != (steps, streams, dtype):
            self._buffers = (steps, streams, dtype)
            self._first = [Blob(streams, self._units, dtype=dtype) for _ in self.states]
            state = [Blob(streams, self._units, dtype=dtype) for _ in self.states]
            for new, old in zip(state, self._state, strict=False):
                if new.shape == old.shape:
                    new.array[...] = old.const_array
            self._state = state
            self._hidden = Blob(steps, streams, self._units, dtype=dtype)
            self.allocate(steps, streams, dtype)

    def reset(self) -> None:
        """Forget the state: the next forward starts from zeros."""
        for blob in self._state:
            blob.array[...] = 0

    # for the types

    @abstractmethod
    def add_recurrent_blobs(self) -> None:
        """Make the parameters that come after those of the inputs."""

    @abstractmethod
    def allocate(self, steps: int, streams: int, dtype: np.dtype[Any]) -> None:
        """Make what forward keeps for backward beside the hidden states, filled with zeros."""

    def _add(self, *shape: int) -> None:
        """Make a parameter: a vector is a bias."""
        param = self.layer_param.recurrent_param
        fill(self.blobs.add_blob(*shape), param.bias_filler if len(shape) == 1 else param.weight_filler)

    @property
    def _recurrent(self) -> int:
        """Index of the first parameter that comes after those of the inputs."""
        return 3 if self._static else 2

    def _input_share(self, bottom: Sequence[Blob], out: Array) -> None:
        """Write what inputs, bias and static inputs give to the gates, ``(T, N, gates * H)``."""
        rows = out.reshape(-1, out.shape[2])
        gemm(self._rows(bottom[0].const_array), self.blobs[0].const_array.T, out=rows)
        rows += self.blobs[1].const_array
        if self._static:
            out += gemm(self._static_rows(bottom[2].const_array), self.blobs[2].const_array.T)

    def _refuse_marks(self, propagate_down: Sequence[bool]) -> None:
        if propagate_down[1]:
            raise NetError("where sequences go on (bottom[1]) has no gradient; set propagate_down: false for it")

    def _input_gradient(self, share: Array, propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Add to the input parameters' diffs and write the bottoms', from the gradient of `_input_share`."""
        rows = share.reshape(-1, share.shape[2])
        asked = self.param_propagate_down
        if asked[0]:
            add_gemm(rows.T, self._rows(bottom[0].const_array), self.blobs[0].diff_array)
        if asked[1]:
            self.blobs[1].diff_array += rows.sum(axis=0)
        if propagate_down[0]:
            gemm(rows, self.blobs[0].const_array, out=self._rows(bottom[0].diff_array))
        if not self._static:
            return
        streams = share.sum(axis=0)
        if asked[2]:
            add_gemm(streams.T, self._static_rows(bottom[2].const_array), self.blobs[2].diff_array)
        if propagate_down[2]:
            gemm(streams, self.blobs[2].const_array, out=self._static_rows(bottom[2].diff_array))

    def _rows(self, x: Array) -> Array:
        """Return the input as one row for each time step and stream, a view."""
        return x.reshape(x.shape[0] * x.shape[1], self._inputs)

    def _static_rows(self, x: Array) -> Array:
        """Return the static input as one row a stream, a view."""
        return x.reshape(x.shape[0], self._static_inputs)

    def _start(self, bottom: Sequence[Blob]) -> list[Array]:
        """Return the state to start from, each ``(N, H)``, and keep it for the backward."""
        exposed = bottom[-len(self.states) :]
        source = [blob.const_array[0] for blob in exposed] if self._exposed else [b.const_array for b in self._state]
        for blob, new in zip(self._first, source, strict=True):
            blob.array[...] = new
        return [blob.const_array for blob in self._first]

    def _finish(self, last: Sequence[Array], top: Sequence[Blob]) -> None:
        """Keep the last state for the next forward, and write it to the tops that expose it."""
        for blob, new in zip(self._state, last, strict=True):
            blob.array[...] = new
        for blob, new in zip(top[1:], last, strict=False):
            blob.array[0] = new

    def _last_gradient(self, top: Sequence[Blob]) -> list[Array]:
        """Return the gradient of the last state, each ``(N, H)``: zeros where it is not exposed."""
        if self._exposed:
            return [blob.const_diff_array[0] for blob in top[1:]]
        return [np.zeros_like(blob.const_array) for blob in self._first]

    def _first_gradient(self, first: Sequence[Array], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Write the gradient of the first state to the bottoms that expose it."""
        if self._exposed:
            for index, values in enumerate(first, len(bottom) - len(self.states)):
                if propagate_down[index]:
                    bottom[index].diff_array[0] = values

    # checks

    def _check_counts(self, exposed: int, bottoms: int, tops: int) -> None:
        least = 2 + exposed
        if not least <= bottoms <= least + 1 or tops != 1 + exposed:
            state = ", ".join(self.states)
            raise NetError(
                f"with expose_hidden: {'true' if exposed else 'false'} there must be {least} bottoms (x, cont"
                f"{f', then the first {state}' if exposed else ''}), or {least + 1} with a static input in third place,"
                f" and {1 + exposed} top(s){f' (the output, then the last {state})' if exposed else ''};"
                f" got {bottoms} bottoms and {tops} tops"
            )

    def _check_steps(self, bottom: Sequence[Blob]) -> None:
        shape = bottom[0].shape
        if len(shape) < 2 or shape[0] < 1:
            raise ShapeError(f"bottom[0] must be (time steps, streams, ...) with at least one step, got shape {shape}")
        if bottom[1].shape != shape[:2]:
            raise ShapeError(
                f"bottom[1] marks where sequences go on and must be (time steps, streams) = {shape[:2]}, as bottom[0]"
                f" of shape {shape} has it; got shape {bottom[1].shape}"
            )
        if self._static and bottom[2].shape[:1] != shape[1:2]:
            raise ShapeError(
                f"bottom[2], the static input, must be ({shape[1]}, ...), one row a stream; got {bottom[2].shape}"
            )
        if self._exposed:
            for index in range(len(bottom) - len(self.states), len(bottom)):
                if bottom[index].shape != (1, shape[1], self._units):
                    raise ShapeError(
                        f"bottom[{index}], the first state, must be {(1, shape[1], self._units)}, got"
                        f" {bottom[index].shape}"
                    )
