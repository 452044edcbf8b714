"""The user's part of a traceback."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

from caffe_nb.layers.modules import is_users_file


def users_frames(frames: TracebackType | None, *, to_the_last: bool = False) -> TracebackType | None:
    """Return a traceback from the user's first frame on.

    Parameters
    ----------
    frames : traceback or None
        As the exception has it.
    to_the_last : bool, default False
        Whether to leave out what the user's last frame called, too.

    Returns
    -------
    traceback or None
        None where no frame is the user's.
    """
    found = []
    while frames is not None:
        found.append(frames)
        frames = frames.tb_next
    own = [i for i, frame in enumerate(found) if _is_users(frame.tb_frame.f_code.co_filename)]
    if not own:
        return None
    result = None
    for frame in reversed(found[own[0] : own[-1] + 1 if to_the_last else None]):
        result = TracebackType(result, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    return result


def _is_users(name: str) -> bool:
    """Whether code of this file name is the user's: a file of theirs, or what has none, as a cell in a terminal."""
    return not name.startswith("<frozen ") and is_users_file(Path(name).absolute())
