"""Ctrl-C while nets run: between two layers, so that the pass can go on as if nothing had been."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from caffe_nb.net.running import Running


class Interrupt:
    """A signal handler: a Python layer that runs is interrupted at once, a built-in one runs through first.

    Parameters
    ----------
    nets : sequence of Net
        The first one stops before its next layer.

    Notes
    -----
    A second interrupt meanwhile raises KeyboardInterrupt at once.
    """

    def __init__(self, nets: Sequence[Running]) -> None:
        self._nets = nets

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        """Handle the signal."""
        first = self._nets[0]
        if first.interrupted or any(net.running and net.nodes[net.running[0]].is_python for net in self._nets):
            first.interrupted = False
            raise KeyboardInterrupt
        first.interrupted = True


@contextmanager
def between_layers(nets: Sequence[Running]) -> Iterator[None]:
    """Let an interrupt stop the first of these nets between two layers; signal handlers of others are left alone."""
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    first = nets[0]
    first.interrupted = False
    signal.signal(signal.SIGINT, Interrupt(nets))
    try:
        yield
        if first.interrupted:  # it came in the last layer: who loops over calls of this is to hear of it
            raise KeyboardInterrupt
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        first.interrupted = False
