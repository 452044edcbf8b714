"""Convolution by cuDNN, through its own Python front end, where that is installed (``nvidia-cudnn-frontend``).

A convolution or one of its gradients becomes a graph of one operation, built once for each shape. The way that is there
without cuDNN is never far: it computes what cuDNN does not take, and the first time for each shape both compute, and
cuDNN goes on only if it gives the same.

Only float32, and only as float32: no kernel that rounds its inputs (TF32), and none that gives other bits each time.
"""

from __future__ import annotations

import importlib
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from caffe_nb import device
from caffe_nb.ops.window import Window

log = logging.getLogger("caffe_nb")

FORWARD, IMAGES, KERNELS = "forward", "gradient of the images", "gradient of the kernels"

REFUSED = ("TENSOR_CORE", "DOWN_CONVERT_INPUTS", "REDUCED_PRECISION_REDUCTION", "NONDETERMINISTIC")
"""What cuDNN notes of kernels that are not used: with float32, tensor cores round to TF32."""
WORKSPACE = 1 << 28
"""Most bytes of work space, which come from the device's pool for each call."""
TOLERANCE = 1e-4
"""By how much of the largest value the two ways may differ; rounding to TF32 makes more."""
ALIGNED = 16
"""Bytes: the addresses that kernels take are multiples of it."""
MOST = 1024
"""Graphs that a thread keeps."""


@dataclass(frozen=True)
class Task:
    """What to compute, for one shape.

    Attributes
    ----------
    kind : str
        FORWARD from images and kernels, IMAGES from the result's gradient and kernels, or KERNELS from images and the
        result's gradient.
    first, second, out : tuple of int
        The shapes of the two arrays that it takes, and of what it gives.
    window : Window
        The kernel's extents. How many groups there are, the shapes say.
    """

    kind: str
    first: tuple[int, ...]
    second: tuple[int, ...]
    out: tuple[int, ...]
    window: Window

    def __str__(self) -> str:
        return f"convolution ({self.kind}) of {self.first} and {self.second} to {self.out}, {self.window}"


@dataclass
class Plan:
    """A graph that is ready to run.

    Attributes
    ----------
    graph : cudnn.pygraph
        The graph.
    first, second, out : cudnn tensor
        Its two inputs and its output.
    workspace : int
        Bytes of work space.
    same : bool
        Whether it has been seen to give what the other way gives.
    """

    graph: Any
    first: Any
    second: Any
    out: Any
    workspace: int
    same: bool = False


def build(cudnn: Any, task: Task, **place: Any) -> Plan:
    """Return a graph for a task.

    Parameters
    ----------
    cudnn : module
        The front end.
    task : Task
        What it is to compute.
    **place
        Where: ``handle``, or for a device that is not there what `cudnn.pygraph` takes instead.

    Raises
    ------
    Exception
        What cuDNN raises for a task that it does not take.
    """
    real = cudnn.data_type.FLOAT
    graph = cudnn.pygraph(io_data_type=real, intermediate_data_type=real, compute_data_type=real, **place)
    first, second = (
        graph.tensor(dim=list(shape), stride=_strides(shape), name=name)
        for shape, name in ((task.first, "first"), (task.second, "second"))
    )
    steps = {
        "padding": list(task.window.pad),
        "stride": list(task.window.stride),
        "dilation": list(task.window.dilation),
    }
    if task.kind == FORWARD:
        out = graph.conv_fprop(image=first, weight=second, **steps)
    elif task.kind == IMAGES:
        out = graph.conv_dgrad(loss=first, filter=second, **steps)
    else:
        out = graph.conv_wgrad(image=first, loss=second, **steps)
    out.set_output(True).set_dim(list(task.out)).set_stride(_strides(task.out))
    graph.validate()
    graph.build_operation_graph()
    graph.create_execution_plans([cudnn.heur_mode.A, cudnn.heur_mode.FALLBACK])
    graph.deselect_numeric_notes([getattr(cudnn.numerical_note, name) for name in REFUSED])
    graph.deselect_workspace_greater_than(WORKSPACE)
    graph.check_support()
    graph.build_plans()
    return Plan(graph, first, second, out, graph.get_workspace_size())


class _Thread(threading.local):
    """What a thread has of cuDNN: a handle may serve one thread at a time."""

    def __init__(self) -> None:
        self.handles: dict[int, Any] = {}
        self.plans: dict[tuple[int, Task], Plan | None] = {}
        self.aside = False  # while the other way computes


_thread = _Thread()


def version() -> str:
    """Return the version of the cuDNN that computes convolutions on a GPU, as "9.28.0"; empty where there is none."""
    cudnn = _front_end()
    return "" if cudnn is None else str(cudnn.backend_version_string())


def takes(*arrays: Any) -> bool:
    """Whether cuDNN is there and may compute with these arrays, which is to be asked before `compute`.

    It takes what lies on a GPU in float32, with two or three spatial axes, some elements, and these one after another.
    """
    gpu = device.current()
    if gpu is None or not device.holds(arrays[0]) or _thread.aside or _front_end() is None:
        return False
    return all(
        array.dtype == np.float32
        and array.ndim in (4, 5)
        and array.size
        and array.flags.c_contiguous
        and gpu.address(array) % ALIGNED == 0
        for array in arrays
    )


def compute(kind: str, first: Any, second: Any, out: Any, window: Window, otherwise: Callable[[], None]) -> bool:
    """Compute a convolution or one of its gradients, if cuDNN does so for these shapes.

    Parameters
    ----------
    kind : str
        As `Task` has it.
    first, second, out : arrays of the device
        What it takes, and where to write.
    window : Window
        The kernel's extents.
    otherwise : callable
        Writes `out` without cuDNN.

    Returns
    -------
    bool
        Whether `out` is written; False: go the other way.
    """
    gpu, cudnn = device.current(), _front_end()
    assert gpu is not None
    task = Task(kind, first.shape, second.shape, out.shape, window)
    key = gpu.number, task
    if key not in _thread.plans:
        if len(_thread.plans) >= MOST:
            del _thread.plans[next(iter(_thread.plans))]
        _thread.plans[key] = _attempt(task, lambda: build(cudnn, task, handle=_handle(cudnn, gpu)))
    plan = _thread.plans[key]
    if plan is None:
        return False
    if plan.same:
        _run(cudnn, gpu, plan, first, second, out)
        return True
    _thread.aside = True
    try:
        otherwise()
    finally:
        _thread.aside = False
    _thread.plans[key] = _attempt(task, lambda: _compared(cudnn, gpu, plan, first, second, out))
    return True


def _attempt(task: Task, make: Callable[[], Plan]) -> Plan | None:
    """Return a plan, or None where cuDNN fails, whatever it says: the other way is there."""
    try:
        return make()
    except Exception as error:  # of many types, some of them the extension module's own
        log.debug("%s goes without cuDNN: %s", task, error)
        return None


def _compared(cudnn: Any, gpu: device.Device, plan: Plan, first: Any, second: Any, expected: Any) -> Plan:
    """Return the plan, taken note whether it gives what is expected; values that tell nothing leave that open."""
    got = gpu.xp.empty(expected.shape, expected.dtype)
    _run(cudnn, gpu, plan, first, second, got)
    largest = float(abs(expected).max())
    if np.isfinite(largest) and largest > 0:
        apart = float(abs(got - expected).max())
        if not apart <= TOLERANCE * largest:
            raise ArithmeticError(f"it differs by {apart:g} where the largest value is {largest:g}")
        plan.same = True
    return plan


def _run(cudnn: Any, gpu: device.Device, plan: Plan, first: Any, second: Any, out: Any) -> None:
    """Tell the device to compute, after what it was told before."""
    handle = _handle(cudnn, gpu)
    cudnn.set_stream(handle, gpu.stream())
    workspace = gpu.xp.empty(max(plan.workspace, 1), np.uint8)
    arrays = {plan.first: first, plan.second: second, plan.out: out}
    addresses = {tensor: gpu.address(array) for tensor, array in arrays.items()}
    plan.graph.execute(addresses, gpu.address(workspace), handle=handle)


def _handle(cudnn: Any, gpu: device.Device) -> Any:
    if gpu.number not in _thread.handles:
        _thread.handles[gpu.number] = cudnn.create_handle()
    return _thread.handles[gpu.number]


@cache
def _front_end() -> Any:
    """Return the front end, or None where it or cuDNN itself is missing."""
    try:
        cudnn = importlib.import_module("cudnn")
        log.debug("convolution through cuDNN %s", cudnn.backend_version_string())
    except Exception as error:  # of a library that cannot be loaded, too
        log.debug("convolution without cuDNN: %s", error)
        return None
    return cudnn


def _strides(shape: Sequence[int]) -> list[int]:
    """Return the strides, in elements, of an array whose elements follow one another."""
    strides = [1]
    for length in shape[:0:-1]:
        strides.insert(0, strides[0] * length)
    return strides
