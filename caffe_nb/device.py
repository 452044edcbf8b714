"""The device that blobs live on, and the array namespace that goes with it.

Only the CPU is served so far; layers ask `namespace` so that their code need not change when the GPU comes.
"""

from __future__ import annotations

from types import ModuleType

import numpy as np

from caffe_nb.errors import CaffeError


def namespace() -> ModuleType:
    """Return the array namespace that layers compute with (NumPy)."""
    return np


def set_mode_cpu() -> None:
    """Compute on the CPU, which is what happens anyway."""


def set_mode_gpu() -> None:
    """Compute on the GPU.

    Raises
    ------
    CaffeError
        Always, for now: this version computes on the CPU only.
    """
    raise CaffeError(
        "this version of caffe_nb computes on the CPU only; leave out set_mode_gpu() or call set_mode_cpu()"
    )


def set_device(device: int) -> None:
    """Choose the GPU to use; kept so that scripts which call it before `set_mode_cpu` run."""
