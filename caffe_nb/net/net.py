"""Net: layers in their places, run forward and backward. pycaffe's API is this class."""

from __future__ import annotations

import importlib
import os
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from caffe_nb.core.hooks import Callback
from caffe_nb.core.layer import Phase
from caffe_nb.core.registry import Context
from caffe_nb.errors import NetError, ShapeError, did_you_mean
from caffe_nb.net import batches, stale, timing, transfers, weights
from caffe_nb.net.arguments import as_source, pycaffe_arguments
from caffe_nb.net.build import build
from caffe_nb.net.names import Names
from caffe_nb.net.passes import Passes
from caffe_nb.net.shown import Shown
from caffe_nb.net.timing import Times
from caffe_nb.net.transfers import Transfers
from caffe_nb.net.zero_diff import Explanation, explain
from caffe_nb.proto import caffe_pb2
from caffe_nb.proto.text import NetSource, parse_net

Array = NDArray[Any]

_live: weakref.WeakValueDictionary[int, Net] = weakref.WeakValueDictionary()
on_made: list[Callable[[Net], object]] = []
"""Called with every new net."""


def live_nets() -> list[Net]:
    """Return all nets that are alive in this process, in the order in which they were made."""
    nets = [ref() for ref in _live.valuerefs()]  # a list made in one step: nets may be made in other threads
    return sorted((net for net in nets if net is not None), key=lambda net: net.number)


class Net(Names, Passes, Shown):
    """A net built from a prototxt.

    Parameters
    ----------
    source : path, NetParameter or NetSource
        The prototxt's file, or what `from_text` and the parsers make.
    *args : str or int
        As in pycaffe: ``Net(file, phase)`` or ``Net(file, weights, phase)``.
    phase : int, default TRAIN
        caffe.TRAIN or caffe.TEST.
    level : int, default 0
        Level for the layers' include and exclude rules; it takes the place of the text's own.
    stages : sequence of str, optional
        Stages for these rules, besides the text's own.
    weights : path, optional
        A .caffemodel to copy from.
    dtype : dtype, default float32
        float32, or float64.
    folder : pathlib.Path, optional
        Where Python modules and relative file names are looked for; the prototxt's own folder by default.

    Raises
    ------
    PrototxtError, NetError, ShapeError
        With file, line, layer and what was likely meant.

    Attributes
    ----------
    nodes : list of Node
        The layers in their places.
    source : NetSource
        The text as it was read, of all phases.
    learnable_params : list of Blob
        Each parameter once, with its multipliers in `params_lr` and `params_weight_decay`.

    What runs it, and who may listen, is described in `Passes`.
    """

    def __init__(
        self,
        source: str | os.PathLike[str] | caffe_pb2.NetParameter | NetSource,
        *args: Any,
        phase: int | None = None,
        level: int = 0,
        stages: Sequence[str] | None = None,
        weights: str | os.PathLike[str] | None = None,
        dtype: DTypeLike = np.float32,
        folder: Path | None = None,
    ) -> None:
        phase, level, stages, weights = pycaffe_arguments(args, phase, level, stages, weights)
        super().__init__(phase)
        self.id = f"n{self.number}"
        self.dtype = np.dtype(dtype)
        text = self.source = as_source(source)
        self.folder = folder or (text.path.absolute().parent if text.path else None)
        self._build(text, level, list(stages or ()))
        if weights is not None:
            self.copy_from(weights)
        _live[self.number] = self
        for listener in tuple(on_made):
            listener(self)

    @classmethod
    def from_text(cls, text: str, phase: int = Phase.TRAIN, *, name: str = "<string>", **kwargs: Any) -> Net:
        """Build a net from a prototxt's text.

        Parameters
        ----------
        text : str
            The prototxt.
        phase : int, default TRAIN
            caffe.TRAIN or caffe.TEST.
        name : str, default "<string>"
            What messages call the text.
        **kwargs
            As for the constructor.
        """
        return cls(parse_net(text, name, keep_unknown=True), phase=phase, **kwargs)

    def _build(self, text: NetSource, level: int, stages: list[str]) -> None:
        param = caffe_pb2.NetParameter()
        param.CopyFrom(text.param)
        param.state.phase = caffe_pb2.TRAIN if self.phase == Phase.TRAIN else caffe_pb2.TEST
        param.state.level = level
        param.state.stage.extend(stages)
        context = Context(self.phase, self.dtype, self.folder)
        built = build(param, context, text.lines, text.name, self._call, text.unknown)
        self.param = built.param
        self.name = built.param.name or (text.path.stem if text.path else "net")
        self.nodes = built.nodes
        self._take_names(built)
        self.debug_info = built.param.debug_info
        self.learnable_params = built.params.learnable
        self.params_lr = built.params.lr
        self.params_weight_decay = built.params.decay
        weights.take_given(built.nodes, self.learnable_params, built.param)

    # pycaffe's calls

    def forward(
        self, blobs: Iterable[str] | None = None, start: str | None = None, end: str | None = None, **kwargs: Any
    ) -> dict[str, Array]:
        """Run forward and return outputs by name.

        Parameters
        ----------
        blobs : iterable of str, optional
            Blobs to return besides the outputs.
        start, end : str, optional
            Names of the first and the last layer to run; all by default.
        **kwargs : array_like
            Values for input blobs: of the blobs' shapes, or of as many items and broadcast to them.

        Returns
        -------
        dict of str to array
            Live views of the net's outputs (of the tops of `end` where it is given) and of `blobs`.
        """
        __tracebackhide__ = True
        first = self._layer_index(start) if start is not None else 0
        last = self._layer_index(end) if end is not None else len(self.nodes) - 1
        names = self.outputs if end is None else self.nodes[last].top_names
        for name, value in kwargs.items():
            if name not in self.inputs:
                known = ", ".join(self.inputs) or "none"
                raise NetError(
                    f"'{name}' is not an input of this net.{did_you_mean(name, self.inputs)} Inputs: {known}"
                )
            self._fill(name, value, "data")
        wanted = [*names, *(blobs or ())]
        found = {name: self.blobs[name] for name in wanted}
        if first == 0:
            self._notify(self.hooks.safe_point)
        self.forward_pass(first, last)
        return {name: stale.handed_out(blob) for name, blob in found.items()}

    def backward(
        self, diffs: Iterable[str] | None = None, start: str | None = None, end: str | None = None, **kwargs: Any
    ) -> dict[str, Array]:
        """Run backward and return diffs by name.

        Parameters
        ----------
        diffs : iterable of str, optional
            Blobs whose diffs to return besides the inputs'.
        start, end : str, optional
            Names of the first and the last layer to run backward (`end` is nearer to the input); all by default.
        **kwargs : array_like
            Diffs to put into output blobs first.

        Returns
        -------
        dict of str to array
            Live views of the diffs of the net's inputs (of the bottoms of `end` where it is given) and of `diffs`.
        """
        __tracebackhide__ = True
        first = self._layer_index(start) if start is not None else len(self.nodes) - 1
        last = self._layer_index(end) if end is not None else 0
        names = self.inputs if end is None else self.nodes[last].bottom_names
        found = {name: self.blobs[name] for name in [*names, *(diffs or ())]}
        for name, value in kwargs.items():
            self._fill(name, value, "diff")
        self.backward_pass(first, last)
        return {name: blob.diff for name, blob in found.items()}

    def forward_all(self, blobs: Iterable[str] | None = None, **kwargs: Any) -> dict[str, Array]:
        """Run any number of items forward, a batch after the other.

        Parameters
        ----------
        blobs : iterable of str, optional
            Blobs to return besides the outputs.
        **kwargs : array_like
            Items by input blob, as many for each; the last batch is filled up with zeros.

        Returns
        -------
        dict of str to array
            Copies, one entry an item; what has no axis of items (a loss) gets one entry a batch.
        """
        __tracebackhide__ = True
        return batches.forward_all(self, blobs, kwargs)

    def forward_backward_all(
        self, blobs: Iterable[str] | None = None, diffs: Iterable[str] | None = None, **kwargs: Any
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        """Run any number of items forward and backward, a batch after the other.

        Parameters
        ----------
        blobs, diffs : iterable of str, optional
            Blobs whose data, and blobs whose diffs to return besides the outputs' and the inputs'.
        **kwargs : array_like
            Items by input blob, and diffs by output blob.

        Returns
        -------
        blobs, diffs : dict of str to array
            Copies, as `forward_all` gives them.
        """
        __tracebackhide__ = True
        return batches.forward_backward_all(self, blobs, diffs, kwargs)

    def _batch(self, blobs: Mapping[str, Any]) -> Iterator[dict[str, Array]]:
        return batches.batches(self, blobs)

    def _forward(self, start: int, end: int) -> float:
        return self.forward_pass(start, end)

    def _backward(self, start: int, end: int) -> None:
        self.backward_pass(start, end)

    def reshape(self) -> None:
        """Let every layer take its new shapes, after an input blob was reshaped."""
        with self.lock:
            for node in self.nodes:
                self._call(node, "reshape", self._reshape_node, node)

    def touch(self, name: str) -> None:
        """Say that a blob's data was written through an array that somebody held."""
        self.blobs[name].touch()

    def set_input_arrays(self, data: Array, labels: Array) -> None:
        """Give the net's first layer, a MemoryData, the arrays that it hands out in batches.

        Parameters
        ----------
        data : array of shape (N, channels, height, width)
            N a multiple of the batch size.
        labels : array with N elements
            One label an item.

        Raises
        ------
        NetError
            When the first layer is not MemoryData.
        """
        reset = getattr(self.layers[0], "reset", None) if self.layers else None
        if reset is None or self.layers[0].type != "MemoryData":
            raise NetError("set_input_arrays needs a MemoryData layer first in the net")
        reset(data, labels)

    def _set_input_arrays(self, data: Array, labels: Array) -> None:
        self.set_input_arrays(data, labels)

    def before_forward(self, callback: Callback) -> None:
        """Call `callback(layer_index)` before each layer's forward."""
        self.hooks.before_forward.append(callback)

    def after_forward(self, callback: Callback) -> None:
        """Call `callback(layer_index)` after each layer's forward."""
        self.hooks.after_forward.append(callback)

    def before_backward(self, callback: Callback) -> None:
        """Call `callback(layer_index)` before each layer's backward."""
        self.hooks.before_backward.append(callback)

    def after_backward(self, callback: Callback) -> None:
        """Call `callback(layer_index)` after each layer's backward."""
        self.hooks.after_backward.append(callback)

    # gradients

    def time(self, iterations: int = 10, **options: Any) -> Times:
        """Run forward, and in TRAIN backward, and return how long each layer takes; `timing.measure` says more."""
        return timing.measure(self, iterations, **options)

    @property
    def transfers(self) -> Transfers:
        """Which blobs were copied between the host and the GPU, and how often."""
        return transfers.of(self)

    def explain_diff(self, name: str) -> Explanation:
        """Return why the diff of a blob (or of the parameters of a layer) is zero, as a chain of reasons.

        Parameters
        ----------
        name : str
            A blob's name, or that of a layer with parameters.

        Raises
        ------
        NetError
            When there is neither.
        """
        with self.lock:
            return explain(self, name)

    def check_gradients(self, layers: Iterable[int | str] | None = None, **options: Any) -> dict[str, Any]:
        """Check the gradients of layers on the net's own blobs; `caffe_nb.check_net` says which options there are.

        Parameters
        ----------
        layers : iterable of int or str, optional
            Indices or names; all that compute a gradient by default.
        **options
            seed, tolerance, max_elements, seconds, full, devices, progress.

        Returns
        -------
        dict of str to GradientReport
            By layer name.
        """
        check = importlib.import_module("caffe_nb.check")  # stands above this package, and is loaded when asked for
        reports: dict[str, Any] = check.check_net(self, layers, **options)
        return reports

    # weights

    def copy_from(self, source: str | os.PathLike[str] | caffe_pb2.NetParameter) -> None:
        """Copy the parameters of the layers of the same names from a .caffemodel(.h5); all shapes are checked first."""
        weights.copy_from(self.nodes, self.learnable_params, source)

    def load_hdf5(self, path: str | os.PathLike[str]) -> None:
        """Copy parameters from a .caffemodel.h5, as `copy_from`."""
        weights.load_hdf5(self.nodes, self.learnable_params, path)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the net with its parameters as a .caffemodel, or in HDF5 where the name ends with ``.h5``."""
        if os.fspath(path).endswith(".h5"):
            self.save_hdf5(path)
        else:
            weights.save(self.param.name, self.nodes, path)

    def save_hdf5(self, path: str | os.PathLike[str], write_diff: bool = False) -> None:
        """Write the net's parameters, and their diffs where asked, in HDF5 (beside its place, then renamed)."""
        weights.save_hdf5(self.nodes, self.learnable_params, path, write_diff)

    def to_proto(self, write_diff: bool = False) -> caffe_pb2.NetParameter:
        """Return the net with its parameters, and their diffs where asked, as a message."""
        return weights.to_proto(self.param, self.nodes, write_diff)

    def share_with(self, other: Net) -> None:
        """Use the memory of another net's parameters, layer by layer name; shapes must agree."""
        weights.share(self.nodes, other.nodes)

    def _fill(self, name: str, value: Any, part: str) -> None:
        blob, shape = self.blobs[name], np.shape(value)
        try:
            if shape[:1] != blob.shape[:1]:  # a whole batch, as pycaffe asks
                raise ValueError
            (blob.data if part == "data" else blob.diff)[...] = value
        except ValueError:
            raise ShapeError(
                f"the {part} of '{name}' has shape {blob.shape}, got an array of shape {shape};"
                " reshape the blob first if the new one is meant"
            ) from None
