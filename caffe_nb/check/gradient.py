"""The gradient check: of a layer alone, of a layer of a live net, of a whole net."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from caffe_nb import device
from caffe_nb.check.devices import Devices, chosen, compare
from caffe_nb.check.differences import Comparison, Progress, Settings
from caffe_nb.check.export import Case
from caffe_nb.check.report import GradientReport
from caffe_nb.check.run import Runner
from caffe_nb.check.state import seeded
from caffe_nb.check.subject import BottomLike, LayerLike, Request, Subject, of_node
from caffe_nb.check.verdict import find
from caffe_nb.core.layer import Phase
from caffe_nb.errors import CaffeError, NetError, did_you_mean, listing

if TYPE_CHECKING:
    from caffe_nb.net.build import Node
    from caffe_nb.net.net import Net

Listener = Callable[["Net", int, GradientReport], object]

listeners: list[Listener] = []
"""Called with the net, the layer's index and the report after each `check_node`."""


def check_layer(  # noqa: PLR0913  (each is a question of its own)
    layer: LayerLike,
    bottoms: Sequence[BottomLike],
    *,
    tops: int = 1,
    param_str: str = "",
    phase: str | int = "TRAIN",
    propagate_down: Sequence[bool] | None = None,
    seed: int = 0,
    tolerance: float | None = None,
    params: Sequence[ArrayLike] | None = None,
    max_elements: int = 1000,
    full: bool = False,
    devices: Devices | None = None,
    progress: Progress | None = None,
) -> GradientReport:
    """Check a layer's backward against central differences of its forward, in float64 where the layer allows it.

    The objective is the sum of all tops times random top diffs. All elements of all bottoms and parameters that take a
    gradient are moved at once, up and down a random line, by steps that fit their sizes and gradients; where that is
    off, or on request, each element by itself. NumPy's, caffe_nb's and Python's random numbers are the same in every
    forward.

    Parameters
    ----------
    layer : type, str or LayerParameter
        A subclass of `caffe.Layer`, ``"module:Class"``, the name of a layer type, or a layer's prototxt.
    bottoms : sequence of arrays or shapes
        Values of the bottoms; a shape (a tuple or list of whole numbers) stands for random normal values.
    tops : int, default 1
        Number of tops.
    param_str : str, default ""
        For Python layers.
    phase : str or int, default "TRAIN"
        TRAIN or TEST.
    propagate_down : sequence of bool, optional
        Which bottoms to check; by default all but labels (bottoms of a loss that backward refuses or leaves alone).
    seed : int, default 0
        Of all random numbers.
    tolerance : float, optional
        Greatest relative error that passes; by default 1e-5, more where the layer rounds to float32.
    params : sequence of arrays, optional
        Values of the parameters, in place of those that `setup` gives them.
    max_elements : int, default 1000
        Where the line is off, blobs with so many elements are compared one by one; larger ones along a line of their
        own, and where that is off too in so many elements and those that spoil the line.
    full : bool, default False
        Compare every element by itself, however many there are, without asking a line first.
    devices : {"cpu", "gpu", "both"}, optional
        Where the layer runs; by default where layers compute now. "both" checks on the GPU and compares the tops and
        gradients there with the CPU's.
    progress : callable, optional
        Called with the elements done and the elements in all.

    Returns
    -------
    GradientReport
        Prints as a table; `.ok` tells whether all is right.

    Raises
    ------
    DeviceError
        When a GPU is asked for and there is none.
    Exception
        What the layer raises, as itself.
    """
    __tracebackhide__ = True
    settings = Settings(seed, tolerance, max_elements, full=full, progress=progress, devices=devices)
    made = Request(layer, list(bottoms), tops, param_str, _phase(phase), propagate_down, params, seed)
    return _check(made.make, settings)


def check_node(
    net: Net,
    layer: int | str,
    *,
    propagate_down: Sequence[bool] | None = None,
    seed: int = 0,
    tolerance: float | None = None,
    max_elements: int = 256,
    seconds: float | None = 5.0,
    full: bool = False,
    devices: Devices | None = None,
    progress: Progress | None = None,
) -> GradientReport:
    """Check a layer of a live net on the values that the net's blobs hold now; the net is only read.

    The layer runs on float64 copies of the blobs: a built-in layer is made anew with the net's parameters and runs on
    the first items of a large batch, a user's layer is copied with all its attributes.

    Parameters
    ----------
    net : Net
        The net; its lock is held meanwhile.
    layer : int or str
        Index or name of the layer.
    propagate_down : sequence of bool, optional
        Which bottoms to check; by default those that need a gradient in the net.
    seed, tolerance, progress
        As for `check_layer`.
    max_elements : int, default 256
        As for `check_layer`.
    full, devices
        As for `check_layer`.
    seconds : float, optional
        About how long the layer may take, 5 by default: a slow layer's blobs are sampled more thinly. None for no
        limit.

    Returns
    -------
    GradientReport
        Prints as a table.

    Raises
    ------
    NetError
        For a layer that the net does not have.
    DeviceError
        When a GPU is asked for and there is none.
    Exception
        What the layer raises, as itself.
    """
    __tracebackhide__ = True
    with net.lock:
        node = _find(net, layer)
        settings = Settings(seed, tolerance, max_elements, None if full else seconds, full, progress, devices)
        report = _check(lambda dtype: of_node(net, node, dtype, propagate_down), settings)
    for listener in tuple(listeners):
        listener(net, node.index, report)
    return report


def check_net(
    net: Net,
    layers: Iterable[int | str] | None = None,
    *,
    seed: int = 0,
    tolerance: float | None = None,
    max_elements: int = 256,
    seconds: float | None = 5.0,
    full: bool = False,
    devices: Devices | None = None,
    progress: Progress | None = None,
) -> dict[str, GradientReport]:
    """Check the layers of a live net, each on the net's own blobs.

    Parameters
    ----------
    net : Net
        The net; it is only read.
    layers : iterable of int or str, optional
        Indices or names; by default all layers that compute a gradient in this net, inserted splits left out.
    seed, tolerance, max_elements, seconds, full, devices
        As for `check_node`; seconds are for each layer.
    progress : callable, optional
        Called with the layers done and the layers in all, each as a fraction of its elements: in thousandths.

    Returns
    -------
    dict of str to GradientReport
        By layer name, in the net's order; a second layer of the same name is called ``name#index``.
    """
    __tracebackhide__ = True
    if layers is None:
        nodes = [node for node in net.nodes if not node.inserted and _has_gradient(node)]
    else:
        nodes = [_find(net, layer) for layer in layers]
    reports: dict[str, GradientReport] = {}
    for done, node in enumerate(nodes):

        def part(elements: int, total: int, done: int = done) -> None:
            if progress is not None:
                progress(1000 * done + 1000 * elements // max(total, 1), 1000 * len(nodes))

        report = check_node(
            net,
            node.index,
            seed=seed,
            tolerance=tolerance,
            max_elements=max_elements,
            seconds=seconds,
            full=full,
            devices=devices,
            progress=part,
        )
        reports[f"{node.name}#{node.index}" if node.name in reports else node.name] = report
    return reports


def _excuse(report: GradientReport, why: str) -> None:
    """Leave out the rows of a built-in layer whose backward is, on purpose, not quite the derivative."""
    for row in report.rows:
        if not row.ok and not row.fault:
            row.ok, row.line, row.skipped = True, False, f"no derivative, on purpose, as in Caffe: {why}"


def _has_gradient(node: Node) -> bool:
    return node.needs_backward and (any(node.propagate_down) or any(node.layer.param_propagate_down))


def _find(net: Net, layer: int | str) -> Node:
    if isinstance(layer, str):
        for node in net.nodes:
            if node.name == layer:
                return node
        names = [node.name for node in net.nodes if not node.inserted]
        raise NetError(
            f"the net has no layer '{layer}'.{did_you_mean(layer, names)} It has {listing(names)}",
            where=f"net '{net.name}'",
        )
    if not -len(net.nodes) <= layer < len(net.nodes):
        raise NetError(f"the net has {len(net.nodes)} layers, there is no layer {layer}", where=f"net '{net.name}'")
    return net.nodes[layer]


def _phase(phase: str | int) -> Phase:
    try:
        return Phase[phase.upper()] if isinstance(phase, str) else Phase(phase)
    except (KeyError, ValueError):
        raise NetError(f"phase is 'TRAIN' or 'TEST', got {phase!r}") from None


def _check(make: Callable[[np.dtype[Any]], Subject], settings: Settings) -> GradientReport:
    """Check where the settings say, in float64; where the layer cannot run on that, in float32."""
    __tracebackhide__ = True
    with device.using(chosen(settings.devices)):
        return _check_here(make, settings)


def _check_here(make: Callable[[np.dtype[Any]], Subject], settings: Settings) -> GradientReport:
    __tracebackhide__ = True
    try:
        return _attempt(make, np.dtype(np.float64), settings)
    except CaffeError:
        raise
    except (TypeError, ValueError) as problem:
        first = problem
    try:
        report = _attempt(make, np.dtype(np.float32), settings)
    except Exception:
        raise first from None
    report.notes.insert(0, f"the layer does not run in float64 ({type(first).__name__}: {first}); checked in float32")
    return report


def _attempt(make: Callable[[np.dtype[Any]], Subject], dtype: np.dtype[Any], settings: Settings) -> GradientReport:
    __tracebackhide__ = True
    with seeded(settings.seed) as random:
        subject = make(dtype)
        try:
            comparison = Comparison(Runner(subject, random), settings)
            report = comparison.report()
            report.case = Case.of(subject, comparison.runner.values, settings.seed) if comparison.tops else None
            if subject.built_in and subject.layer.inexact:
                _excuse(report, subject.layer.inexact)
            report.findings = find(comparison, report)
            report.forwards, report.backwards = comparison.runner.forwards, comparison.runner.backwards
            if settings.devices == "both" and comparison.runner.repeats:
                compare(make, dtype, settings.seed, settings.tolerance, report)
            return report
        except CaffeError as error:
            error.where = error.where or subject.title
            raise
        except Exception as error:
            error.add_note(f"in the gradient check of {subject.title}")
            raise
