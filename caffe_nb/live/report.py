"""What became of an edit, in words."""

from __future__ import annotations

import traceback
import weakref
from collections.abc import Callable
from pathlib import Path

from caffe_nb.core.layer import Layer
from caffe_nb.errors import listing
from caffe_nb.layers.modules import is_users_file
from caffe_nb.layers.utility import python
from caffe_nb.live import users
from caffe_nb.live.classify import Effect
from caffe_nb.live.swap import Refused, Swap


def _no_cell(path: Path) -> str:  # noqa: ARG001
    return ""


cell_name: Callable[[Path], str] = _no_cell
"""Names the notebook's cell behind a file name, "" for a file; set by who knows the cells."""


def accepted(cls: type[Layer], what: Effect, kept: dict[type[Layer], users.Kept], note: str = "") -> Swap:
    """Count the class's version and return the record of its swap.

    Parameters
    ----------
    cls : type
        The class.
    what : Effect
        What changed of it.
    kept : dict of type to Kept
        What became of the parameters of the classes whose setup ran.
    note : str
        What to say besides what changed.
    """
    code = python.code_of(cls)
    assert code is not None
    code.version += 1
    where = users.places([cls])
    words = ["bases" if name == "__bases__" else name for name in what.changed]
    parts = [f"{listing(words, 6)} changed" + (f" ({note})" if note else "")]
    if where:
        blobs = kept.get(cls) or users.Kept(users.blobs_kept(cls), [])
        parts.append("setup rerun" if cls in kept else "setup not rerun")
        parts += [_count(blobs.count, "blob") + " kept"] if blobs.count else []
        parts += blobs.said
        parts.append(_count(users.stale_blobs(cls), "blob") + " stale" if what.forward else "nothing stale")
    else:
        parts.append("no net uses it now")
    message = f"{cls.__qualname__} v{code.version - 1} → v{code.version}: {'; '.join(parts)}"
    return Swap(True, message, cls.__qualname__, code.version, code.path, nets=where, refs=(weakref.ref(cls),))


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def refusal(error: BaseException, classes: list[type[Layer]], paths: list[Path]) -> Swap:
    """Return the record of an edit that was not taken up."""
    path, line = _place(error, paths)
    classes = [cls for cls in classes if users.places([cls])] or classes
    names = [f"{cls.__qualname__} v{python.code_version(cls) + 1}" for cls in classes]
    running = ", ".join(f"v{python.code_version(cls)}" for cls in classes)
    if isinstance(error, Refused):
        what, advice, at = str(error), "", _at(path, line) if line else ""
    else:
        text = error.msg if isinstance(error, SyntaxError) else str(error)
        what = f"{type(error).__name__}: {text}" if text else type(error).__name__
        cell = bool(path and cell_name(path))
        advice = f" — mend {'the line' if line and not cell else 'it'} and {'run the cell' if cell else 'save'} again"
        at = _at(path, line)
    message = f"{' and '.join(names) or 'edit'} refused, running {running or 'the old code'}: {at}{what}{advice}"
    return Swap(
        False,
        message,
        ", ".join(cls.__qualname__ for cls in classes),
        python.code_version(classes[0]) + 1 if classes else 0,
        path,
        line,
        "" if isinstance(error, Refused) else _users_traceback(error),
        users.places(classes),
    )


def _at(path: Path | None, line: int) -> str:
    """Return a place as a person knows it: a file's name, or the number of a cell."""
    if path is None:
        return ""
    cell = cell_name(path)
    if cell:
        return f"{cell}, line {line}: "
    return f"{path.name}:{line}: " if line else f"{path.name}: "


def _users_traceback(error: BaseException) -> str:
    """Return the traceback from the first of the user's frames on."""
    frame = error.__traceback__
    while frame is not None and not is_users_file(Path(frame.tb_frame.f_code.co_filename)):
        frame = frame.tb_next
    return "".join(traceback.format_exception(type(error), error, frame))


def _place(error: BaseException, paths: list[Path]) -> tuple[Path | None, int]:
    """Return the deepest place in the user's files that an exception names."""
    if isinstance(error, SyntaxError) and error.filename:
        return Path(error.filename), error.lineno or 0
    frames = [f for f in traceback.extract_tb(error.__traceback__) if is_users_file(Path(f.filename))]
    if frames:
        return Path(frames[-1].filename), frames[-1].lineno or 0
    return (paths[0], 0) if paths else (None, 0)
