"""Finding the files that a net names."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from caffe_nb.errors import NetError


def find(name: str, folders: Iterable[Path | None], what: str) -> Path:
    """Return the path of a file, looked for in the working directory and then in the given folders.

    Parameters
    ----------
    name : str
        As the net has it; absolute, or relative to any of the places.
    folders : iterable of pathlib.Path or None
        Where else to look, in this order; None is skipped.
    what : str
        What the file is for, for the message.

    Raises
    ------
    NetError
        When it is nowhere; the message lists the places.
    """
    places = list(dict.fromkeys([Path.cwd(), *(folder.absolute() for folder in folders if folder is not None)]))
    for place in places:
        if (place / name).is_file():
            return place / name
    looked = "" if Path(name).is_absolute() else f"; looked in {', '.join(map(str, places))}"
    raise NetError(f"{what} '{name}' was not found{looked}")
