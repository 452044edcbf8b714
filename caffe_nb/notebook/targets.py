"""What a word on a magic's line stands for: a variable, or a file."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from IPython.core.error import UsageError

from caffe_nb import device
from caffe_nb.core.layer import Phase
from caffe_nb.errors import did_you_mean, listing
from caffe_nb.net import Net
from caffe_nb.proto.files import MissingFileError, open_bytes
from caffe_nb.solvers import Solver, get_solver


def target(space: Mapping[str, Any], word: str) -> Any:
    """Return the variable of that name, or one of its attributes, or the solver whose prototxt it is.

    Raises
    ------
    UsageError
        When there is neither.
    """
    return _variable(space, word) if _is_name(space, word) else get_solver(_file(space, word))


def net(space: Mapping[str, Any], word: str, magic: str, phase: str | None = None) -> Net:
    """Return the net that a word stands for: a variable's, a solver's, or of a net's prototxt.

    Parameters
    ----------
    space : mapping
        The notebook's variables.
    word : str
        What was written.
    magic : str
        Whose line it is, for messages.
    phase : str, optional
        Phase for a prototxt, TRAIN by default.

    Raises
    ------
    UsageError
        When the word stands for something else, or for nothing, and for a phase beside a net that is there.
    """
    if not _is_name(space, word):
        return Net(_file(space, word), phase=Phase[phase or "TRAIN"])
    found = _variable(space, word)
    if not isinstance(found, Net | Solver):
        raise UsageError(f"{magic} takes a net or a solver; '{word}' is {kind(found)}")
    if phase is not None:
        raise UsageError(f"--phase is for a prototxt; '{word}' has its phase")
    return found.net if isinstance(found, Solver) else found


def kind(found: Any) -> str:
    """Say what something is, for a message."""
    return f"the class {found.__name__}" if isinstance(found, type) else f"of type {type(found).__name__}"


def _is_name(space: Mapping[str, Any], word: str) -> bool:
    return word.split(".", maxsplit=1)[0] in space


def _variable(space: Mapping[str, Any], word: str) -> Any:
    name, *attributes = word.split(".")
    try:  # solver.net and module.Class are what people type
        return functools.reduce(getattr, attributes, space[name])
    except AttributeError as error:
        raise UsageError(str(error)) from None


def _file(space: Mapping[str, Any], word: str) -> str:
    if word.endswith(".prototxt"):
        try:
            open_bytes(word).close()
        except MissingFileError as error:
            raise UsageError(str(error)) from None
        return word
    known = [k for k, v in space.items() if isinstance(v, Net | Solver) and not k.startswith("_")]
    raise UsageError(
        f"there is no variable '{word}'.{did_you_mean(word, known)} Nets and solvers here: {listing(known)}"
    )


@contextmanager
def where(gpu: int | None) -> Iterator[None]:
    """Compute on this GPU within the block, on the one that was chosen for -1; for None where layers compute now.

    Raises
    ------
    DeviceError
        When there is no such GPU; says what to install.
    """
    if gpu is None:
        yield
        return
    try:
        found = device.gpu() if gpu == -1 else device.CupyDevice(gpu)
    except device.DeviceError as error:
        raise device.DeviceError(error.message.replace("set_mode_gpu()", "--gpu")) from error
    with device.using(found):
        yield
