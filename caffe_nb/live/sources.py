"""Which modules the live Python layers' code comes from, and the text of them that runs."""

from __future__ import annotations

import ast
import importlib.util
import linecache
import sys
import time
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from types import ModuleType

from caffe_nb.layers.modules import Folder, UserLoader, is_users_file, module_file
from caffe_nb.live.marks import NO_RELOAD, has_mark
from caffe_nb.live.objects import codes_in, functions_of

SETTLES = 0.3
"""Seconds after which a file counts as written."""


class Source:
    """A module of the user's own whose edits are taken up.

    Parameters
    ----------
    module : module
        The loaded module.
    path : pathlib.Path
        Its file, resolved.

    Attributes
    ----------
    text : str
        The source that runs.
    held : str or None
        What the file holds and is not to run: an older version was gone back to.
    """

    def __init__(self, module: ModuleType, path: Path) -> None:
        self.module = module
        self.path = path
        loader = getattr(module.__spec__, "loader", None) if module.__spec__ else None
        self.loader = loader if isinstance(loader, UserLoader) else None
        text = self.loader.text if self.loader else self.on_disk()
        self.held: str | None = None
        self.text: str = text if text is not None and self._runs(text) else ""

    def _runs(self, text: str) -> bool:
        """Whether the module's functions come from this text: an ordinary import may be older than the file."""
        if self.loader:
            return True
        try:
            codes = set(codes_in(compile(text, str(self.path), "exec", dont_inherit=True)))
        except (SyntaxError, ValueError):
            return False
        own = (f for f in functions_of(self.module) if f.__module__ == self.module.__name__)
        return all(f.__code__ in codes for f in own if Path(f.__code__.co_filename).resolve() == self.path)

    @property
    def file(self) -> str:
        """What Python calls the module's file."""
        return self.module.__dict__.get("__file__") or str(self.path)

    @property
    def key(self) -> str:
        """The module's name in `sys.modules`."""
        return self.module.__name__

    def on_disk(self) -> str | None:
        """Return the text of the file as it is now; None while there is no such file, or one that cannot be read."""
        try:
            data = self.path.read_bytes()
        except OSError:
            return None
        try:
            return importlib.util.decode_source(data)
        except (SyntaxError, UnicodeDecodeError):
            return data.decode("utf-8", "surrogateescape")  # its compilation says what is wrong

    def edited(self) -> str | None:
        """Return the file's text where it is another than the one that runs, and to be taken up."""
        text = self.on_disk()
        if text == self.text:
            self.held = None
        if text is None or text in (self.text, self.held) or has_mark(text, NO_RELOAD):
            return None
        return None if text == "" and self.just_written() else text

    def just_written(self) -> bool:
        """Whether the file was written a moment ago: an empty one is being saved then."""
        try:
            return abs(time.time() - self.path.stat().st_mtime) < SETTLES
        except OSError:
            return True

    def accept(self, text: str) -> None:
        """Say that this text runs now."""
        self.text = text
        if self.loader:
            self.loader.text = text
        self.show_lines(text)

    def show_lines(self, text: str) -> None:
        """Let tracebacks show the lines of this text, whatever the file holds."""
        lines = text.splitlines(keepends=True)
        linecache.cache[self.file] = (
            len(text),
            None,  # no time: `checkcache` leaves the entry alone
            lines,
            str(self.path),
        )

    def imports(self) -> list[Import]:
        """Return what the module's text imports, inside functions too, from modules that are loaded."""
        return imports_of(self.module, self.text)


class Import:
    """One imported name.

    Attributes
    ----------
    module : module
        The module imported, or the one that `name` is taken from.
    name : str
        The name taken from the module; empty for the module itself.
    alias : str
        The name that it has in the importing module; empty where it is not bound at the module's top level.
    """

    def __init__(self, module: ModuleType, name: str, alias: str) -> None:
        self.module = module
        self.name = name
        self.alias = alias


def imports_of(module: ModuleType, text: str) -> list[Import]:
    """Return the imports of a module's text whose modules are loaded."""
    found: list[Import] = []
    for node, bound in _import_statements(text):
        if isinstance(node, ast.Import):
            for name in node.names:
                found += _plain_imports(module, name, bound)
        else:
            source = _resolve(module, "." * node.level + (node.module or ""))
            if source is None:
                continue
            for name in node.names:
                if name.name == "*":
                    found += [Import(source, n, n) for n in vars(source) if not n.startswith("_")]
                    continue
                submodule = sys.modules.get(f"{source.__name__}.{name.name}")
                if submodule is not None:
                    found.append(Import(submodule, "", (name.asname or name.name) if bound else ""))
                found.append(Import(source, name.name, (name.asname or name.name) if bound else ""))
    return found


@lru_cache(maxsize=256)
def _import_statements(text: str) -> list[tuple[ast.Import | ast.ImportFrom, bool]]:
    """Return the import statements of a text, and whether they run in the module's own namespace."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return []
    top_level = {id(node) for node in _top_level(tree.body)}
    return [(n, id(n) in top_level) for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom)]


def _plain_imports(module: ModuleType, name: ast.alias, bound: bool) -> list[Import]:
    parts = name.name.split(".")
    found = []
    for i in range(1, len(parts) + 1):
        loaded = _resolve(module, ".".join(parts[:i]))
        if loaded is not None:
            last = i == len(parts)
            alias = (name.asname if last else "") if name.asname else (parts[0] if i == 1 else "")
            found.append(Import(loaded, "", alias if bound and alias else ""))
    return found


def _top_level(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements that run in the module's own namespace."""
    for node in body:
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for part in ("body", "orelse", "finalbody"):
                yield from _top_level(getattr(node, part, ()))
            for handler in getattr(node, "handlers", ()):
                yield from _top_level(handler.body)


def _resolve(module: ModuleType, name: str) -> ModuleType | None:
    if name.startswith("."):
        package = module.__package__ or ""
        try:
            name = importlib.util.resolve_name(name, package)
        except ImportError:
            return None
        return sys.modules.get(name)
    folder = folder_of(module)
    top, dot, rest = name.partition(".")
    key = folder.key(top) if folder else None
    return sys.modules.get((key or top) + dot + rest)


def folder_of(module: ModuleType) -> Folder | None:
    """Return the folder that a module was loaded from by caffe_nb, or None for an ordinary import."""
    loader = module.__spec__.loader if module.__spec__ else None
    return loader.folder if isinstance(loader, UserLoader) else None


class Sources:
    """All modules whose edits are taken up, by their name in `sys.modules`."""

    def __init__(self) -> None:
        self._sources: dict[str, Source] = {}

    def __iter__(self) -> Iterator[Source]:
        return iter(list(self._sources.values()))

    def get(self, key: str) -> Source | None:
        """Return a source by its module's name."""
        return self._sources.get(key)

    def edited(self) -> dict[str, str]:
        """Return the texts of the files that hold another one than what runs, by module name."""
        return {source.key: text for source in self if (text := source.edited()) is not None}

    def forget_unloaded(self) -> None:
        """Leave out modules that are no longer loaded, or loaded anew by others."""
        for key, source in list(self._sources.items()):
            if sys.modules.get(key) is not source.module:
                del self._sources[key]

    def add(self, module: ModuleType) -> Source | None:
        """Track a module and all of the user's own that it imports; None where it is no file of the user's."""
        source = self._track(module)
        if source is not None:
            self.reached(source)
        return source

    def _track(self, module: ModuleType) -> Source | None:
        if module.__name__ == "__main__":
            return None
        known = self._sources.get(module.__name__)
        if known is not None and known.module is module:
            return known
        path = module_file(module)
        if path is None or sys.modules.get(module.__name__) is not module or not is_users_file(path):
            return None
        source = self._sources[module.__name__] = Source(module, path)
        return source

    def reached(self, source: Source) -> set[str]:
        """Return the names of the user's modules that a module needs, itself included; new ones are tracked."""
        found: set[str] = set()
        queue = [source]
        while queue:
            this = queue.pop()
            if this.key in found:
                continue
            found.add(this.key)
            for item in this.imports():
                other = self._track(item.module)
                if other is not None:
                    queue.append(other)
        return found

    def folders(self) -> set[Path]:
        """Return the folders to watch."""
        return {source.path.parent for source in self}
