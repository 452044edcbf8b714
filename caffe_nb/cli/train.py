"""Train a net, from random weights, from a snapshot, or from the weights of another.

The log is Caffe's, on the standard error stream. Ctrl-C ends the training after the current iteration, with a
snapshot; a second one ends it at once.

Several processes train it together, each on its share of the data: mpiexec -n 4 caffe train -solver solver.prototxt
(the batch of the net is that of one process; needs the extra `distributed`).
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import signal
from collections.abc import Callable, Iterator
from types import FrameType

from caffe_nb.cli import log as logs
from caffe_nb.cli import processes
from caffe_nb.cli.common import add_device, add_state, phase_of, stages, use_device
from caffe_nb.cli.options import Parser, UsageError, count
from caffe_nb.distributed import world
from caffe_nb.proto.text import SolverSource, read_solver
from caffe_nb.solvers import Solver
from caffe_nb.solvers.nets import find_file, load_weights

_EFFECTS = ("snapshot", "stop", "none")


def add_arguments(parser: Parser) -> None:
    """Add the options of `caffe train`."""
    parser.option("solver", "the solver's prototxt", required=True)
    parser.option("snapshot", "a .solverstate to go on from", default="")
    parser.option("weights", ".caffemodel files to begin with, with commas between", default="")
    parser.option("iterations", "train until this iteration instead of the solver's max_iter", type=count, default=0)
    parser.option(
        "sigint_effect", "what Ctrl-C does: stop (default), snapshot or none", default="stop", choices=_EFFECTS
    )
    parser.option(
        "sighup_effect", "what a hangup does: snapshot (default), stop or none", default="snapshot", choices=_EFFECTS
    )
    parser.option("phase", "taken for Caffe's sake; training is in TRAIN", default="TRAIN")
    add_state(parser)
    add_device(parser)


def run(args: argparse.Namespace) -> int:
    """Train."""
    if args.snapshot and args.weights:
        raise UsageError("give -snapshot to go on with a training or -weights to fine-tune, not both")
    phase_of(args.phase)
    processes.supervise()
    log = logs.start()
    log.info(use_device(args))
    comm = world()
    if comm.size > 1:
        return processes.train(comm, args, lambda: _read(args), _signals)
    source = _read(args)
    solver = Solver.class_of(source.param.type, source.name)(source)
    folder = source.path.absolute().parent if source.path else None
    for net in (solver.net, *solver.test_nets):
        load_weights(net, [args.weights], folder)
    log.info("Starting Optimization")
    with _signals(solver, args):
        solver.solve(find_file(args.snapshot, folder) if args.snapshot else None)
    log.info("Optimization Done.")
    return 0


def _read(args: argparse.Namespace) -> SolverSource:
    source = read_solver(args.solver)
    if args.level:
        source.param.train_state.level = args.level
    source.param.train_state.stage.extend(stages(args))
    if args.iterations:
        source.param.max_iter = args.iterations
    return source


@contextlib.contextmanager
def _signals(solver: Solver, args: argparse.Namespace, writes: bool = True) -> Iterator[None]:
    """Let signals stop the solver or ask for a snapshot, between two iterations."""
    asked: list[str] = []

    def snapshot_when_asked(solver: Solver) -> None:
        if asked:
            asked.clear()
            if writes:
                solver.snapshot()

    def handler(effect: str) -> Callable[[int, FrameType | None], None]:
        def handle(number: int, _: FrameType | None) -> None:
            if effect == "stop":
                solver.stop()
                signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
            elif effect == "snapshot":
                asked.append(effect)

        return handle

    solver.hooks.after_iteration.append(snapshot_when_asked)
    effects = {"SIGINT": args.sigint_effect, "SIGHUP": args.sighup_effect}
    before = {
        number: signal.signal(number, handler(effect))
        for name, effect in effects.items()
        if (number := getattr(signal, name, None)) is not None  # Windows has no hangup
    }
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
        solver.hooks.after_iteration.remove(snapshot_when_asked)
        logging.getLogger("caffe_nb").handlers[0].flush()
