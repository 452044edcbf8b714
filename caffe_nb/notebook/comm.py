"""The inspector's messages on Jupyter's comms: requests on one, on which the kernel only answers; pushes on another.

Once a kernel has sent on a comm from a cell, ipykernel hands later messages on that comm to the main thread, where they
wait for the cell. So replies are sent inside the handler that got the request, in its thread, and pushes on the other
comm in the context of the message that opened it.
"""

from __future__ import annotations

import contextvars
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from caffe_nb.inspector.messages import HELLO_TARGET, PUSH_TARGET, REQUEST_TARGET
from caffe_nb.inspector.session import serving

if TYPE_CHECKING:
    from comm.base_comm import BaseComm

Message = dict[str, Any]


_hello: BaseComm | None = None
_sends: dict[str, Callable[[Message], None]] = {}


def announce() -> bool:
    """Register the comm targets and tell every open JupyterLab that caffe_nb is here; does nothing outside a kernel.

    Returns
    -------
    bool
        Whether this process is a kernel. May be called again: the panels that are connected are told that there is
        something to look at.
    """
    if not _in_kernel():
        return False
    from comm import get_comm_manager

    manager = get_comm_manager()
    manager.register_target(REQUEST_TARGET, open_requests)
    manager.register_target(PUSH_TARGET, open_pushes)
    session = serving()
    if _greet not in session.on_show:
        session.on_show.append(_greet)
    _greet()
    return True


def _greet() -> None:
    global _hello
    from comm import create_comm

    if _hello is not None:
        _hello.close()
    _hello = create_comm(target_name=HELLO_TARGET, data={})


def open_requests(comm: BaseComm, _message: Message) -> None:
    """Serve requests on a comm that the front end has opened."""

    def answer(message: Message) -> None:
        data, buffers = serving().handle(message["content"]["data"])
        comm.send(data, buffers=buffers)

    comm.on_msg(answer)


def open_pushes(comm: BaseComm, _message: Message) -> None:
    """Push to a comm that the front end has opened, until it closes it."""
    pusher, context = serving().pusher, contextvars.copy_context()

    def send(data: dict[str, Any]) -> None:
        # In a thread the context is the running cell's: the comm would belong to that from then on.
        context.copy().run(comm.send, data)

    def close(_closing: Message) -> None:
        if _sends.get(comm.comm_id) is send:
            del _sends[comm.comm_id]
        pusher.remove(send)

    repeated = _sends.pop(comm.comm_id, None)  # the message that opens it came twice: only the last one is ever closed
    if repeated is not None:
        pusher.remove(repeated)
    _sends[comm.comm_id] = send
    comm.on_close(close)
    pusher.add(send)


def _in_kernel() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return getattr(shell, "kernel", None) is not None
