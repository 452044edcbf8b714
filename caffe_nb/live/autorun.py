"""Running at once what an edit made stale, where that is wanted."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from dataclasses import replace

from caffe_nb.live.swap import Swap
from caffe_nb.net import Net, live_nets

log = logging.getLogger("caffe_nb.live")


def run(swaps: list[Swap], listeners: list[Callable[[Swap], object]]) -> None:
    """Refresh the nets of accepted edits that ran before and are at rest; a layer's exception is told, not raised.

    Parameters
    ----------
    swaps : list of Swap
        What was taken up.
    listeners : list of callables
        Called with a `Swap` whose message says what came of it.
    """
    for net in live_nets():
        mine = [swap for swap in swaps if swap.classes and any(place[0] == net.id for place in swap.nets)]
        if mine and net.lock.acquire(timeout=0.02):
            try:
                message = _refresh(net) if net.running is None else ""
            finally:
                net.lock.release()
            if message:
                told = replace(mine[-1], message=message, refs=())
                log.info("%s", message)
                for listener in tuple(listeners):
                    with contextlib.suppress(Exception):
                        listener(told)


def _refresh(net: Net) -> str:
    if not any(node.ran for node in net.nodes):
        return ""
    try:
        done = net.refresh()
    except Exception as error:
        return f"{net.name}: {type(error).__name__} in the refresh: {error}"
    return f"{net.name}: " + "; ".join(str(done).split("\n")) if done.layers else ""
