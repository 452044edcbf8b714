"""What is known about the layers of each net besides their values: swaps, errors and gradient checks."""

from __future__ import annotations

import itertools
import math
import re
import threading
import traceback
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from numpy.typing import NDArray

import caffe_nb
from caffe_nb.check import GradientReport, listeners
from caffe_nb.errors import CaffeError, NetError
from caffe_nb.inspector.health import Healths
from caffe_nb.inspector.history import Histories
from caffe_nb.inspector.in_place import Passing
from caffe_nb.inspector.pieces import Check, CheckRow, Finding, LayerError, LayerState
from caffe_nb.inspector.sweep import Sweep
from caffe_nb.layers.utility.python import code_version
from caffe_nb.live import Swap, on_swap, swaps
from caffe_nb.net.build import Node
from caffe_nb.net.net import Net, live_nets
from caffe_nb.solvers.finite import NonFiniteError

LONGEST_TRACEBACK = 20_000
ENGINE = str(Path(caffe_nb.__file__).parent)


@dataclass
class Record:
    """What is known about one net's layers, by index."""

    passing: Passing
    """Copies of what layers leave in blobs that others work on in place."""
    notes: dict[int, str] = field(default_factory=dict)
    checks: dict[int, Check] = field(default_factory=dict)
    reports: dict[int, GradientReport] = field(default_factory=dict)
    errors: dict[int, LayerError] = field(default_factory=dict)
    failed: dict[int, str] = field(default_factory=dict)
    """The method whose exception is in `errors`; refused edits are not in it."""
    culprits: dict[int, int] = field(default_factory=dict)
    """The version of the Python layer's code that raised it."""
    times: dict[str, list[float]] = field(default_factory=lambda: {"forward": [], "backward": []})
    """Smoothed milliseconds by layer index, 0 before a layer's first pass."""
    within: dict[str, dict[int, int]] = field(default_factory=lambda: {"forward": {}, "backward": {}})
    """By the index of a layer that ran as one with another: that one, whose time is told for both."""
    sweep: Sweep = field(default_factory=Sweep)
    """Where the net's values are not finite."""

    def listen(self, net: Net) -> None:
        """Note the exceptions of the net's layers from now on; a net without any is not slowed by it."""
        hooks, nodes = net.hooks, net.nodes  # not the net, which is to go when nobody else holds it

        def raised(index: int, method: str, error: BaseException) -> None:
            if not isinstance(error, Exception):  # an interrupt is no fault of the layer
                return
            if not self.failed:
                hooks.after_forward.append(forward_ran)
                hooks.after_backward.append(backward_ran)
            node = nodes[index]
            self.culprits[index] = code_version(type(node.layer)) if node.is_python else 0
            self.failed[index] = method
            self.errors[index] = layer_error(error)

        def forward_ran(index: int) -> None:
            ran(index, "backward")

        def backward_ran(index: int) -> None:
            ran(index, "forward")

        def ran(index: int, other: str) -> None:
            if self.failed.get(index, other) != other:
                self.failed.pop(index, None)
                self.errors.pop(index, None)
            if not self.failed:
                hooks.after_forward[:] = [hook for hook in hooks.after_forward if hook is not forward_ran]
                hooks.after_backward[:] = [hook for hook in hooks.after_backward if hook is not backward_ran]

        hooks.layer_error.append(raised)

    def swapped(self, index: int, swap: Swap) -> None:
        """Note an edit of a layer's code."""
        self.notes[index] = swap.message
        if swap.ok and index in self.failed and self.culprits[index] >= swap.version:
            return  # a running net has run the new code before this was told
        error = self.errors.get(index)
        if swap.refs or not swap.ok or (error and error.refused):  # else it is only a word about the layer
            self.errors.pop(index, None)
            self.failed.pop(index, None)
        if not swap.ok:
            self.errors[index] = LayerError(
                message=swap.message,
                traceback=swap.traceback[-LONGEST_TRACEBACK:],
                path=str(swap.path or ""),
                line=swap.line or 0,
                refused=True,
                not_finite=False,
            )

    def state(self, node: Node) -> LayerState:
        """Return what there is to say about one layer."""
        index = node.index
        return LayerState(
            index=index,
            version=code_version(type(node.layer)) if node.is_python else 0,
            note=self.notes.get(index, ""),
            error=self.errors.get(index),
            check=self.checks.get(index),
        )


def checked_array(record: Record, ref: str) -> NDArray[Any]:
    """Return what a reference into a layer's last check names: ``check:LAYER:ROW:backward``, differences or error.

    Raises
    ------
    NetError
        For what is not there.
    """
    parts = ref.split(":")
    if len(parts) != 4 or not (parts[1].isdecimal() and parts[2].isdecimal()) or parts[3] not in _GRADIENTS:
        raise NetError(f"'{ref}' names no gradient: expected check:LAYER:ROW and backward, differences or error")
    report, row = record.reports.get(int(parts[1])), int(parts[2])
    if report is None or row >= len(report.rows):
        raise NetError("this layer has no such check any more; check it again")
    array: NDArray[Any] = getattr(report.rows[row], _GRADIENTS[parts[3]])
    return array


_GRADIENTS = {"backward": "analytic_array", "differences": "numeric_array", "error": "error_array"}


def export_check(record: Record, node: Node) -> Path:
    """Write a layer's last check as a pytest file into the working folder; return it. No file is overwritten.

    Raises
    ------
    NetError
        Where there is no check any more, or none that a test could run.
    """
    report = record.reports.get(node.index)
    if report is None:
        raise NetError("this layer has no check any more; check it again")
    stem = f"test_{re.sub(r'[^0-9A-Za-z]+', '_', node.name)[:60].strip('_').lower() or 'layer'}"
    names = (f"{stem}{'' if number == 1 else f'_{number}'}" for number in itertools.count(1))
    free = next(name for name in names if not any(Path(f"{name}{end}").exists() for end in (".py", ".npz")))
    return report.export(f"{free}.py").resolve()


class Book:
    """The records of all nets; listens to swaps and checks from `open` on, which costs nothing while there are none.

    Attributes
    ----------
    histories : Histories
        The curves of all solvers.
    healths : Healths
        How the layers of their nets fare.
    """

    def __init__(self) -> None:
        self.histories = Histories()
        self.healths = Healths()
        self._records: WeakKeyDictionary[Net, Record] = WeakKeyDictionary()
        self._guard = threading.Lock()

    def open(self) -> None:
        """Begin to listen; swaps that were made before are taken in."""
        for swap in swaps():
            self._swapped(swap)
        on_swap.append(self._swapped)
        listeners.append(self._checked)

    def close(self) -> None:
        """Stop listening."""
        self.histories.close()
        self.healths.close()
        on_swap.remove(self._swapped)
        listeners.remove(self._checked)

    def record(self, net: Net) -> Record:
        """Return the net's record; from the first call on, exceptions of its layers are noted in it."""
        with self._guard:
            record = self._records.get(net)
            if record is None:
                record = self._records[net] = Record(Passing(net.hooks, net.nodes))
                record.listen(net)
            return record

    def states(self, net: Net) -> list[LayerState]:
        """Return the states of all layers of the net, inserted splits left out."""
        record = self.record(net)
        return [record.state(node) for node in net.nodes if not node.inserted]

    def _swapped(self, swap: Swap) -> None:
        nets = {net.id: net for net in live_nets()}
        for net_id, index in swap.nets:
            if net_id in nets:
                self.record(nets[net_id]).swapped(index, swap)

    def _checked(self, net: Net, index: int, report: GradientReport) -> None:
        record = self.record(net)
        record.checks[index], record.reports[index] = check_message(report, net.nodes[index]), report


def check_message(report: GradientReport, node: Node) -> Check:
    """Return a gradient check as the panel gets it."""
    rows = [
        CheckRow(
            where=row.where,
            shape=[int(n) for n in row.shape],
            max_error=finite(row.max_error),
            worst=[int(i) for i in row.worst],
            analytic=finite(row.analytic),
            numeric=finite(row.numeric),
            ok=bool(row.ok),
            skipped=bool(row.skipped),
            note=row.skipped or row.remark,
            line=row.line,
        )
        for row in report.rows
    ]
    findings = [Finding(kind=each.kind, where=each.where, message=each.message) for each in report.findings]
    path, line = _backward_of(node)
    return Check(ok=bool(report.ok), rows=rows, message=report.message, findings=findings, path=path, line=line)


def _backward_of(node: Node) -> tuple[str, int]:
    """Return file and line of a user's backward; nothing for one in a cell, or where there is none."""
    code = getattr(getattr(type(node.layer), "backward", None), "__code__", None)
    if (
        not node.is_python
        or code is None
        or code.co_filename.startswith(ENGINE)
        or not Path(code.co_filename).is_file()
    ):
        return "", 0
    return code.co_filename, code.co_firstlineno


def finite(value: float) -> float | None:
    """Return a number that JSON has, or None."""
    value = float(value)
    return value if math.isfinite(value) else None


def layer_error(error: Exception) -> LayerError:
    """Return an exception with the user's frames; the engine's own frames are left out."""
    frames = traceback.extract_tb(error.__traceback__)
    users = _after_engine(frames)
    text = error.message if isinstance(error, CaffeError) else str(error)
    lines = traceback.format_list(users) + traceback.format_exception_only(error)
    own = [frame for frame in users if not _in_library(frame.filename)] or users
    return LayerError(
        message=f"{type(error).__name__}: {text}".strip().splitlines()[0],
        traceback="".join(lines)[-LONGEST_TRACEBACK:],
        path=own[-1].filename if own else "",
        line=(own[-1].lineno or 0) if own else 0,
        refused=False,
        not_finite=isinstance(error, NonFiniteError),
    )


def _after_engine(frames: Iterable[traceback.FrameSummary]) -> list[traceback.FrameSummary]:
    return [frame for frame in frames if not frame.filename.startswith(ENGINE)]


def _in_library(filename: str) -> bool:
    return "site-packages" in filename or filename.startswith("<frozen")
