"""Which nets a solver's text asks for, and in which state each is built."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike

from caffe_nb.core.layer import Phase
from caffe_nb.data.paths import places
from caffe_nb.errors import SolverError
from caffe_nb.net import Net
from caffe_nb.net.arguments import as_source
from caffe_nb.proto import caffe_pb2
from caffe_nb.proto.files import MissingFileError
from caffe_nb.proto.text import NetSource, SolverSource

log = logging.getLogger("caffe_nb")


def find_file(name: str, folder: Path | None) -> Path:
    """Return a file that a solver names: from the working directory, beside the solver's text, or from a folder above.

    Caffe's own examples name their files from the root of its repository, some folders above the solver.
    """
    found = next((place / name for place in places([folder]) if (place / name).exists()), None)
    return Path(name) if found is None or found == Path.cwd() / name else found


def train_net(source: SolverSource, folder: Path | None, net: Net | None = None) -> Net:
    """Return the net that is trained: `net`, or what exactly one of net, net_param, train_net and train_net_param says.

    Raises
    ------
    SolverError
        When none or several of them are given.
    """
    fields = ("net", "net_param", "train_net", "train_net_param")
    given = [name for name in fields if source.param.HasField(name)]
    if net is not None:
        if given:
            raise SolverError(f"trains the net that it was given, but also names one by {given[0]}", where=source.name)
        return net
    if len(given) != 1:
        raise SolverError(
            f"a solver names its training net once, as one of {', '.join(fields)}; got {', '.join(given) or 'none'}",
            where=source.name,
        )
    name = given[0]
    inside = name.endswith("_param")
    text = source.nets[name][0] if inside else _named(source, name, getattr(source.param, name), folder)
    return _build(text, Phase.TRAIN, source.param.train_state, folder)


def test_nets(source: SolverSource, folder: Path | None, net: Net | None = None) -> list[Net]:
    """Build the nets that are tested: every test_net_param and test_net, then net or net_param as test_iter asks.

    Raises
    ------
    SolverError
        When test_iter, test_state or test_interval do not fit their number.
    """
    param = source.param
    sources = list(source.nets.get("test_net_param", []))
    sources += [_named(source, "test_net", name, folder) for name in param.test_net]
    count = len(param.test_iter)
    shared = _shared_text(source, folder, net)
    if count < len(sources) or (count > len(sources) and shared is None):
        raise SolverError(
            f"test_iter is given {count} times for {len(sources)} test nets; give it once a net", where=source.name
        )
    if shared is not None:
        sources += [shared] * (count - len(sources))
    if param.test_state and len(param.test_state) != count:
        raise SolverError(f"test_state is given {len(param.test_state)} times for {count} test nets", where=source.name)
    if count and param.test_interval <= 0:
        raise SolverError(
            "test_iter is given, but no test_interval: say after how many iterations to test", where=source.name
        )
    states = list(param.test_state) or [caffe_pb2.NetState()] * count
    folder = net.folder if net is not None else folder
    dtype = net.dtype if net is not None else np.float32
    return [_build(text, Phase.TEST, state, folder, dtype) for text, state in zip(sources, states, strict=True)]


def _shared_text(source: SolverSource, folder: Path | None, net: Net | None) -> NetSource | None:
    """Return the text that the training net and the test nets have in common, if there is one."""
    if net is not None:
        return net.source
    if source.param.HasField("net_param"):
        return source.nets["net_param"][0]
    return _named(source, "net", source.param.net, folder) if source.param.HasField("net") else None


def _named(source: SolverSource, field: str, name: str, folder: Path | None) -> NetSource:
    """Read the net of a file that a solver names."""
    try:
        return as_source(find_file(name, folder))
    except MissingFileError as error:
        beside = f" Nor is it in '{folder}', or above." if folder not in (None, Path.cwd()) else ""
        raise MissingFileError(f"{error.message}{beside}", where=f"{field} of {source.name}") from error


def _build(
    source: NetSource, phase: Phase, state: caffe_pb2.NetState, folder: Path | None, dtype: DTypeLike = np.float32
) -> Net:
    """Build a net in its state: the phase that the solver gives it, then what the net's text says, then `state`."""
    merged = caffe_pb2.NetState(phase=caffe_pb2.TRAIN if phase == Phase.TRAIN else caffe_pb2.TEST)
    merged.MergeFrom(source.param.state)
    merged.MergeFrom(state)
    net_folder = source.path.absolute().parent if source.path else folder
    return Net(source, phase=merged.phase, level=merged.level, stages=list(state.stage), folder=net_folder, dtype=dtype)


def load_weights(net: Net, lists: Iterable[str], folder: Path | None) -> None:
    """Copy into a net what a solver's `weights` name, in their order.

    Parameters
    ----------
    net : Net
        A training or a test net.
    lists : iterable of str
        Each one .caffemodel, or several with commas between.
    folder : pathlib.Path or None
        Where the files are looked for besides the working directory.
    """
    for names in lists:
        for name in filter(None, map(str.strip, names.split(","))):
            path = find_file(name, folder)
            log.info("Finetuning from %s", path)
            net.copy_from(path)
