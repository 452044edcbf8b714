"""Options that several commands take, and the net that they ask for."""

from __future__ import annotations

import argparse

from caffe_nb import device
from caffe_nb.cli.options import Parser, UsageError, count, whole
from caffe_nb.core.layer import Phase
from caffe_nb.distributed.mpi import local_rank, started_by_mpi
from caffe_nb.errors import CaffeError
from caffe_nb.net import Net
from caffe_nb.proto.text import NetSource, read_net


def add_device(parser: Parser) -> None:
    """Add ``-gpu``."""
    parser.option(
        "gpu", "GPU to compute on; with mpiexec one for each process, with commas between, or 'all'", default=""
    )


def use_device(args: argparse.Namespace) -> str:
    """Compute where the options say, and return that in Caffe's words.

    Raises
    ------
    UsageError
        For what names no GPU, or several to a single process.
    CaffeError
        When the GPU cannot be used.
    """
    if not args.gpu:
        device.set_mode_cpu()
        return "Use CPU."
    number = _number("0" if args.gpu is True else args.gpu)
    try:
        device.set_device(int(number))
        device.set_mode_gpu()
    except CaffeError as error:
        raise CaffeError(f"-gpu {number}: {error.message.replace('set_mode_gpu()', '-gpu')}") from error
    return f"Use GPU with device ID {number}"


def _number(gpu: str) -> str:
    """Return the GPU of this process among those that are named."""
    place = local_rank()
    numbers = [str(place)] if gpu == "all" else gpu.split(",")
    if not all(number.isdecimal() for number in numbers):
        raise UsageError(f"-gpu is the number of a GPU, several with commas between, or 'all'; got '{gpu}'")
    if len(numbers) > 1 and not started_by_mpi():
        raise UsageError(
            f"a process computes on one GPU: mpiexec -n {len(numbers)} caffe train -gpu {gpu} ... trains on all of them"
        )
    return numbers[place % len(numbers)]


def add_net(parser: Parser) -> None:
    """Add ``-model``, ``-weights``, ``-level``, ``-stage`` and ``-iterations``."""
    parser.option("model", "the net's prototxt", required=True)
    parser.option("weights", ".caffemodel files to take the weights from, with commas between", default="")
    parser.option("iterations", "how many passes (50)", type=count, default=50)
    add_state(parser)


def add_state(parser: Parser) -> None:
    """Add ``-level`` and ``-stage``."""
    parser.option("level", "level of the net's include and exclude rules (0)", type=whole, default=0)
    parser.option("stage", "stages of these rules, with commas between", default="")


def stages(args: argparse.Namespace) -> list[str]:
    """Return the stages that the options name."""
    return [name for name in args.stage.split(",") if name]


def read_any_net(path: str) -> NetSource:
    """Return a net's text, also one with fields that Caffe does not have; a text of something else is refused."""
    source = read_net(path, keep_unknown=True)
    return source if len(source.param.layer) or not source.unknown else read_net(path)


def phase_of(text: str) -> Phase:
    """Return the phase of that name.

    Raises
    ------
    UsageError
        For any other word.
    """
    if text.upper() not in Phase.__members__:
        raise UsageError(f"-phase is TRAIN or TEST, not '{text}'")
    return Phase[text.upper()]


def open_net(args: argparse.Namespace, phase: Phase) -> Net:
    """Return the net that the options name, with its weights."""
    net = Net(args.model, phase=phase, level=args.level, stages=stages(args))
    for path in filter(None, args.weights.split(",")):
        net.copy_from(path)
    return net
