"""Two one-threaded processes on two cores beside one on one core: images a second, and how communication is hidden.

``python -m tests.bench.distributed [NET ...] [--cores A,B] [--rounds R] [--seconds S] [--write FILE]``. Rounds of one
process, of two, and of two that communicate only after backward, alternate. Images a second and what is left of the
communication after backward are those of the fastest tenth of the iterations. "By processor time" counts what the
process computed, and the fastest tenth of what was left: on a busy machine, that is what an idle one would give.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

NETS = {"caffenet": 64, "googlenet": 32, "lstm": 64}
"""The batch of each process: Caffe's own examples train with a global batch of 256, 32 and 100."""
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")


class Finishing:
    """Times what is left of the communication when backward has ended.

    Attributes
    ----------
    wall, processor : float
        Seconds of the last time.
    """

    def __init__(self, buckets: Any) -> None:
        self.wall = self.processor = 0.0
        self._finish = buckets.finish
        buckets.finish = self

    def __call__(self) -> None:
        wall, processor = time.perf_counter(), time.process_time()
        self._finish()
        self.wall, self.processor = time.perf_counter() - wall, time.process_time() - processor


def worker(net: str, batch: int, cores: list[int], seconds: float, overlap: bool) -> None:
    """Train with random data; rank 0 prints what it took."""
    import numpy as np

    from caffe_nb import set_threads, zoo
    from caffe_nb.distributed import DataParallel, world
    from caffe_nb.proto import caffe_pb2
    from caffe_nb.solvers import get_solver

    comm = world()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {cores[comm.rank % len(cores)]})
    set_threads(1)
    text = zoo.NETS[net](batch)
    param = caffe_pb2.SolverParameter(base_lr=1e-6, lr_policy="fixed", momentum=0.9, net_param=text)
    solver = get_solver(param)
    random = np.random.default_rng(comm.rank)
    for blob in ("data", "label", "cont"):
        if blob in solver.net.blobs:
            shape = solver.net.blobs[blob].shape
            solver.net.blobs[blob].data[...] = random.standard_normal(shape) if blob == "data" else 1
    training = DataParallel(solver, comm)
    if not overlap:
        solver.net.hooks.after_backward.remove(training._layer_done)
    rows: list[dict[str, float]] = []
    finishing = Finishing(training.buckets)

    def after_iteration(solver: Any) -> None:
        nonlocal last
        now, spent = (time.perf_counter(), time.process_time()), training.buckets.spent
        work = now[1] - last[1] - finishing.processor
        inside = spent.starting + spent.moving
        rows.append({"wall": now[0] - last[0], "work": work, "after": finishing.wall, "inside": inside})
        last = now
        training.want_stop = training.want_stop or (len(rows) >= 6 and now[0] - began > seconds)

    training.step(2)  # compiles, and takes its memory
    solver.hooks.after_iteration.append(after_iteration)
    last = began, _ = time.perf_counter(), time.process_time()
    training.step(10**6)
    if comm.rank == 0:
        images = solver.net.blobs["data"].shape[0] if net != "lstm" else solver.net.blobs["data"].shape[1]
        print(json.dumps({"rows": rows, "bytes": training.buckets.bytes, "images": images}), flush=True)


def measure(net: str, ranks: int, args: argparse.Namespace, overlap: bool) -> dict[str, Any]:
    """Run `worker` in so many processes; return what it printed."""
    from caffe_nb.distributed.mpi import mpiexec

    words = ["-m", "tests.bench.distributed", "--worker", net, "--cores", args.cores, "--seconds", str(args.seconds)]
    command = [str(mpiexec()), "-n", str(ranks), sys.executable, *words, *([] if overlap else ["--no-overlap"])]
    done = subprocess.run(command, env=os.environ | ONE_THREAD, stdout=subprocess.PIPE, text=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def row(net: str, args: argparse.Namespace) -> list[str]:
    """Return a row of the table."""
    times: dict[str, list[dict[str, float]]] = {"one": [], "two": [], "after": []}
    for _ in range(args.rounds):
        for name, ranks, overlap in (("one", 1, True), ("two", 2, True), ("after", 2, False)):
            answer = measure(net, ranks, args, overlap)
            times[name] += answer["rows"]
    wall = {name: statistics.quantiles([each["wall"] for each in rows], n=10)[0] for name, rows in times.items()}
    work = {name: statistics.median(each["work"] for each in rows) for name, rows in times.items()}
    left = {name: statistics.quantiles([each["after"] for each in rows], n=10)[0] for name, rows in times.items()}
    inside = statistics.median(each["inside"] for each in times["two"])
    images, free = answer["images"], {name: work[name] + left[name] for name in times}
    return [
        net,
        str(images),
        f"{answer['bytes'] / 1e6:.1f}",
        f"{images / wall['one']:.1f}",
        f"{2 * images / wall['two']:.1f}",
        f"{2 * wall['one'] / wall['two']:.2f}",
        f"{2 * wall['one'] / wall['after']:.2f}",
        f"{2 * free['one'] / free['two']:.2f}",
        f"{1e3 * left['after']:.0f}",
        f"{1e3 * inside:.0f}",
        f"{1e3 * left['two']:.0f}",
        f"{max(0.0, 1 - left['two'] / left['after']):.0%}",
    ]


def main(arguments: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("nets", nargs="*", metavar="NET", help=", ".join(NETS))
    parser.add_argument("--cores", default="0,1")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8.0, help="of each process, in each round")
    parser.add_argument("--write", type=Path, help="a file for the table")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--no-overlap", dest="overlap", action="store_false", help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    if args.worker:
        cores = [int(core) for core in args.cores.split(",")]
        worker(args.worker, NETS[args.worker], cores, args.seconds, args.overlap)
        return
    columns = ["net", "batch", "gradient MB", "one: images/s", "two: images/s", "ratio", "ratio without overlap"]
    columns += ["ratio by processor time", "allreduce alone ms", "inside backward ms", "after backward ms", "hidden"]
    lines = [f"{time.strftime('%Y-%m-%d')}, cores {args.cores}.", "", f"| {' | '.join(columns)} |"]
    lines += ["|---" * len(columns) + "|"]
    print("\n".join(lines), flush=True)
    for net in args.nets or NETS:
        lines.append(f"| {' | '.join(row(net, args))} |")
        print(lines[-1], flush=True)
    if args.write:
        args.write.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
