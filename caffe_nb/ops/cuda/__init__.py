"""Kernels of CUDA C++, for what would be dozens of operations on a device's arrays.

A family of kernels is a file beside this one. What its kernels share, and what they may count on, stands in
``common.cu``. They are compiled where they run, at their first call for each type.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from caffe_nb import device

REALS = {np.dtype(np.float32): "float", np.dtype(np.float64): "double"}
"""The types of values that kernels are made for, and their names in C."""

FAR = 1 << 30
"""From so many results or elements on kernels count with 64 bits, which is slower."""


def launch(family: str, kernel: str, count: int, *arguments: Any) -> None:
    """Run a kernel on the device that is used now.

    Parameters
    ----------
    family : str
        The file of the kernel.
    kernel : str
        Its name.
    count : int
        How many results it computes, a thread each; its first parameter.
    *arguments : arrays and numbers
        Its other parameters: arrays of the device, C-contiguous, the first of them of the type of the values, which
        is float32 or float64; whole numbers become ``Index``, others ``Real``.

    Raises
    ------
    TypeError
        For values of another type.
    ValueError
        For an array whose elements do not follow one another.
    """
    gpu = device.current()
    if gpu is None:
        raise device.DeviceError(f"the kernel {kernel} runs on a GPU only; call caffe.set_mode_gpu() first")
    if count == 0:
        return
    dtype = arguments[0].dtype
    if dtype not in REALS:
        raise TypeError(f"the GPU's kernel {kernel} is for float32 and float64, not for {dtype}")
    arrays = [argument for argument in arguments if not isinstance(argument, int | float)]
    if not all(array.flags.c_contiguous for array in arrays):
        raise ValueError(f"the GPU's kernel {kernel} needs arrays whose elements follow one another")
    far = count >= FAR or any(array.size >= FAR for array in arrays)
    real, whole = dtype.type, np.int64 if far else np.int32
    numbers = [
        whole(argument) if isinstance(argument, int) else real(argument) if isinstance(argument, float) else argument
        for argument in (count, *arguments)
    ]
    gpu.launch(source(family, dtype, far), kernel, count, numbers)


def in_one_piece(array: Any) -> Any:
    """Return an array of the device whose elements follow one another: itself, or a copy."""
    return device.namespace_of(array).ascontiguousarray(array)


@cache
def source(family: str, dtype: np.dtype[Any], far: bool) -> str:
    """Return the text of a family of kernels.

    Parameters
    ----------
    family : str
        The file, without ``.cu``.
    dtype : dtype
        The type of the values, a key of `REALS`.
    far : bool
        Whether to count with 64 bits.
    """
    texts = [files(__name__).joinpath(f"{name}.cu").read_text("utf-8") for name in ("common", family)]
    names = f"using Real = {REALS[dtype]};\nusing Index = {'long long' if far else 'int'};\n"
    return names + f'#line 1 "common.cu"\n{texts[0]}#line 1 "{family}.cu"\n{texts[1]}'


def families() -> list[str]:
    """Return the names of all families."""
    names = [entry.name.removesuffix(".cu") for entry in files(__name__).iterdir() if entry.name.endswith(".cu")]
    return sorted(set(names) - {"common"})
