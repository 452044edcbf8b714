"""Files as bytes: read with a clear word when they are missing, written beside and renamed."""

from __future__ import annotations

import os
from pathlib import Path

from caffe_nb.errors import CaffeError, did_you_mean


class MissingFileError(CaffeError, FileNotFoundError):
    """A file or folder that is not there; the message says where it was looked for and what is near."""


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """Return the contents of a file.

    Parameters
    ----------
    path : path-like
        The file; a relative path starts at the working folder.

    Returns
    -------
    bytes
        All of it.

    Raises
    ------
    MissingFileError
        When there is no such file; names the folder that was looked in and files with a similar name.
    """
    path = Path(path)
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise MissingFileError(_missing(path)) from error
    except IsADirectoryError as error:
        raise MissingFileError(f"'{path}' is a folder, not a file.") from error


def _missing(path: Path) -> str:
    folder = path.absolute().parent
    if not folder.is_dir():
        return f"there is no file '{path}': its folder '{folder}' does not exist."
    names = [entry.name for entry in folder.iterdir() if entry.is_file()]
    return f"there is no file '{path.name}' in '{folder}'.{did_you_mean(path.name, names)}"


def write_bytes(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file whole or not at all: beside its place first, then renamed.

    Parameters
    ----------
    path : path-like
        The file; one that is there is replaced.
    content : bytes
        All of its contents.

    Raises
    ------
    MissingFileError
        When the folder does not exist.
    """
    path = Path(path)
    if not path.absolute().parent.is_dir():
        raise MissingFileError(f"cannot write '{path}': the folder '{path.absolute().parent}' does not exist.")
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
