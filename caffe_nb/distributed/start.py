"""Getting several processes ready to train together: same net, same code, same weights, each its share of the data."""

from __future__ import annotations

import hashlib
import json
import os
import socket
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import numpy as np

from caffe_nb import __version__, live, ranks, rng
from caffe_nb.distributed.communicator import Communicator, gather
from caffe_nb.distributed.faults import Fault, RankError, own_name, together
from caffe_nb.distributed.mpi import MPICommunicator
from caffe_nb.distributed.pulse import Pulse
from caffe_nb.distributed.training import DataParallel
from caffe_nb.distributed.turns import take_turns
from caffe_nb.errors import listing
from caffe_nb.ops.parallel import set_threads
from caffe_nb.proto.text import SolverSource, to_text
from caffe_nb.solvers import Solver
from caffe_nb.solvers.nets import load_weights


def build(
    read: Callable[[], SolverSource], comm: Communicator, *, weights: str = "", snapshot: str = ""
) -> DataParallel:
    """Build the same solver in all processes, ready to train.

    Parameters
    ----------
    read : callable
        Returns the solver's text; called in each process.
    comm : Communicator
        The processes.
    weights : str, default ""
        .caffemodel files to begin with, with commas between.
    snapshot : str, default ""
        A .solverstate to go on from; rank 0 reads it.

    Raises
    ------
    RankError
        In all processes, when one cannot read or build it, or hangs meanwhile, when there are more processes than
        samples, or when code or weights differ.
    """
    if comm.size > 1:
        divide_threads(comm)
    pulse = Pulse(comm) if isinstance(comm, MPICommunicator) else None
    with pulse or nullcontext():
        training = _built(read, comm, weights)
        if snapshot:
            training.restore(snapshot)
    if pulse:
        pulse.follow([training.solver.net, *training.solver.test_nets])
        training.watch = pulse
    return training


def _built(read: Callable[[], SolverSource], comm: Communicator, weights: str) -> DataParallel:
    seed = np.array([np.random.default_rng().integers(2**62)])
    comm.broadcast(seed)
    ranks.set_share(ranks.Share(comm.rank, comm.size, int(seed[0])))
    source = together(comm, read)
    texts = {"the solver": to_text(source.param)}
    if source.param.random_seed >= 0:
        seed[0] = source.param.random_seed
    rng.set_random_seed(int(seed[0]))  # the same weights everywhere, to be compared
    if comm.rank:
        _without_tests(source)
    solver = together(comm, lambda: _build(source, weights))
    texts["the net"] = to_text(solver.net.param)
    compare(comm, texts, solver)
    take_turns(solver.net, ranks.share())
    rng.set_random_seed(int(seed[0]) + comm.rank)  # as Caffe: other masks on each
    return DataParallel(solver, comm)


def divide_threads(comm: Communicator) -> int:
    """Give each process its part of its machine's cores; return how many. Who set a number of threads keeps it."""
    machines = gather(comm, socket.gethostname())
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = max(1, cores // machines.count(machines[comm.rank]))
    if not any(name in os.environ for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")):
        set_threads(threads)
    return threads


def _build(source: SolverSource, weights: str) -> Solver:
    solver = Solver.class_of(source.param.type, source.name)(source)
    folder = source.path.absolute().parent if source.path else None
    for net in (solver.net, *solver.test_nets):
        load_weights(net, [weights], folder)
    return solver


def _without_tests(source: SolverSource) -> None:
    """Leave the test nets to rank 0: other machines need not have their data."""
    for name in ("test_net", "test_net_param", "test_iter", "test_state", "test_interval"):
        source.param.ClearField(name)
    source.nets.pop("test_net_param", None)


def compare(comm: Communicator, texts: dict[str, str], solver: Solver) -> None:
    """Refuse to begin where a process has other code or weights than rank 0.

    Parameters
    ----------
    comm : Communicator
        The processes.
    texts : dict of str to str
        What else must be equal, by what messages call it.
    solver : Solver
        Its net's Python layers and weights are compared.

    Raises
    ------
    RankError
        With what differs, on which rank.
    """
    own = {"caffe_nb's version": __version__} | {what: _hash(text.encode()) for what, text in texts.items()}
    own |= {f"the code of {name}": _hash(text.encode("utf-8", "surrogatepass")) for name, text in _modules().items()}
    own |= {
        f"the weights of layer '{node.name}'": _hash(*(blob.const_data.tobytes() for blob in node.layer.blobs))
        for node in solver.net.nodes
        if node.layer.blobs and not node.is_python  # a Python layer draws its first weights from where it likes
    }
    everyone = [json.loads(text) for text in gather(comm, json.dumps({"name": own_name(), "hashes": own}))]
    faults = []
    first = everyone[0]["hashes"]
    for rank, each in enumerate(everyone[1:], 1):
        theirs = each["hashes"]
        other = [what for what in first | theirs if first.get(what) != theirs.get(what)]
        if other:
            message = (
                f"differs from rank 0 in {listing(other, 4)}; give all machines the same files"
                " (same hashes), and the same version of caffe_nb"
            )
            faults.append(Fault(rank, each["name"], message))
    if faults:
        raise RankError(faults, mine=any(fault.rank == comm.rank for fault in faults))


def _modules() -> dict[str, str]:
    """Return the texts of the modules that Python layers come from, by file name."""
    return {Path(path).name: text for path, text in live.together.texts().items()}


def _hash(*contents: bytes) -> str:
    total = hashlib.sha256()
    for content in contents:
        total.update(content)
    return total.hexdigest()
