"""One edit, of files or of a cell: taken up whole, or taken back whole."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from caffe_nb.core.layer import Layer
from caffe_nb.errors import did_you_mean, listing
from caffe_nb.layers.modules import is_users_file, layer_classes
from caffe_nb.layers.utility import python
from caffe_nb.live import loader, users
from caffe_nb.live.classify import Effect, Name, changed_names, effect, same_text
from caffe_nb.live.objects import codes_in, functions_in
from caffe_nb.live.sources import Source
from caffe_nb.live.swap import Adoption, Refused, Swap, Undo
from caffe_nb.net import live_nets


def _no_cell(path: Path) -> str:  # noqa: ARG001
    return ""


cell_name: Callable[[Path], str] = _no_cell
"""Names the notebook's cell behind a file name, "" for a file; set by who knows the cells."""


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
    """

    texts: list[tuple[Source, str]]
    dependents: list[Source]
    classes: list[type[Layer]]

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

    def take(self) -> list[Swap]:
        """Take the edit up; the nets concerned are at rest.

        Returns
        -------
        list of Swap
            One for each class that changed, or one refusal.
        """
        undo = Undo()
        try:
            adoption = Adoption(undo)
            names: set[Name] = set()
            for source, text in self.texts:  # what is no Python stops all of it, before anything runs
                source.show_lines(text)
                loader.compile_text(source, text)
            for source, text in self.texts:
                names |= self._take_text(source, text, adoption, undo, names)
            self._check_classes()
            for source in self.dependents:
                names |= _rebind(source, names, undo)
            effects = {cls: effect(cls, adoption.members, names) for cls in self.classes}
            follow(effects, undo)
        except (Exception, SystemExit) as error:
            undo.roll_back()
            refused = refusal(error, self.classes, [source.path for source, _ in self.texts])
            for source, _ in self.texts:
                source.show_lines(source.text)
            return [refused]
        except BaseException:
            undo.roll_back()
            raise
        for source, text in self.texts:
            source.accept(text)
        return [accepted(cls, what) for cls, what in effects.items() if what.changed]

    def _take_text(self, source: Source, text: str, adoption: Adoption, undo: Undo, names: set[Name]) -> set[Name]:
        if same_text(source.text, text):
            loader.move_lines(source, text, undo)
            return _rebind(source, names, undo)
        also = {alias for alias, _, _ in _imported(source, names)}
        changed = changed_names(source.text, text, also)
        old = loader.run(source, text, undo)
        adoption.adopt(source.key, old, source.module.__dict__)
        return {(source.key, name) for name in changed}

    def _check_classes(self) -> None:
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
    """

    namespace: dict[str, Any]
    pairs: list[tuple[type, type]]
    classes: list[type[Layer]] = field(default_factory=list)

    @property
    def signature(self) -> tuple[object, ...]:
        """What was tried, to be reported once."""
        return tuple(reading(new, self.namespace) for _, new in self.pairs)

    @property
    def needs_rest(self) -> bool:
        """A class is always taken over, so that there is one of it."""
        return True

    def take(self) -> list[Swap]:
        """Take the classes over, as `Edit.take`."""
        undo = Undo()
        try:
            adoption = Adoption(undo)
            new = {cls.__name__: cls for _, cls in self.pairs}
            new["__name__"] = self.namespace["__name__"]
            adoption.adopt(self.namespace["__name__"], {cls.__name__: cls for cls, _ in self.pairs}, new)
            effects = {cls: effect(cls, adoption.members, set()) for cls in self.classes}
            follow(effects, undo)
        except (Exception, SystemExit) as error:
            undo.roll_back()
            return [refusal(error, self.classes, [])]
        except BaseException:
            undo.roll_back()
            raise
        users.move_to(adoption.kept)
        for name, value in list(self.namespace.items()):
            kept = adoption.kept(value) if isinstance(value, type) else value
            if kept is not value:
                self.namespace[name] = kept
        return [accepted(cls, what) for cls, what in effects.items() if what.changed]


def reading(cls: type, namespace: dict[str, Any]) -> tuple[object, ...]:
    """Return what tells a class of a cell from another try: itself, and the notebook's names that its code reads."""
    codes = [code for value in vars(cls).values() for f in functions_in(value) for code in codes_in(f.__code__)]
    names = {name for code in codes for name in code.co_names}
    return id(cls), frozenset((name, id(namespace[name])) for name in names & namespace.keys())


def _imported(source: Source, names: set[Name]) -> list[tuple[str, str, str]]:
    """Return (alias, module, name) of what a module imports by name of the changed names."""
    return [
        (item.alias, item.module.__name__, item.name)
        for item in source.imports()
        if item.name and item.alias and (item.module.__name__, item.name) in names
    ]


def _rebind(source: Source, names: set[Name], undo: Undo) -> set[Name]:
    """Let names that a module imported with ``from`` follow the edit; return those that did."""
    followed: set[Name] = set()
    space = source.module.__dict__
    for item in source.imports():
        if not (item.name and item.alias and (item.module.__name__, item.name) in names):
            continue
        new = vars(item.module).get(item.name)
        followed.add((source.key, item.alias))
        if item.name not in vars(item.module):
            raise Refused(
                f"{source.path.name} imports {item.name} from {item.module.__name__}, which has it no more;"
                " give it back, or change the import"
            )
        if item.alias in space and space[item.alias] is not new:
            undo.add(_setter(space, item.alias, space[item.alias]))
            space[item.alias] = new
    return followed


def _setter(space: dict[str, Any], name: str, value: Any) -> Callable[[], object]:
    return lambda: space.__setitem__(name, value)


def follow(effects: dict[type[Layer], Effect], undo: Undo) -> None:
    """Run setup and reshape of the live layers again where the edit asks for it.

    Raises
    ------
    Refused, Exception
        When the new code does not fit or raises.
    """
    for net in live_nets():
        shapes = False
        for node in users.python_nodes(net):
            what = effects.get(type(node.layer))
            if what is None:
                continue
            if what.setup:
                try:
                    users.rerun_setup(node, undo)
                except Exception as error:
                    if not isinstance(error, Refused):
                        error.add_note(f"in setup of {node.where}")
                    raise
            shapes = shapes or what.setup or what.reshape
        if shapes:
            users.reshape_all(net, undo)


def accepted(cls: type[Layer], what: Effect) -> Swap:
    """Count the class's version and return the record of its swap."""
    code = python.code_of(cls)
    assert code is not None
    code.version += 1
    where = users.places([cls])
    count = users.blobs_kept(cls)
    words = ["bases" if name == "__bases__" else name for name in what.changed]
    blobs = f"{count} blob{'' if count == 1 else 's'} kept"
    setup = "setup rerun" if what.setup else "setup not rerun"
    rest = (f"{setup}; {blobs}" if count else setup) if where else "no net uses it now"
    message = f"{cls.__qualname__} v{code.version - 1} → v{code.version}: {listing(words, 6)} changed; {rest}"
    return Swap(True, message, cls.__qualname__, code.version, code.path, nets=where)


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
        advice = " — mend it and run the cell again" if path and cell_name(path) else " — mend the line and save again"
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
