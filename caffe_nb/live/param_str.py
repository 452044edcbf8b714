"""Another `param_str` for a live Python layer: its setup runs again, as after an edit of setup."""

from __future__ import annotations

import threading
import time

from caffe_nb.errors import CaffeError, NetError
from caffe_nb.live import users
from caffe_nb.live.rest import at_rest, inside_a_pass
from caffe_nb.live.swap import Refused, Undo
from caffe_nb.net import Net, Node

_POLL = 0.02


def set_param_str(net: Net, layer: str | int, text: str, timeout: float = 10.0) -> str:
    """Give a Python layer of a live net another `param_str`.

    Its `__init__` and `setup` run again; parameters of the same shape keep their values and their solver's history, as
    after an edit of `setup`. What raises is refused, and everything is as it was.

    Parameters
    ----------
    net : Net
        The net. A running one takes it up where no forward waits for its backward.
    layer : str or int
        The layer's name or index.
    text : str
        The new `param_str`.
    timeout : float, default 10
        Seconds to wait for a running net.

    Returns
    -------
    str
        What became of it, in one line.

    Raises
    ------
    NetError
        For a layer that is no Python layer, or where the net did not come to rest in time.
    Exception
        What the layer's setup or reshape raises; the old `param_str` stays.
    """
    node = _find(net, layer)
    deadline = time.monotonic() + timeout
    while True:
        with at_rest([net], None, patient=False) as resting:
            if resting:
                return _apply(net, node, text)
        if inside_a_pass():
            raise NetError("param_str cannot be changed from inside a layer")
        answer = _at_safe_point(net, node, text, min(0.5, timeout))
        if answer is not None:
            return answer
        if time.monotonic() > deadline:
            raise NetError(
                f"net '{net.name}' runs and came to no safe point within {timeout:g} s; if it is held in the panel,"
                " resume it first",
                where=node.where,
            )


def _find(net: Net, layer: str | int) -> Node:
    nodes = [node for node in net.nodes if layer in (node.name, node.index)]
    if not nodes:
        raise NetError(f"net '{net.name}' has no layer {layer!r}")
    if not nodes[0].is_python or not nodes[0].param.HasField("python_param"):
        raise NetError(f"{nodes[0].where} is no Python layer of the text: only these have a param_str")
    return nodes[0]


def _at_safe_point(net: Net, node: Node, text: str, seconds: float) -> str | None:
    """Let the thread that runs the net apply it where it may; None where it did not come there in time."""
    done, claimed = threading.Event(), threading.Lock()
    answer: list[str] = []
    errors: list[Exception] = []

    def here() -> None:
        if not claimed.acquire(blocking=False):
            return
        try:
            answer.append(_apply(net, node, text))
        except Exception as error:
            errors.append(error)
        finally:
            done.set()

    net.hooks.safe_point.append(here)
    try:
        if not done.wait(seconds) and not claimed.acquire(blocking=False):
            done.wait()  # it has begun
    finally:
        net.hooks.safe_point.remove(here)
    if errors:
        raise errors[0]
    return answer[0] if answer else None


def _apply(net: Net, node: Node, text: str) -> str:
    param = node.param.python_param
    before, undo = param.param_str, Undo()
    if text == before:
        return f"{node.name}: param_str is that already"
    undo.add(lambda: setattr(param, "param_str", before))
    param.param_str = text
    try:
        kept = users.rerun_setup(net, node, undo)
        users.reshape_all(net, undo)
        users.mark(node, undo, forward=True)
    except Refused as refusal:
        undo.roll_back()
        raise NetError(f"param_str was not changed: {refusal}", where=node.where) from None
    except CaffeError:
        undo.roll_back()
        raise
    except Exception as error:
        undo.roll_back()
        error.add_note(f"param_str of {node.where} was not changed; the old one stays: {before!r}")
        raise
    params = f"; {kept.count} blob{'' if kept.count == 1 else 's'} kept" if node.layer.blobs else ""
    return "; ".join([f"{node.name}: param_str changed; setup rerun{params}", *kept.said])
