"""The device's kernels, compiled for the host from the very sources: what runs on a GPU, but for the GPU.

A launch checks its arguments against the kernel's parameters, which CUDA does not. Every array is put between guards,
so that a write outside fails, and a read outside finds what spoils the result. It runs on a small grid, once from the
first thread to the last and once backwards: a result that depends on the order would not be the same on a GPU twice.
"""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from importlib.util import find_spec
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

BLOCKS, THREADS = 2, 3
GUARD = 64

SHIM = """
struct dim3 { unsigned x, y, z; };
static thread_local dim3 threadIdx, blockIdx, blockDim, gridDim;
extern "C" void place(unsigned block, unsigned thread, unsigned blocks, unsigned threads) {
    blockIdx.x = block, threadIdx.x = thread, gridDim.x = blocks, blockDim.x = threads;
}
#define __global__
#define __device__
"""
for _type in ("int", "long long", "float", "double"):
    for _name, _sign in (("max", ">"), ("min", "<")):
        SHIM += f"static inline {_type} {_name}({_type} a, {_type} b) {{ return a {_sign} b ? a : b; }}\n"
for _name, _parameters, _values in (
    *((name, "{0} x", "x") for name in ("exp", "tanh", "sqrt", "floor", "ceil", "round", "log")),
    ("pow", "{0} x, {0} y", "x, y"),
):
    for _type, _suffix in (("float", "f"), ("double", "")):
        SHIM += f"static inline {_type} {_name}({_parameters.format(_type)})"
        SHIM += f" {{ return __builtin_{_name}{_suffix}({_values}); }}\n"


@cache
def compiler() -> list[str] | None:
    """Return the command of a C++ compiler: Zig's from the test requirements, or the system's."""
    if find_spec("ziglang") is not None:
        return [sys.executable, "-m", "ziglang", "cc"]
    found = next(filter(None, map(shutil.which, ("c++", "g++", "clang++"))), None)
    return found and [found]


@cache
def folder() -> Path:
    """Return where compiled kernels lie until the process ends."""
    _kept.append(tempfile.TemporaryDirectory(prefix="caffe_nb_kernels", ignore_cleanup_errors=True))
    return Path(_kept[0].name)


_kept: list[tempfile.TemporaryDirectory] = []


@cache
def library(source: str) -> ctypes.CDLL:
    """Compile the text of a family of kernels."""
    command = compiler()
    if command is None:
        pytest.skip("there is no C++ compiler to run the GPU's kernels on the host: install ziglang")
    number = len(list(folder().glob("*.cpp")))
    text, binary = folder() / f"{number}.cpp", folder() / f"{number}.kernels"
    text.write_text(SHIM + source, "utf-8")
    options = ["-shared", "-O1", "-ffp-contract=off", "-fno-sanitize=all", "-Wno-unused"]
    options += [] if sys.platform == "win32" else ["-fPIC"]
    done = subprocess.run(
        [*command, *options, "-o", str(binary), str(text)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"a kernel does not compile:\n{done.stderr}")
    return ctypes.CDLL(str(binary))


@cache
def parameters(source: str, kernel: str) -> list[tuple[str, bool, bool]]:
    """Return type, whether it is an array and whether it is only read, of each of a kernel's parameters."""
    names = dict(re.findall(r"using (\w+) = ([\w ]+);", source))
    found = re.search(rf'extern "C" __global__ void {kernel}\(([^)]*)\)', source)
    assert found, f"there is no kernel {kernel}"
    declared = []
    for each in found[1].split(","):
        const, name, star = re.fullmatch(r"\s*(const )?([\w ]+?) (\*?)\w+\s*", each).groups()
        declared.append((names.get(name, name), bool(star), bool(const)))
    return declared


def run(source: str, kernel: str, arguments: list) -> None:
    """Run a kernel as a GPU would, and complain about what a GPU would not."""
    declared = parameters(source, kernel)
    assert len(arguments) == len(declared), f"{kernel} takes {len(declared)} arguments, not {len(arguments)}"
    dtypes = {"int": np.int32, "long long": np.int64, "float": np.float32, "double": np.float64}
    for position, (argument, (name, _, _)) in enumerate(zip(arguments, declared, strict=True)):
        assert argument.dtype == dtypes[name], f"argument {position} of {kernel} must be {name}, not {argument.dtype}"
    arrays = [a for a, (_, is_array, _) in zip(arguments, declared, strict=True) if is_array]
    for one, other in combinations(arrays, 2):
        apart = _address(one) != _address(other) and not np.may_share_memory(one, other)
        assert apart or (_address(one), one.size) == (_address(other), other.size), f"arrays of {kernel} overlap"
    written = {_address(a) for a, (_, is_array, const) in zip(arguments, declared, strict=True) if is_array > const}
    before = {_address(a): _guarded(a) for a in arrays}
    results = []
    for order in (range(BLOCKS * THREADS), reversed(range(BLOCKS * THREADS))):
        memory = {address: guarded.copy() for address, guarded in before.items()}
        _threads(source, kernel, [_passed(a, d, memory) for a, d in zip(arguments, declared, strict=True)], order)
        for array in arrays:
            _check(kernel, array, memory, before, _address(array) in written)
        results.append(memory)
    for array in arrays:
        one, other = (memory[_address(array)] for memory in results)
        assert one.tobytes() == other.tobytes(), f"{kernel} depends on the order of its threads"
        if _address(array) in written:
            array[...] = one[GUARD:-GUARD].reshape(array.shape)


def _threads(source, kernel, passed, order):
    compiled = library(source)
    for thread in order:
        compiled.place(*map(ctypes.c_uint, (thread // THREADS, thread % THREADS, BLOCKS, THREADS)))
        getattr(compiled, kernel)(*passed)


def _address(array):
    return array.__array_interface__["data"][0]


def _guarded(array):
    guarded = np.full(array.size + 2 * GUARD, np.nan if array.dtype.kind == "f" else -(2**30), array.dtype)
    guarded[GUARD:-GUARD] = array.reshape(-1)
    return guarded


def _passed(argument, declared, memory):
    name, is_array, _ = declared
    if is_array:
        return ctypes.c_void_p(_address(memory[_address(argument)]) + GUARD * argument.itemsize)
    kinds = {"int": ctypes.c_int, "long long": ctypes.c_longlong, "float": ctypes.c_float, "double": ctypes.c_double}
    return kinds[name](argument.item())


def _check(kernel, array, memory, before, may_change):
    now, then = memory[_address(array)], before[_address(array)]
    for side in (slice(None, GUARD), slice(-GUARD, None)):
        assert now[side].tobytes() == then[side].tobytes(), f"{kernel} writes outside of an array"
    assert may_change or now.tobytes() == then.tobytes(), f"{kernel} writes what it is only to read"
