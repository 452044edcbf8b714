"""Compiling ahead: every kernel, for the types that nets call it with; and what is said while kernels are compiled."""

from __future__ import annotations

import importlib
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

WARM = """
import caffe_nb
from caffe_nb import zoo
from caffe_nb.core import registry
from caffe_nb.net import Net
from caffe_nb.ops import jit
from caffe_nb.proto.text import to_text

registry.layer_types()  # imports all of them
caffe_nb.warm_up()
known = [kernel.kernel() for kernel in jit.kernels]
inner = {name for kernel in known for name in kernel.py_func.__code__.co_names}
print("left out:", sorted({k.py_func.__name__ for k in known if not k.signatures} - inner))
before = [len(k.signatures) for k in known]  # two of one name are two
for name, batch in ("lenet", 2), ("cifar10_full", 2), ("mobilenet", 1), ("resnet50", 1), ("lstm", 2):
    for phase in (0, 1):
        net = Net.from_text(to_text(zoo.NETS[name](batch)), phase)
        net.forward()
        net.backward()
print("new:", sorted(k.py_func.__name__ for k, n in zip(known, before) if len(k.signatures) > n))
"""
COMPILE = """
import time
import numpy as np
from caffe_nb.ops import compiling, rectify
rectify.rectify(np.ones(3, np.float32), 0.0, np.ones(3, np.float32))
print("compiled", compiling.compiled())
time.sleep(compiling.PATIENCE + 0.5)
"""


def run(program: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
        env=os.environ | environment,
    )
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("threads", [1, 4])  # which decides how products are shared out
def test_every_kernel_is_compiled_and_the_zoo_needs_no_other(threads: int) -> None:
    program = f"import caffe_nb\ncaffe_nb.set_threads({threads})\n{WARM}"
    assert run(program).splitlines()[-2:] == ["left out: []", "new: []"]


def test_a_kernel_is_compiled_once_on_a_machine_and_a_pipe_hears_nothing_of_it(tmp_path: Path) -> None:
    assert run(COMPILE, NUMBA_CACHE_DIR=str(tmp_path)) == "compiled 1\n"
    assert run(COMPILE, NUMBA_CACHE_DIR=str(tmp_path)) == "compiled 0\n"


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_a_terminal_is_told_which_kernel_is_compiled(tmp_path: Path) -> None:
    fcntl, pty, termios = (importlib.import_module(name) for name in ("fcntl", "pty", "termios"))
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 120, 0, 0))
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", COMPILE], stdout=theirs, stderr=theirs, check=True, env=environment)
    os.close(theirs)
    said = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # the other end is closed, and all is read
            break
        if not piece:
            break
        said += piece
    os.close(ours)
    assert b"caffe_nb compiles kernels, once on this machine" in said
    assert b"rectify" in said
