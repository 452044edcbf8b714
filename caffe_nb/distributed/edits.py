"""Live layers in several processes: an edit reaches all of them before the same iteration, or none."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np

from caffe_nb import live
from caffe_nb.distributed.communicator import Communicator, broadcast_text, gather
from caffe_nb.distributed.faults import fault_of
from caffe_nb.distributed.training import DataParallel
from caffe_nb.live.swap import Refused, Swap


def follow_edits(training: DataParallel, told: Callable[[list[Swap]], object] = lambda swaps: None) -> None:
    """Take up edits of the layers' files while it trains, as rank 0 sees them: the others get their text from it.

    Parameters
    ----------
    training : DataParallel
        What trains.
    told : callable, optional
        Called with the swaps, accepted or refused.
    """
    training.edits_wait = lambda: bool(live.together.pending())
    training.take_edits = lambda: told(_take(training))


def _take(training: DataParallel) -> list[Swap]:
    comm = training.comm
    texts: dict[str, str] = json.loads(broadcast_text(comm, json.dumps(live.together.pending())))
    known = live.together.texts()
    lacking = {
        key for names in gather(comm, json.dumps([k for k in texts if k not in known])) for key in json.loads(names)
    }
    common = {key: text for key, text in texts.items() if key not in lacking}  # test nets are rank 0's alone
    return live.together.take(common, training.solver.net, lambda error: confirm(comm, error))


def confirm(comm: Communicator, error: BaseException | None) -> None:
    """Say whether an edit went well here, and hear whether it did everywhere.

    Raises
    ------
    Refused
        When another process refused it, with that one's message.
    """
    failed = np.zeros(comm.size)
    failed[comm.rank] = error is not None
    comm.allreduce(failed).wait()
    if not failed.any():
        return
    own = fault_of(comm.rank, error) if error is not None else None
    told = gather(comm, f"rank {own.rank} ({own.name}): {own.message}" if own else "")
    if error is None:
        raise Refused(next(text for text in told if text))
