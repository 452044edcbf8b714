"""Log lines in glog's form, with the files that Caffe's own lines come from, for those who parse them."""

from __future__ import annotations

import logging
import os
import sys
from datetime import datetime

_FILES = {
    "base.py": "solver.cpp",
    "outputs.py": "solver.cpp",
    "snapshot.py": "sgd_solver.cpp",
    "regularize.py": "sgd_solver.cpp",
    "nets.py": "caffe.cpp",
    "debug.py": "net.cpp",
}


class GlogFormatter(logging.Formatter):
    """``I1121 02:12:04.123456  4711 solver.cpp:239] message``, for each line of a message."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's lines."""
        time = datetime.fromtimestamp(record.created).strftime("%m%d %H:%M:%S.%f")
        level = {"WARNING": "W", "ERROR": "E", "CRITICAL": "F"}.get(record.levelname, "I")
        file = _FILES.get(record.filename, "caffe.cpp")
        head = f"{level}{time} {os.getpid():5d} {file}:{record.lineno}] "
        return "\n".join(head + line for line in record.getMessage().split("\n"))


def start() -> logging.Logger:
    """Send what the engine logs to the standard error stream; return the logger."""
    log = logging.getLogger("caffe_nb")
    log.setLevel(logging.INFO)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(GlogFormatter())
    log.handlers[:] = [handler]  # a second command in one process logs once, to the stream of its own time
    log.propagate = False
    return log
