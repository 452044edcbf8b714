"""Forward and backward of the zoo's nets and of single layers, in turn with PyTorch where that is installed.

``python -m tests.bench.speed [NET ...] [--threads N] [--seconds S] [--write FILE]``. Each net runs in a process of its
own, and so does PyTorch; rounds of both alternate, so that what else the machine does falls on both.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.bench.layers import LAYERS, NETS

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
EIGHT = [name for name in NETS if name not in LAYERS and name != "resnet152"]
ROUNDS = 5


class Side:
    """A process that times one net, ours or PyTorch's, round by round."""

    def __init__(self, module: str, net: str, threads: int) -> None:
        environment = dict(os.environ) | {name: str(threads) for name in THREAD_VARIABLES}
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, net, str(threads)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.first: dict[str, Any] = self._answer()
        self.forward: list[float] = []
        self.backward: list[float] = []

    def round(self, seconds: float) -> None:
        """Run for about so many seconds, at least once."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{seconds}\n")
        self._process.stdin.flush()
        answer = self._answer()
        self.forward += answer["forward"]
        self.backward += answer["backward"]

    def close(self) -> int:
        """End it; return its greatest memory in MB."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        peak = int(self._answer()["peak"])
        self._process.wait()
        return peak

    @property
    def total(self) -> float:
        """Median of forward plus median of backward, in milliseconds."""
        return 1e3 * (statistics.median(self.forward) + statistics.median(self.backward))

    @property
    def medians(self) -> list[str]:
        """Forward and backward in milliseconds."""
        return [f"{1e3 * statistics.median(times):.3g}" for times in (self.forward, self.backward)]

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("the process that was timed has ended")
        answer: dict[str, Any] = json.loads(line)
        return answer


COLUMNS = ("", "forward ms", "backward ms", "PyTorch forward", "backward", "ratio", "first s", "peak MB")


def measure(net: str, threads: int, seconds: float, peer: bool) -> tuple[list[str], float | None]:
    """Return a row of the table, and the ratio to PyTorch."""
    ours = Side("tests.bench.ours", net, threads)
    other = Side("tests.bench.peer", net, threads) if peer else None
    for _ in range(ROUNDS):
        ours.round(seconds / ROUNDS)
        if other:
            other.round(seconds / ROUNDS)
    ratio = ours.total / other.total if other else None
    row = [
        net,
        *ours.medians,
        *(other.medians if other else ("", "")),
        f"{ratio:.2f}" if ratio else "",
        f"{ours.first['seconds']:.1f}",
        str(ours.close()),
    ]
    if other:
        other.close()
    return row, ratio


def table(nets: Sequence[str], threads: int, seconds: float, peer: bool) -> list[str]:
    """Measure nets, or single layers; print the table while it grows, and return its lines."""
    lines = [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
    print("\n".join(lines), flush=True)
    ratios = []
    for net in nets:
        row, ratio = measure(net, threads, seconds, peer)
        lines.append(f"| {' | '.join(row)} |")
        ratios += [ratio] if ratio else []
        print(lines[-1], flush=True)
    if ratios:
        lines += ["", f"Geometric mean of the ratios: {math.exp(statistics.mean(map(math.log, ratios))):.2f}."]
        print("\n".join(lines[-2:]), flush=True)
    return lines


def main(arguments: list[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("nets", nargs="*", metavar="NET", help=", ".join(NETS))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=6.0, help="of each side, for each net; a layer gets a third")
    parser.add_argument("--write", type=Path, help="a file for the tables")
    args = parser.parse_args(arguments)
    peer = importlib.util.find_spec("torch") is not None
    lines = [heading(args.threads, peer), ""]
    print("\n".join(lines), flush=True)
    lines += table(args.nets or EIGHT, args.threads, args.seconds, peer)
    if not args.nets:
        print()
        lines += ["", *table(list(LAYERS), args.threads, args.seconds / 3, peer)]
    if args.write:
        args.write.write_text("\n".join(lines) + "\n", encoding="utf-8")


def heading(threads: int, peer: bool) -> str:
    """Say when, where and beside what it was measured."""
    from threadpoolctl import threadpool_info

    blas = [f"{each['internal_api']} {each['architecture']}" for each in threadpool_info() if "architecture" in each]
    beside = f"PyTorch {version('torch')}" if peer else "PyTorch is not installed"
    return (
        f"{time.strftime('%Y-%m-%d')}, {platform.machine()}, {threads} threads, {', '.join(blas) or 'unknown BLAS'},"
        f" {beside}."
    )


if __name__ == "__main__":
    main()
