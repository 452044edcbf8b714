"""Refusals that were told and still stand: a layer whose file is as it was before needs no swap, but a word."""

from __future__ import annotations

from dataclasses import replace

from caffe_nb.live.edit import CellEdit, Edit
from caffe_nb.live.swap import Swap


class Standing:
    """The last refusal of each layer, until something better is heard of it."""

    def __init__(self) -> None:
        self._refusals: list[tuple[Edit | CellEdit, Swap]] = []

    def heard(self, edit: Edit | CellEdit, result: list[Swap]) -> list[Swap]:
        """Note what became of an edit.

        Parameters
        ----------
        edit : Edit or CellEdit
            What was tried.
        result : list of Swap
            Its refusal, or the swaps of the classes that changed.

        Returns
        -------
        list of Swap
            For layers whose earlier refusal this ends without a change of their own.
        """
        if result and not result[0].ok:
            self._refusals = [old for old in self._refusals if not set(old[1].nets) & set(result[0].nets)]
            self._refusals.append((edit, result[0]))
            return []
        ended = [old for old in self._refusals if _covers(edit, old[0])]
        self._refusals = [old for old in self._refusals if old not in ended]
        told = {place for swap in result for place in swap.nets}
        return _mended(ended, told)

    def undone(self) -> list[Swap]:
        """Return a swap for each refusal whose files have the text again that runs."""
        ended = [old for old in self._refusals if isinstance(old[0], Edit) and _as_before(old[0])]
        self._refusals = [old for old in self._refusals if old not in ended]
        return _mended(ended, set())


def _covers(edit: Edit | CellEdit, refused: Edit | CellEdit) -> bool:
    """Whether all that was refused is in a later edit."""
    if isinstance(edit, Edit) and isinstance(refused, Edit):
        return {source.key for source, _ in refused.texts} <= {source.key for source, _ in edit.texts}
    return type(edit) is type(refused) and bool(set(edit.classes) & set(refused.classes))


def _as_before(edit: Edit) -> bool:
    return all(source.on_disk() == source.text for source, _ in edit.texts)


def _mended(refusals: list[tuple[Edit | CellEdit, Swap]], told: set[tuple[str, int]]) -> list[Swap]:
    swaps = []
    for _, refused in refusals:
        places = [place for place in refused.nets if place not in told]
        if places:
            message = f"{refused.layer}: mended; the code that runs is unchanged"
            swaps.append(
                replace(
                    refused, ok=True, message=message, version=refused.version - 1, line=0, traceback="", nets=places
                )
            )
    return swaps
