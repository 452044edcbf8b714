"""Finding the files that a net names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from caffe_nb.errors import NetError


def places(folders: Iterable[Path | None]) -> list[Path]:
    """Return where relative names are looked for: the working directory as it is now, the given folders, those above.

    Caffe's own examples name their files from the root of its repository, some folders above the text.

    Parameters
    ----------
    folders : iterable of pathlib.Path or None
        In their order; None is skipped.
    """
    given = [folder.absolute() for folder in folders if folder is not None]
    return list(dict.fromkeys([Path.cwd(), *given, *(above for folder in given for above in folder.parents)]))


def find(name: str, folders: Iterable[Path | None], what: str, exists: Callable[[Path], bool] = Path.is_file) -> Path:
    """Return the path of a file, looked for in the working directory and then in the given folders.

    Parameters
    ----------
    name : str
        As the net has it; absolute, or relative to any of the places.
    folders : iterable of pathlib.Path or None
        Where else to look, in this order; None is skipped.
    what : str
        What the file is for, for the message.
    exists : callable, default Path.is_file
        What counts as found.

    Raises
    ------
    NetError
        When it is nowhere; the message lists the places.
    """
    return find_in(places(folders), name, what, exists)


def find_in(
    where: Sequence[Path], name: str, what: str, exists: Callable[[Path], bool] = Path.is_file, hint: str = ""
) -> Path:
    """Return the path of a file, looked for in `where` alone; otherwise as `find`.

    Parameters
    ----------
    where : sequence of pathlib.Path
        As `places` returns it.
    name, what, exists
        As for `find`.
    hint : str, default ""
        What to do, appended to the message.
    """
    for place in where:
        try:
            if exists(place / name):
                return place / name
        except OSError:  # a name that no file can have
            continue
    looked = "" if Path(name).is_absolute() else f"; looked in {', '.join(map(str, _shown(where)))}"
    raise NetError(f"{what} '{name}' was not found{looked}{hint}")


def _shown(where: Sequence[Path]) -> list[str]:
    """Return the places that a message names: those above a place that it names go without saying."""
    kept = [str(place) for place in where if not any(place in other.parents for other in where if other != Path.cwd())]
    return [*kept, "the folders above"] if len(kept) < len(where) else kept
