"""cuDNN's Python front end on the host, as far as caffe_nb uses it: the same names, computing where the addresses say.

That the real one has these names and takes these arguments, the tests that want it see.
"""

from __future__ import annotations

import ctypes
from math import prod
from types import ModuleType, SimpleNamespace

import numpy as np

from caffe_nb import device
from caffe_nb.ops import convolution
from caffe_nb.ops.window import Window


class NotSupportedError(Exception):
    """What cuDNN raises for a graph that it does not take."""


class Tensor:
    def __init__(self, dim, stride):
        self.dim, self.stride = dim, stride

    def set_output(self, output):
        assert output
        return self

    def set_dim(self, dim):
        self.dim = dim
        return self

    def set_stride(self, stride):
        self.stride = stride
        return self

    def at(self, address):
        """Return the array at an address."""
        assert self.stride == [prod(self.dim[axis + 1 :]) for axis in range(len(self.dim))]
        memory = (ctypes.c_float * prod(self.dim)).from_address(address)
        return np.frombuffer(memory, np.float32).reshape(self.dim)


class Graph:
    """A graph of one operation; it wants its steps in their order."""

    STEPS = ("validate", "build_operation_graph", "create_execution_plans", "check_support", "build_plans")

    def __init__(self, front_end, handle):
        self._front_end, self._handle, self._steps = front_end, handle, []

    def tensor(self, dim, stride, name):
        return Tensor(dim, stride)

    def conv_fprop(self, image, weight, padding, stride, dilation):
        def run(out, images, kernels, window):
            convolution.convolve(images, kernels, None, window, images.shape[1] // kernels.shape[1], out)

        return self._operation(run, image, weight, padding, stride, dilation)

    def conv_dgrad(self, loss, filter, padding, stride, dilation):
        def run(out, gradient, kernels, window):
            convolution.input_gradient(gradient, kernels, window, out.shape[1] // kernels.shape[1], out)

        return self._operation(run, loss, filter, padding, stride, dilation)

    def conv_wgrad(self, image, loss, padding, stride, dilation):
        def run(out, images, gradient, window):
            out[...] = 0
            convolution.add_weight_gradient(images, gradient, window, images.shape[1] // out.shape[1], out)

        return self._operation(run, image, loss, padding, stride, dilation)

    def _operation(self, run, first, second, padding, stride, dilation):
        self._run, self._first, self._second, self._out = run, first, second, Tensor(None, None)
        self._steps_of_window = tuple(stride), tuple(padding), tuple(dilation)
        return self._out

    def _step(self, name):
        assert name == self.STEPS[len(self._steps)]
        self._steps.append(name)

    def validate(self):
        self._step("validate")

    def build_operation_graph(self):
        self._step("build_operation_graph")
        self._front_end.built += 1

    def create_execution_plans(self, heuristics):
        self._step("create_execution_plans")
        assert heuristics == ["A", "FALLBACK"]

    def deselect_numeric_notes(self, notes):
        assert self._steps[-1] == "create_execution_plans"  # before there are plans it selects nothing
        assert "TENSOR_CORE" in notes

    def deselect_workspace_greater_than(self, workspace_limit):
        assert workspace_limit > 0

    def check_support(self):
        self._step("check_support")
        if self._front_end.refuses:
            raise NotSupportedError("no engine for it")

    def build_plans(self):
        self._step("build_plans")

    def get_workspace_size(self):
        return self._front_end.workspace

    def execute(self, tensor_dict, workspace, handle):
        assert self._steps == list(self.STEPS)
        assert handle is self._handle
        assert handle.stream is not None
        ctypes.memset(workspace, 0xFF, self._front_end.workspace)
        first, second, out = (tensor.at(tensor_dict[tensor]) for tensor in (self._first, self._second, self._out))
        kernel = (out if self._run.__qualname__.startswith("Graph.conv_wgrad") else second).shape[2:]
        with device.using(None):
            self._run(out, first, second, Window(kernel, *self._steps_of_window))
        out *= self._front_end.factor
        self._front_end.executed += 1


class FrontEnd(ModuleType):
    """The module.

    Attributes
    ----------
    built, executed : int
        How many graphs were built and run.
    refuses : bool
        Whether it takes no graph.
    factor : float
        What it multiplies results with: 1 is right.
    workspace : int
        Bytes of work space that graphs ask for.
    handles : list
        That were made.
    """

    data_type = SimpleNamespace(FLOAT="FLOAT")
    heur_mode = SimpleNamespace(A="A", FALLBACK="FALLBACK")
    numerical_note = SimpleNamespace(
        **{
            name: name
            for name in ("TENSOR_CORE", "DOWN_CONVERT_INPUTS", "REDUCED_PRECISION_REDUCTION", "NONDETERMINISTIC")
        }
    )

    def __init__(self):
        super().__init__("cudnn")
        self.built = self.executed = 0
        self.refuses, self.factor, self.workspace, self.handles = False, 1.0, 100, []

    def backend_version_string(self):
        return "9.28.0"

    def create_handle(self):
        self.handles.append(SimpleNamespace(stream=None))
        return self.handles[-1]

    def set_stream(self, handle, stream):
        handle.stream = stream

    def pygraph(self, io_data_type, intermediate_data_type, compute_data_type, handle):
        assert {io_data_type, intermediate_data_type, compute_data_type} == {"FLOAT"}
        return Graph(self, handle)
