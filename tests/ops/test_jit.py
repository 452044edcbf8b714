"""Kernels compile wherever the installation lies."""

from __future__ import annotations

import subprocess
import sys
from types import FunctionType

import pytest
from numba import NumbaError

from caffe_nb.ops.jit import compiled


def double(x: float) -> float:
    return 2 * x


def test_a_kernel_is_compiled() -> None:
    assert compiled(double)(2.5) == 5
    with pytest.raises(NumbaError):
        compiled(double)({"not": "a number"})  # type: ignore[arg-type]


def test_a_kernel_is_compiled_where_nothing_can_be_cached() -> None:
    homeless = FunctionType(double.__code__.replace(co_filename="<nowhere>"), {})
    assert compiled(homeless)(2.5) == 5


def test_importing_the_layers_does_not_import_numba() -> None:
    program = "import sys, caffe_nb.layers; print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == "False"


@compiled
def squared(x: float) -> float:
    return x * x


@compiled
def fourth(x: float) -> float:
    return squared(squared(x))


def test_kernels_call_kernels() -> None:
    assert fourth(3.0) == 81
