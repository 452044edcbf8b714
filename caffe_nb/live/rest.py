"""Whether nets are at rest, so that their layers' code may be swapped."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from caffe_nb.net import Net, live_nets


def inside_a_pass() -> bool:
    """Whether a layer's method is what called: waiting for its end would be waiting for ourselves."""
    for net in live_nets():
        if net.lock.acquire(blocking=False):
            try:
                if net.running is not None:
                    return True
            finally:
                net.lock.release()
    return False


@contextlib.contextmanager
def at_rest(nets: list[Net], at: Net | None, patient: bool) -> Iterator[bool]:
    """Hold the locks of nets; gives False when one of them runs, or waits for a backward that may still come."""
    with contextlib.ExitStack() as stack:
        resting = True
        for net in nets:
            if not net.lock.acquire(timeout=0.02):
                resting = False
                break
            stack.callback(net.lock.release)
            if net.running is not None or (patient and net is not at and net.awaiting_backward):
                resting = False
                break
        yield resting
