"""Taking up edits at safe points, in all nets that they concern at once."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Container, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from caffe_nb.core.layer import Layer
from caffe_nb.errors import NetError
from caffe_nb.layers.utility import python
from caffe_nb.live import autorun, users
from caffe_nb.live.edit import CellEdit, Confirm, Edit, reading
from caffe_nb.live.notices import Notices
from caffe_nb.live.past import History, Version, choose, define
from caffe_nb.live.rest import at_rest, inside_a_pass
from caffe_nb.live.sources import Source, Sources
from caffe_nb.live.standing import Standing
from caffe_nb.live.swap import Swap
from caffe_nb.net import Net, live_nets

log = logging.getLogger("caffe_nb.live")

PATIENCE = 0.06
"""Seconds to wait for the backward of a forward that ran, before the engine counts as idle."""
RETRY = 0.03
"""Seconds between two looks at nets that are busy."""


class Host:
    """Finds edits of the live layers' code and takes them up.

    Attributes
    ----------
    on_swap : list of callables
        Called with every `Swap`, accepted or refused, in the order of the edits; no lock is held.
    autorun : bool
        Whether the nets of an accepted edit run what it made stale at once.
    given, confirm : dict or None, callable
        Texts to take up instead of what files hold; and who has the last word on an edit (`Edit.take`).
    """

    def __init__(self) -> None:
        self.on_swap: list[Callable[[Swap], object]] = []
        self._sources = Sources()
        self._swaps: list[Swap] = []
        self._history = History()
        self._notices = Notices()
        self._asked: list[Edit | CellEdit] = []  # versions to go back to
        self.autorun = False
        self.given: dict[str, str] | None = None
        self.confirm: Confirm = lambda error: None
        self._refused: dict[Any, Swap] = {}
        self._standing = Standing()
        self._cells: list[tuple[dict[str, Any], list[tuple[type, type]]]] = []
        self._refused_cells: dict[type, tuple[object, type]] = {}  # by the class that runs: what was tried
        self._mutex = threading.RLock()
        self._changed = threading.Condition()
        self._waiting_since = 0.0
        self._retry = False
        self._timer: threading.Timer | None = None
        self._busy = threading.local()

    # what there is

    def swaps(self) -> list[Swap]:
        """Return every swap so far, oldest first."""
        return list(self._swaps)

    def sources(self) -> Sources:
        """Return the modules of all Python layers' classes, brought up to date."""
        with self._mutex:
            self._sources.forget_unloaded()
            for cls in python.python_classes():
                for base in cls.__mro__:
                    module = sys.modules.get(base.__module__)
                    if module is not None and issubclass(base, Layer) and _stands_in(module, base):
                        self._sources.add(module)
            return self._sources

    def folders(self) -> set[Path]:
        """Return the folders to watch: the sources', and those of files that an edit was refused for."""
        refused = {swap.path.parent for swap in self._refused.values() if swap.path is not None}
        return {folder for folder in self.sources().folders() | refused if folder.is_dir()}

    # taking up

    def take_up(self, *, at: Net | None = None, patient: bool = True, retry: bool = False) -> list[Swap]:
        """Take up all pending edits whose nets are at rest; the others at their next safe point.

        Parameters
        ----------
        at : Net, optional
            The net whose safe point this is.
        patient : bool, default True
            Whether a forward may still wait for its backward; an explicit call knows better.
        retry : bool, default False
            Whether to try refused edits again: another file may have mended them.

        Returns
        -------
        list of Swap
            What was taken up or refused now; edits that stay refused are among them.
        """
        if getattr(self._busy, "here", False):  # a listener, or a layer's code while it is being taken up
            return []
        swaps: list[Swap] = []
        fresh: list[Swap] = []
        self._busy.here = True
        try:
            with self._mutex:
                left: list[Net] = []
                self._retry = self._retry or retry
                for edit in self._edits():
                    self._try(edit, at, patient, swaps, fresh, left)
                fresh += self._standing.undone()
                fresh += self._notices.look(self._sources)
                self._wait_for(left)
                self._retry = self._retry and bool(left)
                self._swaps += fresh
        finally:
            self._busy.here = False
        self._tell(fresh)
        if self.autorun:
            autorun.run(fresh, self.on_swap)
        with self._changed:
            self._changed.notify_all()
        return swaps

    def reload(self, timeout: float = 10.0) -> list[Swap]:
        """Take up all pending edits, and wait for running nets to reach a safe point."""
        deadline = time.monotonic() + timeout
        before = len(self._swaps)
        swaps = self.take_up(patient=False, retry=True)
        while self.waiting and not inside_a_pass() and time.monotonic() < deadline:
            with self._changed:
                self._changed.wait(RETRY)
            swaps += self.take_up(patient=False)
        elsewhere = [swap for swap in self._swaps[before:] if swap not in swaps]
        return [*elsewhere, *_once(swaps)]

    @property
    def waiting(self) -> bool:
        """Whether edits wait for a safe point."""
        return bool(self._waiting_since)

    def adopt_cell(self, namespace: dict[str, Any]) -> list[Swap]:
        """Take over the classes of Python layers (and their bases) that a cell defined anew."""
        module = namespace.get("__name__")
        pairs: list[tuple[type, type]] = []
        for cls in users.live_classes():
            for base in cls.__mro__:
                new = namespace.get(base.__name__)
                if (
                    base.__module__ == module
                    and isinstance(new, type)
                    and new is not base
                    and (new.__module__, new.__qualname__) == (module, base.__qualname__)
                    and new not in [other for _, other in pairs]
                ):
                    pairs.append((base, new))
        tried = self._refused_cells = {c: self._refused_cells[c] for c, _ in pairs if c in self._refused_cells}
        pairs = [(old, new) for old, new in pairs if tried.get(old, ("",))[0] != reading(new, namespace)]
        if not pairs:
            return []
        with self._mutex:
            self._cells.append((namespace, pairs))
        return self.take_up(patient=False)

    def _try(
        self,
        edit: Edit | CellEdit,
        at: Net | None,
        patient: bool,
        swaps: list[Swap],
        fresh: list[Swap],
        left: list[Net],
    ) -> None:
        known = self._refused.get(edit.signature)
        if known is not None and not self._retry:
            swaps.append(known)
            return
        concerned = [net for net in live_nets() if users.uses(net, edit.classes)] if edit.needs_rest else []
        with at_rest(concerned, at, patient and time.monotonic() < self._deadline()) as resting:
            if not resting:
                left += concerned
                return
            for cls in edit.classes:  # the code that runs is a version too
                self._history.of(cls, self._sources)
            result = edit.take(self.confirm)
            for swap in result:
                for cls in swap.classes:
                    what = swap.message.partition(": ")[2].partition("; ")[0]
                    self._history.add(cls, self._sources, what)
        self._forget(edit)
        if result and not result[0].ok:
            if known is not None:  # said already
                swaps.append(known)
                return
            if isinstance(edit, CellEdit):  # a namespace has no text that could be compared
                self._refused_cells |= {old: (reading(new, edit.namespace), new) for old, new in edit.pairs}
            else:
                self._refused[edit.signature] = result[0]
        result = [*result, *self._standing.heard(edit, result)]
        swaps += result
        fresh += result

    def _forget(self, edit: Edit | CellEdit) -> None:
        if edit in self._asked:
            self._asked.remove(edit)
            for source, _ in edit.texts if isinstance(edit, Edit) else ():
                source.held = source.on_disk()
        if isinstance(edit, CellEdit):
            self._cells = [cell for cell in self._cells if cell[1] is not edit.pairs]

    def _deadline(self) -> float:
        if not self._waiting_since:
            return time.monotonic() + PATIENCE
        return self._waiting_since + PATIENCE

    def _edits(self) -> Iterator[Edit | CellEdit]:
        """Yield what is pending, in groups of modules that belong together."""
        yield from list(self._asked)
        for namespace, pairs in list(self._cells):
            bases = tuple(old for old, _ in pairs)
            yield CellEdit(namespace, pairs, [c for c in python.python_classes() if issubclass(c, bases)])
        sources = self.sources()
        texts = sources.edited() if self.given is None else self.given
        if not texts:
            self._refused = {}
            return
        reach = {source.key: sources.reached(source) for source in sources}
        for group in _groups(texts.keys(), reach):
            yield _edit(group, texts, reach, sources)

    # versions

    def versions(self, cls: type[Layer]) -> list[Version]:
        """Return the versions of a class, oldest first."""
        with self._mutex:
            self.sources()
            return self._history.of(cls, self._sources)

    def roll_back(self, cls: type[Layer], number: int | None, timeout: float) -> Swap:
        """Let an older version of a class run again; waits for running nets to reach a safe point.

        Raises
        ------
        NetError
            When there is no such version, or it runs already.
        """
        with self._mutex:
            target = choose(self.versions(cls), number)
            edit = self._back_to(cls, target)
            self._asked.append(edit)
        try:
            swaps = self.reload(timeout)
        finally:
            waits = edit in self._asked
            if waits:
                self._asked.remove(edit)
        mine = [swap for swap in swaps if cls in swap.classes or not swap.ok]
        if waits or not mine:
            raise NetError(f"{cls.__qualname__} could not go back: its nets were busy for {timeout:g} s; try again")
        return mine[-1]

    def _back_to(self, cls: type[Layer], target: Version) -> Edit | CellEdit:
        note = f"back to v{target.number}"
        if target.cells:
            namespace = vars(sys.modules["__main__"])
            made = define(target.cells, namespace)
            pairs = [(base, made[base.__name__]) for base in cls.__mro__ if base.__name__ in made]
            bases = tuple(old for old, _ in pairs)
            return CellEdit(namespace, pairs, [c for c in python.python_classes() if issubclass(c, bases)], note)
        sources = self.sources()
        texts = {key: text for key, text in target.texts.items() if (s := sources.get(key)) and s.text != text}
        reach = {source.key: sources.reached(source) for source in sources}
        edit = _edit(set(texts), texts, reach, sources)
        edit.note = note
        return edit

    # safe points

    def _wait_for(self, nets: list[Net]) -> None:
        """Listen at the safe points of busy nets, and look again soon; nobody listens while nothing waits."""
        wanted = {id(net) for net in nets}
        for net in live_nets():
            hooks = net.hooks.safe_point
            listening = [h for h in hooks if isinstance(h, _SafePoint)]
            if id(net) in wanted and not listening:
                hooks.append(_SafePoint(self, net))
            elif id(net) not in wanted:
                for hook in listening:
                    hooks.remove(hook)
        if not nets:
            self._waiting_since = 0.0
            return
        self._waiting_since = self._waiting_since or time.monotonic()
        if self._timer is None or not self._timer.is_alive():
            self._timer = threading.Timer(RETRY, self._look_again)
            self._timer.daemon = True
            self._timer.start()

    def _look_again(self) -> None:
        self._timer = None
        if self.waiting:
            self.take_up_quietly()

    def take_up_quietly(self, at: Net | None = None, *, patient: bool = True, retry: bool = False) -> None:
        """Take up what is pending; a fault of ours is logged, it never reaches the user's pass."""
        try:
            self.take_up(at=at, patient=patient, retry=retry)
        except Exception:
            log.exception("an edit could not be taken up")

    def _tell(self, swaps: list[Swap]) -> None:
        for swap in swaps:
            heard = swap.ok or self.on_swap  # a refusal that nobody shows is a warning
            log.log(logging.INFO if heard else logging.WARNING, "%s", swap.message)
            for listener in tuple(self.on_swap):
                try:
                    listener(swap)
                except Exception:
                    log.exception("a listener of swaps failed")


class _SafePoint:
    """A net's hook while an edit waits for it."""

    def __init__(self, host: Host, net: Net) -> None:
        self.host = host
        self.net = net

    def __call__(self) -> None:
        self.host.take_up_quietly(self.net)


def _once(swaps: list[Swap]) -> list[Swap]:
    seen: list[Swap] = []
    for swap in swaps:
        if not any(swap is other for other in seen):
            seen.append(swap)
    return seen


def _comes_from(cls: type, modules: Container[str]) -> bool:
    module = sys.modules.get(cls.__module__)
    return module is not None and cls.__module__ in modules and _stands_in(module, cls)


def _stands_in(module: ModuleType, cls: type) -> bool:
    """Whether a module has this class under its name: one made inside a function has no text that could be followed."""
    found: object = module
    for name in cls.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is cls


def _groups(edited: Any, reach: dict[str, set[str]]) -> list[set[str]]:
    """Put edited modules together that one module needs both of."""
    groups: list[set[str]] = [{key} for key in edited]
    for needs in reach.values():
        together = [group for group in groups if group & needs]
        if len(together) > 1:
            groups = [group for group in groups if not group & needs]
            groups.append(set().union(*together))
    return groups


def _edit(group: set[str], texts: dict[str, str], reach: dict[str, set[str]], sources: Sources) -> Edit:
    def found(key: str) -> Source:
        source = sources.get(key)
        assert source is not None
        return source

    dependents = {key for key, needs in reach.items() if needs & group}
    order = sorted(dependents | group, key=lambda key: len(reach[key]))  # a helper needs less than who imports it
    classes = [cls for cls in python.python_classes() if any(_comes_from(base, dependents) for base in cls.__mro__)]
    return Edit(
        [(found(key), texts[key]) for key in order if key in group],
        [found(key) for key in order if key not in group],
        classes,
    )
