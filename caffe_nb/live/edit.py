"""One edit, of files or of a cell: taken up whole, or taken back whole."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from caffe_nb.core.layer import Layer
from caffe_nb.errors import did_you_mean, listing
from caffe_nb.layers.modules import layer_classes
from caffe_nb.live import loader, users
from caffe_nb.live.classify import Effect, Name, changed_names, effect, same_text
from caffe_nb.live.marks import RESET, has_mark
from caffe_nb.live.objects import codes_in, functions_in, functions_of
from caffe_nb.live.past import retire
from caffe_nb.live.report import accepted, refusal
from caffe_nb.live.sources import Source
from caffe_nb.live.swap import Adoption, Refused, Swap, Undo
from caffe_nb.net import Node, live_nets

_MISSING = object()
Confirm = Callable[[BaseException | None], object]


@dataclass
class Edit:
    """New texts of modules that belong together, helpers first.

    Attributes
    ----------
    texts : list of (Source, str)
        The modules and their new text.
    dependents : list of Source
        Other modules that import from them, in the order of their imports.
    classes : list of type
        The Python layers' classes that may be concerned.
    note : str
        Words for the message, where it is not a file that was edited.
    """

    texts: list[tuple[Source, str]]
    dependents: list[Source]
    classes: list[type[Layer]]
    note: str = ""

    @property
    def signature(self) -> tuple[tuple[str, str], ...]:
        """What was tried, to be reported once."""
        return tuple((source.key, text) for source, text in self.texts)

    @property
    def needs_rest(self) -> bool:
        """Whether nets must be at rest for it: not for comments and whitespace, nor for what is no Python."""
        try:
            same = [same_text(source.text, text) for source, text in self.texts]  # each of them must be Python
            return not all(same)
        except (SyntaxError, ValueError):
            return False

    def take(self, confirm: Confirm = lambda error: None) -> list[Swap]:
        """Take the edit up; the nets concerned are at rest.

        Parameters
        ----------
        confirm : callable, optional
            Called once, with what the edit raised here or None where all went well; it may still raise Refused.

        Returns
        -------
        list of Swap
            One for each class that changed, or one refusal.
        """
        undo = Undo()
        codes = {source: [f.__code__ for f in functions_of(source.module)] for source, _ in self.texts}
        try:
            adoption = Adoption(undo)
            names: dict[Name, Any] = {}
            for source, text in self.texts:  # what is no Python stops all of it, before anything runs
                source.show_lines(text)
                loader.compile_text(source, text)
            for source, text in self.texts:
                names |= self._take_text(source, text, adoption, undo, names)
            self._check_classes()
            for source in self.dependents:
                names |= _rebind(source, names, undo)
            effects = {cls: effect(cls, adoption.members, set(names)) for cls in self.classes}
            kept = follow(effects, undo, self._reset())
            _last_word(confirm)
        except BaseException as error:
            undo.roll_back()
            _tell(confirm, error)
            for source, _ in self.texts:
                source.show_lines(source.text)
            if _is_interrupt(error):
                raise
            for source, text in self.texts:  # the message quotes the lines that were refused
                source.show_lines(text)
            refused = refusal(error, self.classes, [source.path for source, _ in self.texts])
            for source, _ in self.texts:
                source.show_lines(source.text)
            return [refused]
        for source, text in self.texts:
            retire(source.file, source.text, codes[source], functions_of(source.module))
            source.accept(text)
        return [accepted(cls, what, kept, self.note) for cls, what in effects.items() if what.changed]

    def _reset(self) -> set[type[Layer]]:
        """Return the classes whose file asks for new layers instead of mended ones."""
        modules = {source.key for source, text in self.texts if has_mark(text, RESET)}
        return {cls for cls in self.classes if cls.__module__ in modules}

    def _take_text(
        self, source: Source, text: str, adoption: Adoption, undo: Undo, names: dict[Name, Any]
    ) -> dict[Name, Any]:
        """Run a text; return the names that it changed, with what they stood for before."""
        if same_text(source.text, text):
            loader.move_lines(source, text, undo)
            return _rebind(source, names, undo)
        also = {alias for alias, _, _ in _imported(source, names)}
        changed = changed_names(source.text, text, also)
        old = loader.run(source, text, undo)
        adoption.adopt(source.key, old, source.module.__dict__)
        return {(source.key, name): old.get(name, _MISSING) for name in changed}

    def _check_classes(self) -> None:
        for cls in self.classes:
            if not issubclass(cls, Layer):
                raise Refused(
                    f"class {cls.__qualname__} is no caffe.Layer any more, which a net needs; name it as a base"
                )
        for source, _ in self.texts:
            for cls in self.classes:
                if cls.__module__ != source.key or "<locals>" in cls.__qualname__:
                    continue
                found: Any = source.module
                for part in cls.__qualname__.split("."):
                    found = getattr(found, part, None)
                if found is not cls:
                    there = layer_classes(source.module)
                    raise Refused(
                        f"{source.path.name} has no class {cls.__qualname__} any more, which a net runs."
                        f"{did_you_mean(cls.__qualname__, there)} Its layers: {listing(there)};"
                        " give the class its name back and save again"
                    )


@dataclass
class CellEdit:
    """Classes that a cell defined anew.

    Attributes
    ----------
    namespace : dict
        The notebook's namespace.
    pairs : list of (type, type)
        The class that runs, and the new one of its name.
    classes : list of type
        The Python layers' classes that may be concerned.
    note : str
        Words for the message, where it is not a cell that was run.
    """

    namespace: dict[str, Any]
    pairs: list[tuple[type, type]]
    classes: list[type[Layer]] = field(default_factory=list)
    note: str = ""

    @property
    def signature(self) -> tuple[object, ...]:
        """What was tried, to be reported once."""
        return tuple(reading(new, self.namespace) for _, new in self.pairs)

    @property
    def needs_rest(self) -> bool:
        """A class is always taken over, so that there is one of it."""
        return True

    def take(self, confirm: Confirm = lambda error: None) -> list[Swap]:
        """Take the classes over, as `Edit.take`."""
        undo = Undo()
        try:
            adoption = Adoption(undo)
            new = {cls.__name__: cls for _, cls in self.pairs}
            new["__name__"] = self.namespace["__name__"]
            adoption.adopt(self.namespace["__name__"], {cls.__name__: cls for cls, _ in self.pairs}, new)
            effects = {cls: effect(cls, adoption.members, set()) for cls in self.classes}
            blobs = follow(effects, undo)
            _last_word(confirm)
        except BaseException as error:
            undo.roll_back()
            _tell(confirm, error)
            if _is_interrupt(error):
                raise
            return [refusal(error, self.classes, [])]
        users.move_to(adoption.kept)
        for name, value in list(self.namespace.items()):
            kept = adoption.kept(value) if isinstance(value, type) else value
            if kept is not value:
                self.namespace[name] = kept
        return [accepted(cls, what, blobs, self.note) for cls, what in effects.items() if what.changed]


class _RefusedElsewhere(Refused):
    """Another process that runs the same net cannot take the edit up."""


def _last_word(confirm: Confirm) -> None:
    try:
        confirm(None)
    except Refused as error:
        raise _RefusedElsewhere(str(error)) from error


def _tell(confirm: Confirm, error: BaseException) -> None:
    if not isinstance(error, _RefusedElsewhere):
        with contextlib.suppress(Refused):  # what others say of it is less than what is known here
            confirm(error)


def _is_interrupt(error: BaseException) -> bool:
    """Whether somebody pressed Ctrl-C; what else a text raises, of whatever kind, is a refusal."""
    return isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread()


def reading(cls: type, namespace: dict[str, Any]) -> tuple[object, ...]:
    """Return what tells a class of a cell from another try: itself, and the notebook's names that its code reads."""
    codes = [code for value in vars(cls).values() for f in functions_in(value) for code in codes_in(f.__code__)]
    names = {name for code in codes for name in code.co_names}
    return id(cls), frozenset((name, id(namespace[name])) for name in names & namespace.keys())


def _imported(source: Source, names: Container[Name]) -> list[tuple[str, str, str]]:
    """Return (alias, module, name) of what a module imports by name of the changed names."""
    return [
        (item.alias, item.module.__name__, item.name)
        for item in source.imports()
        if item.name and item.alias and (item.module.__name__, item.name) in names
    ]


def _rebind(source: Source, names: dict[Name, Any], undo: Undo) -> dict[Name, Any]:
    """Let names that a module imported with ``from`` follow the edit; return those that did.

    A name that the module has given another value since (a default that it shadows, the other branch of a ``try``) is
    its own.
    """
    followed: dict[Name, Any] = {}
    space = source.module.__dict__
    for item in source.imports():
        before = names.get((item.module.__name__, item.name), _MISSING) if item.name and item.alias else _MISSING
        if before is _MISSING or space.get(item.alias, _MISSING) is not before:
            continue
        if item.name not in vars(item.module):
            raise Refused(
                f"{source.path.name} imports {item.name} from {item.module.__name__}, which has it no more;"
                " give it back, or change the import"
            )
        new = vars(item.module)[item.name]
        followed[source.key, item.alias] = before
        if new is not before:
            undo.add(_setter(space, item.alias, before))
            space[item.alias] = new
    return followed


def _setter(space: dict[str, Any], name: str, value: Any) -> Callable[[], object]:
    return lambda: space.__setitem__(name, value)


def follow(
    effects: dict[type[Layer], Effect], undo: Undo, reset: Container[type[Layer]] = ()
) -> dict[type[Layer], users.Kept]:
    """Let the live layers follow an edit: setup and reshape run again where it asks for it.

    Parameters
    ----------
    effects : dict of type to Effect
        What the edit means for each class.
    undo : Undo
        Learns how to take it back.
    reset : container of type
        Classes whose layers are to be as new, with new parameters.

    Returns
    -------
    dict of type to Kept
        What became of the parameters of the classes whose setup ran.

    Raises
    ------
    Refused, Exception
        When the new code does not fit or raises.
    """
    kept: dict[type[Layer], users.Kept] = {}
    for net in live_nets():
        shapes = False
        for node in users.python_nodes(net):
            cls = type(node.layer)
            what = effects.get(cls)
            if what is None or not what.changed:
                continue
            old_state = dict(node.layer.__dict__)
            if what.setup or cls in reset:
                with _said(node, "setup"):
                    kept[cls] = users.rerun_setup(net, node, undo, reset=cls in reset)
            hook = getattr(node.layer, "__reload__", None)
            if hook is not None:
                undo.add(users.attributes_back(node.layer))
                with _said(node, "__reload__"):
                    hook(old_state)
            users.mark(node, undo, forward=what.forward or cls in reset)
            shapes = shapes or what.setup or what.reshape or cls in reset
        if shapes:
            users.reshape_all(net, undo)
    return kept


@contextmanager
def _said(node: Node, method: str) -> Iterator[None]:
    """Say in an exception which layer it comes from."""
    try:
        yield
    except Refused:
        raise
    except Exception as error:
        error.add_note(f"in {method} of {node.where}")
        raise
