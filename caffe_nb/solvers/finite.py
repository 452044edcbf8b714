"""The first bad tensor: a run stops at the layer where a NaN or an infinity is born."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from caffe_nb.core.blob import Array, Blob
from caffe_nb.errors import CaffeError
from caffe_nb.net import Net
from caffe_nb.net.build import Node
from caffe_nb.solvers.base import Solver

Part = Literal["data", "diff"]
Method = Literal["forward", "backward", "update"]


@dataclass(frozen=True)
class Bad:
    """The first value that was not finite.

    Attributes
    ----------
    layer : int
        Index of the layer that wrote it; for an update, of the layer whose parameter it is.
    name : str
        The layer's name.
    blob : str
        As ``top 'ip1'``, ``bottom 'data'`` or ``parameter 0``.
    ref : str
        The same for the inspector: ``top:LAYER:INDEX``, ``bottom:LAYER:INDEX`` or ``param:LAYER:INDEX``.
    part : {"data", "diff"}
        What of the blob it is in.
    index : tuple of int
        Its place, the first one in C order.
    value : float
        NaN or an infinity.
    count : int
        How many there are in the blob.
    method : {"forward", "backward", "update"}
        What brought it about.
    iteration : int or None
        The solver's iteration; None where no solver runs.
    """

    layer: int
    name: str
    blob: str
    ref: str
    part: Part
    index: tuple[int, ...]
    value: float
    count: int
    method: Method
    iteration: int | None


class NonFiniteError(CaffeError, ArithmeticError):
    """A NaN or an infinity where `stop_at_nan` looks for them.

    Parameters
    ----------
    message : str
        What was found, where it comes from, and what to do.
    bad : Bad
        The same, to be used by programs.
    where : str, default ""
        The layer's place.
    """

    def __init__(self, message: str, bad: Bad, *, where: str = "") -> None:
        super().__init__(message, where=where)
        self.bad = bad


def stop_at_nan(target: Solver | Net, on: bool = True) -> None:
    """Let a run stop where a NaN or an infinity appears first, or let it go on as Caffe does.

    After each layer its tops (forward), and the diffs of its bottoms and parameters (backward) are looked through;
    after an update the parameters. At the first value that is not finite the run raises, and the net is paused at that
    layer: `step` (or `net.resume`) runs it again once the mend is made. While this is off nothing is looked at, and
    nothing costs time.

    Parameters
    ----------
    target : Solver or Net
        What to look after; of a solver, the net that it trains.
    on : bool, default True
        Whether to look.

    Raises
    ------
    TypeError
        For anything else than a solver or a net.

    Examples
    --------
    >>> caffe_nb.stop_at_nan(solver)  # doctest: +SKIP
    >>> solver.step(1000)  # doctest: +SKIP
    NonFiniteError: layer 'ip1' (InnerProduct): NaN at [0, 3] of top 'ip1' in forward of iteration 17 ...
    """
    if not isinstance(target, Net | Solver):
        raise TypeError(f"stop_at_nan takes a solver or a net, got {type(target).__name__}")
    net = target.net if isinstance(target, Solver) else target
    watch = _watches.get(net)
    if watch is not None:
        watch.close(net)
        del _watches[net]
    if on:
        _watches[net] = _Watch(net, target if isinstance(target, Solver) else None)


def stops_at_nan(net: Net) -> bool:
    """Whether `stop_at_nan` is on for a net."""
    return net in _watches


def first_bad(net: Net) -> Bad | None:
    """Return what a net stopped at, as long as it stands."""
    watch = _watches.get(net)
    return None if watch is None else watch.found


def forget(net: Net) -> None:
    """Take what a net stopped at as undone."""
    if net in _watches:
        _watches[net].found = None


class _Watch:
    """Looks through what the layers of a net write."""

    def __init__(self, net: Net, solver: Solver | None) -> None:
        self.found: Bad | None = None
        self._solver = None if solver is None else weakref.ref(solver)
        known = weakref.ref(net)
        self._forward: Callable[[int], None] = partial(self._ran, known, "forward")
        self._backward: Callable[[int], None] = partial(self._ran, known, "backward")
        net.hooks.after_forward.append(self._forward)
        net.hooks.after_backward.append(self._backward)
        if solver is not None:
            solver.hooks.after_iteration.append(self._updated)

    def close(self, net: Net) -> None:
        with suppress(ValueError):
            net.hooks.after_forward.remove(self._forward)
        with suppress(ValueError):
            net.hooks.after_backward.remove(self._backward)
        solver = self._driver()
        if solver is not None:
            with suppress(ValueError):
                solver.hooks.after_iteration.remove(self._updated)

    def _driver(self) -> Solver | None:
        return None if self._solver is None else self._solver()

    def _ran(self, known: weakref.ref[Net], method: Method, index: int) -> None:
        __tracebackhide__ = True
        net = known()
        if net is None:
            return
        node = net.nodes[index]
        arrays: list[tuple[str, int, Part, Array]]
        if method == "forward":
            arrays = [("top", i, "data", top.peek()) for i, top in enumerate(node.tops)]
        else:
            arrays = [
                ("bottom", i, "diff", blob.peek("diff"))
                for i, (blob, needed) in enumerate(zip(node.bottoms, node.propagate_down, strict=False))
                if needed
            ]
            arrays += [("param", i, "diff", blob.peek("diff")) for i, blob in enumerate(node.layer.blobs)]
        for kind, place, part, array in arrays:
            if spoilt(array):
                solver = self._driver()
                self.found = _bad(node, kind, place, part, array, method, solver.iter if solver else None)
                error = NonFiniteError(_message(self.found, node), self.found, where=node.where)
                accumulates = solver is not None and solver.param.iter_size > 1
                net.stop_at(error, anew=method == "backward" and accumulates)
        if self.found is not None and (self.found.layer, self.found.method) in ((index, method), (index, "update")):
            self.found = None

    def _updated(self, solver: Solver) -> None:
        __tracebackhide__ = True
        for blob in solver.net.learnable_params:
            if not spoilt(blob.peek()):
                continue
            node, place = _owner(solver.net, blob)
            self.found = _bad(node, "param", place, "data", blob.const_data, "update", solver.iter - 1)
            error = NonFiniteError(_message(self.found, node), self.found, where=node.where)
            for listener in solver.net.hooks.layer_error:
                listener(node.index, "update", error)
            raise error


_watches: weakref.WeakKeyDictionary[Net, _Watch] = weakref.WeakKeyDictionary()


def spoilt(array: Array) -> bool:
    """Whether any value is not finite: one pass, for a bad value spoils the sum, and a second one where it does."""
    if array.dtype.kind != "f":
        return False
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(array.sum()):
            return False
    return not bool(np.isfinite(array).all())


def _bad(node: Node, kind: str, place: int, part: Part, array: Array, method: Method, iteration: int | None) -> Bad:
    wrong = ~np.isfinite(array)
    index = tuple(int(i) for i in np.unravel_index(int(np.argmax(wrong)), array.shape))
    names = {"top": node.top_names, "bottom": node.bottom_labels}.get(kind)
    blob = f"parameter {place}" if names is None else f"{kind} '{names[place]}'"
    ref = f"{kind}:{node.index}:{place}"
    value, count = float(array[index]), int(wrong.sum())
    return Bad(node.index, node.name, blob, ref, part, index, value, count, method, iteration)


def _message(bad: Bad, node: Node) -> str:
    value = "NaN" if np.isnan(bad.value) else "an infinity"
    what = bad.blob if bad.part == "data" else f"the diff of {bad.blob}"
    when = "" if bad.iteration is None else f" of iteration {bad.iteration}"
    more = f" ({bad.count} values are not finite)" if bad.count > 1 else ""
    where = f"at {list(bad.index)} of" if bad.index else "in"
    return f"{value} {where} {what} after the {bad.method}{when}{more}. {_cause(bad, node)}"


def _cause(bad: Bad, node: Node) -> str:
    """Return where it comes from, and what to do."""
    if bad.method == "update":
        return "The gradient was finite, the step was not: lower base_lr, or set clip_gradients. rewind goes back"
    again = "The net is paused at this layer; mend the cause and run again to go on from here"
    params = _spoilt((f"parameter {i}", blob.const_data) for i, blob in enumerate(node.layer.blobs))
    if params:
        return f"{_capital(params)} of the layer is not finite. {again}"
    if bad.method == "forward":
        source = "" if node.bottoms else "The layer has no bottoms: it is in the data. Running again takes new ones. "
        read = _spoilt((f"bottom '{n}'", b.const_data) for n, b in _others(node.bottom_labels, node.bottoms, node.tops))
    else:
        source = ""
        read = _spoilt(
            (f"the diff of top '{n}'", b.const_diff) for n, b in _others(node.top_names, node.tops, node.bottoms)
        )
    if read:
        return f"{_capital(read)} was not finite before. {again}"
    return source + (again if source else f"All that the layer read was finite: it was born here. {again}")


def _others(names: Iterable[str], blobs: Iterable[Blob], written: Iterable[Blob]) -> Iterable[tuple[str, Blob]]:
    """Return the blobs that the layer did not overwrite."""
    own = [id(blob) for blob in written]
    return [(name, blob) for name, blob in zip(names, blobs, strict=False) if id(blob) not in own]


def _spoilt(named: Iterable[tuple[str, Array]]) -> str:
    return next((name for name, array in named if spoilt(array)), "")


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _owner(net: Net, param: Blob) -> tuple[Node, int]:
    return next(
        (node, place)
        for node in net.nodes
        for place, blob in enumerate(node.layer.blobs)
        if blob is param or blob.shares_data(param)
    )
