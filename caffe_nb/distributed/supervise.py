"""Runs one rank in a process of its own, and says which it was when it was killed.

MPI ends all processes when one ends, and cannot always tell which was the first. Run by its path, not as a module of
the package: ``python supervise.py COMMAND...``; it needs next to no memory and imports nothing of ours.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from types import FrameType

RANKS = ("PMI_RANK", "PMIX_RANK", "OMPI_COMM_WORLD_RANK")
"""Where MPIs tell a process its rank, as it starts."""
SUPERVISED = "CAFFE_NB_SUPERVISED"
"""Set in the rank's environment, to the supervisor's process id."""
_END_WITH_PARENT = 1  # PR_SET_PDEATHSIG


def main(words: list[str]) -> int:
    """Run a command and return its exit code, 128 more than the signal where one ended it."""
    rank = next((os.environ[name] for name in RANKS if name in os.environ), "?")
    own = {SUPERVISED: str(os.getpid())}
    # In a session of its own, so that a signal to all of a terminal comes once: from here.
    child = subprocess.Popen(
        words,
        env=os.environ | own,
        close_fds=False,
        start_new_session=True,
        preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509  (there are no threads here)
    )
    passed_on: list[int] = []

    def pass_on(number: int, _frame: FrameType | None) -> None:
        passed_on.append(number)
        child.send_signal(number)

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):  # Windows has no hangup
            signal.signal(getattr(signal, name), pass_on)
    code = child.wait()
    if code >= 0:
        return code
    if -code not in passed_on:
        who = f"rank {rank} (process {child.pid} on {socket.gethostname()})"
        print(f"{who}: ended by signal {-code} ({signal.Signals(-code).name})", file=sys.stderr, flush=True)  # noqa: T201
    return 128 - code


def _end_with_parent() -> None:
    """Let the rank be killed with its supervisor; Linux can do that."""
    import ctypes

    ctypes.CDLL(None).prctl(_END_WITH_PARENT, signal.SIGKILL)


def orphaned() -> bool:
    """Whether this is a supervised rank whose supervisor has ended."""
    parent = os.environ.get(SUPERVISED)
    return parent is not None and os.getppid() != int(parent)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
