"""Files: read with a clear word when they are missing, written beside, flushed and renamed."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from caffe_nb.errors import CaffeError, did_you_mean


class MissingFileError(CaffeError, FileNotFoundError):
    """A file or folder that is not there; the message says where it was looked for and what is near."""


class UnwritableFileError(CaffeError, OSError):
    """A file that cannot be written where it was to be."""


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
    with open_bytes(path) as file:
        return file.read()


def open_bytes(path: str | os.PathLike[str]) -> io.BufferedReader:
    """Return a file opened for reading.

    Parameters
    ----------
    path : path-like
        The file; a relative path starts at the working folder.

    Returns
    -------
    file object
        The caller closes it.

    Raises
    ------
    MissingFileError
        When there is no such file; names the folder that was looked in and files with a similar name.
    """
    path = Path(path)
    if "\0" in str(path):
        raise MissingFileError(f"{str(path)!r} is no name of a file.")
    if path.is_dir():
        raise MissingFileError(f"'{path}' is a folder, not a file.")
    try:
        return path.open("rb")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise MissingFileError(_missing(path)) from error


def _missing(path: Path) -> str:
    folder = path.absolute().parent
    if not folder.is_dir():
        return f"there is no file '{path}': its folder '{folder}' does not exist."
    # An ending that many files have makes none of them likely.
    names = [entry.name for entry in folder.iterdir() if did_you_mean(path.stem, [entry.stem]) and entry.is_file()]
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
    replace_files([(Path(path), lambda beside: _fill(beside, content))])


def write_chosen(path: str | os.PathLike[str], text: str) -> Path:
    """Write a text to the file that a person named, whole or not at all.

    Parameters
    ----------
    path : path-like
        The file; one that is there is replaced.
    text : str
        All of it; what UTF-8 has no code for becomes a question mark.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    MissingFileError
        When the folder does not exist.
    UnwritableFileError
        When the file cannot be written for another reason.
    """
    target = Path(path)
    try:
        write_bytes(target, text.encode(errors="replace"))
    except CaffeError:
        raise
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise UnwritableFileError(
            f"cannot write {str(target)[:200]!r}: {reason}; give the name of a file in a folder that you may write to"
        ) from error
    return target


def replace_files(files: Sequence[tuple[Path, Callable[[Path], object]]]) -> None:
    """Write files whole or not at all: all of them beside their places and flushed to the disk, then renamed in order.

    Where several files belong together, put the one that names the others last: its old version is taken away before
    the first is renamed, so that, wherever the process is killed, it never stands beside files that it was not
    written with.

    Parameters
    ----------
    files : sequence of (Path, callable)
        Each file's place, and what writes its contents to the path that it is called with.

    Raises
    ------
    MissingFileError
        When a folder does not exist.
    """
    for path, _ in files:
        if not path.absolute().parent.is_dir():
            raise MissingFileError(f"cannot write '{path}': the folder '{path.absolute().parent}' does not exist.")
    written = [(path.with_name(f".{path.name}.{os.getpid()}.part"), path) for path, _ in files]
    try:
        for (beside, _), (_, write) in zip(written, files, strict=True):
            write(beside)
            with beside.open("rb+") as file:
                _flush(file)
        for path, _ in files[1:]:
            path.unlink(missing_ok=True)
        for beside, path in written:
            beside.replace(path)
        for folder in {path.absolute().parent for path, _ in files}:
            _flush_folder(folder)
    finally:
        for beside, _ in written:
            beside.unlink(missing_ok=True)


def _fill(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _flush(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    """Make the renames last, where the system can open folders (not on Windows)."""
    with contextlib.suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
