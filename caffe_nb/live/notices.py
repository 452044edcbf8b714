"""Words about files whose edits cannot be taken up, or are not to be."""

from __future__ import annotations

import time

from caffe_nb.layers.utility import python
from caffe_nb.live import users
from caffe_nb.live.marks import NO_RELOAD, has_mark
from caffe_nb.live.sources import SETTLES, Source, Sources
from caffe_nb.live.swap import Swap


class Notices:
    """Says once of each file that it is gone, or that it asks to be left alone."""

    def __init__(self) -> None:
        self._said: dict[str, str] = {}  # by module: why
        self._missing: dict[str, float] = {}

    def look(self, sources: Sources) -> list[Swap]:
        """Return what is to be said now."""
        said = [(source, self._about(source)) for source in sources]
        return [self._swap(source, text) for source, text in said if text]

    def _about(self, source: Source) -> str:
        text = source.on_disk()
        why = ""
        if text is None:
            since = self._missing.setdefault(source.key, time.monotonic())
            why = "gone" if time.monotonic() - since >= SETTLES else self._said.get(source.key, "")
        else:
            self._missing.pop(source.key, None)
            if text != source.text and has_mark(text, NO_RELOAD):
                why = "left alone"
        before = self._said.pop(source.key, "")
        if not why:
            return ""
        self._said[source.key] = why
        if why == before:
            return ""
        if why == "gone":
            return f"{source.path.name} is gone; its layers run on. Save it again to go on editing"
        return f"{source.path.name} was edited and left alone, as its comment `{NO_RELOAD}` asks"

    @staticmethod
    def _swap(source: Source, message: str) -> Swap:
        classes = [cls for cls in python.python_classes() if cls.__module__ == source.key]
        names = ", ".join(cls.__qualname__ for cls in classes)
        version = python.code_version(classes[0]) if classes else 0
        return Swap(True, message, names, version, source.path, nets=users.places(classes))
