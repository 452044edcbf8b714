"""Where a check runs, and what a layer computes on the GPU and on the CPU from the same values, compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from caffe_nb import device
from caffe_nb.check.findings import Finding, in_order
from caffe_nb.check.report import GradientReport, number
from caffe_nb.check.run import Runner
from caffe_nb.check.state import seeded
from caffe_nb.check.subject import Subject
from caffe_nb.errors import NetError

Array = NDArray[Any]
Devices = Literal["cpu", "gpu", "both"]
"""Where a check runs: on the CPU, on the GPU, or on the GPU with a comparison of what both compute."""
TOLERANCE = 1e-5
"""Greatest difference, as a share of the largest value, that is let pass."""


def chosen(devices: Devices | None) -> device.Device | None:
    """Return where to check; None for `devices` is where layers compute now.

    Raises
    ------
    DeviceError
        When a GPU is asked for and there is none; says what to install.
    NetError
        For any other word.
    """
    if devices is None:
        return device.current()
    if devices not in get_args(Devices):
        raise NetError(f"devices is 'cpu', 'gpu' or 'both', got {devices!r}")
    if devices == "cpu":
        return None
    try:
        return device.gpu()
    except device.DeviceError as error:
        message = error.message.replace("compute on the CPU: leave out set_mode_gpu()", "check on it: devices='cpu'")
        raise device.DeviceError(f"devices='{devices}': {message}") from error


def compare(
    make: Callable[[np.dtype[Any]], Subject],
    dtype: np.dtype[Any],
    seed: int,
    tolerance: float | None,
    report: GradientReport,
) -> None:
    """Add to the report of a check on the GPU how far the layer's tops and gradients are from the CPU's.

    Parameters
    ----------
    make : callable
        Makes the layer with its blobs in a type.
    dtype : dtype
        The type.
    seed : int
        Of all random numbers.
    tolerance : float or None
        Greatest difference as a share of the array's largest value; None for 1e-5.
    report : GradientReport
        Gets a finding for each array that differs, and a note.
    """
    backward = any(not row.skipped for row in report.rows)
    here = _computed(make, dtype, seed, backward)
    with device.using(None):
        there = _computed(make, dtype, seed, backward)
    worst = 0.0
    for where, got in here.items():
        finding, error = _difference(where, got, there[where], tolerance or TOLERANCE)
        worst = max(worst, error)
        if finding is not None:
            report.findings.append(finding)
    report.findings = in_order(report.findings)
    what = "tops and gradients" if backward else "tops"
    report.notes.append(
        f"checked on the GPU; its {what} differ from the CPU's by up to {worst:.1e} of the largest value"
    )


def _computed(
    make: Callable[[np.dtype[Any]], Subject], dtype: np.dtype[Any], seed: int, backward: bool
) -> dict[str, Array]:
    """Return the tops and the gradients by their places."""
    with seeded(seed) as random:
        subject = make(dtype)
        runner = Runner(subject, random)
        values = {f"top[{i}]": top for i, top in enumerate(runner.start(np.random.default_rng(seed & 0xFFFFFFFF)))}
        if backward:
            diffs = runner.backward()
            count = len(subject.bottoms)
            asked = [*subject.propagate_down, *(i not in subject.skipped_params for i in range(len(diffs) - count))]
            names = [*(f"bottom[{i}]" for i in range(count)), *(f"param[{i}]" for i in range(len(diffs) - count))]
            values |= {name: diff for name, diff, needed in zip(names, diffs, asked, strict=True) if needed}
    return values


def _difference(where: str, gpu: Array, cpu: Array, tolerance: float) -> tuple[Finding | None, float]:
    if gpu.shape != cpu.shape:
        return Finding("differs-on-gpu", where, f"it has the shape {gpu.shape} on the GPU, {cpu.shape} on the CPU"), 1.0
    if not cpu.size:
        return None, 0.0
    finite = np.isfinite(cpu)
    scale = float(np.abs(cpu[finite]).max(initial=0.0)) or 1.0
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.where((gpu == cpu) | (np.isnan(gpu) & np.isnan(cpu)), 0.0, np.abs(gpu - cpu) / scale)
    apart = np.where(np.isnan(apart), np.inf, apart)
    worst = tuple(int(i) for i in np.unravel_index(int(apart.argmax()), apart.shape))
    error = float(apart[worst])
    if error <= tolerance:
        return None, error
    what = where if where.startswith("top") else f"the gradient of {where}"
    message = (
        f"{what} is another on the GPU: {number(float(gpu[worst]))} at {list(worst)}, on the CPU"
        f" {number(float(cpu[worst]))}; {int((apart > tolerance).sum())} of {apart.size} values differ. Look for code"
        " that only one of them runs: a kernel of its own, addresses, a branch on self.xp"
    )
    return Finding("differs-on-gpu", where, message, worst), error
