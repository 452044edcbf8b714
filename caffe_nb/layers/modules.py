"""Finding and loading the modules of users' Python layers.

A module is looked for beside the prototxt, in the working directory (the notebook's folder), on ``sys.path`` and, last,
a class of the wanted name in ``__main__``. Modules of the same name in different folders live side by side: the first
gets its own name in `sys.modules` where an ordinary import would not have found another one, later ones get an internal
name. Absolute imports inside such a module look at its own folder first, also those that run later, inside a function.
"""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import itertools
import site
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from caffe_nb.core.layer import Layer
from caffe_nb.errors import LayerNotFoundError, NetError, did_you_mean, listing

OURS = frozenset({"caffe", "caffe_nb"})
"""Names that no file beside a prototxt takes over."""

_numbers = itertools.count(1)
_folders: dict[Path, Folder] = {}
_owners: dict[str, Folder] = {}  # top-level key in sys.modules → the folder that it belongs to


class UserLoader(SourceFileLoader):
    """Loader of a user's module: from the text alone (bytecode files would miss two saves within a second).

    Attributes
    ----------
    text : str
        The source that runs.
    """

    def __init__(self, fullname: str, path: str, folder: Folder) -> None:
        super().__init__(fullname, path)
        self.folder = folder
        self.text = ""

    def get_code(self, fullname: str) -> CodeType:
        """Compile the file as it is now."""
        data = self.get_data(self.path)
        code: CodeType = self.source_to_code(data, self.path)
        self.text = importlib.util.decode_source(data)
        return code

    def exec_module(self, module: ModuleType) -> None:
        """Run the module with imports that look at its own folder first."""
        module.__dict__["__builtins__"] = self.folder.builtins
        super().exec_module(module)


class _Finder:
    """Makes the specs of modules that belong to a `Folder`; on `sys.meta_path` from the first folder on."""

    @staticmethod
    def find_spec(fullname: str, path: Sequence[str] | None = None, target: object = None) -> ModuleSpec | None:
        folder = _owners.get(fullname.partition(".")[0])
        if folder is None:
            return None
        places = [str(folder.root)] if path is None else list(path)
        for place in places:
            file = source_file(Path(place), fullname.rpartition(".")[2])
            if file is not None:
                package = [str(file.parent)] if file.name == "__init__.py" else None
                return importlib.util.spec_from_file_location(
                    fullname,
                    file,
                    loader=UserLoader(fullname, str(file), folder),
                    submodule_search_locations=package,
                )
        importlib.invalidate_caches()
        return PathFinder.find_spec(fullname, places)  # extension modules, folders without __init__.py


class Folder:
    """The modules of one folder, apart from those of the same names elsewhere.

    Parameters
    ----------
    root : pathlib.Path
        The folder, resolved.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.prefix = f"caffe_nb_folder_{next(_numbers)}"
        self.builtins: dict[str, Any] = {**vars(builtins), "__import__": self._import}
        self._keys: dict[str, str] = {}

    def has(self, name: str) -> bool:
        """Whether the folder has a source file for this dotted module name."""
        return source_file(self.root, name) is not None

    def load(self, name: str) -> ModuleType:
        """Import a module of this folder and return it.

        Raises
        ------
        Exception
            What the module raises, as itself.
        """
        top, _, rest = name.partition(".")
        key = self._keys.get(top) or self._claim(top)
        full = f"{key}.{rest}" if rest else key
        try:
            return importlib.import_module(full)
        finally:
            if key not in sys.modules:  # it failed: the name is free again
                self._keys.pop(top, None)
                _owners.pop(key, None)

    def key(self, top: str) -> str | None:
        """Return the `sys.modules` name of a top-level module of this folder, or None where it has no such module."""
        known = self._keys.get(top)
        if known is not None:
            return known
        if top in OURS or top in sys.stdlib_module_names:
            return None
        if source_file(self.root, top) is None and not self._is_plain_folder(top):
            return None
        return self._claim(top)

    def _claim(self, top: str) -> str:
        file = source_file(self.root, top)
        loaded = sys.modules.get(top)
        if loaded is not None:
            alone = file is not None and module_file(loaded) == file
        else:
            other = _elsewhere(top)
            alone = other is None or other.origin is None or (file is not None and Path(other.origin).resolve() == file)
        if _Finder not in sys.meta_path:
            sys.meta_path.insert(0, _Finder)
        if alone:
            key = top
            if loaded is None:
                _owners[top] = self
        else:
            key = f"{self.prefix}.{top}"
            if self.prefix not in sys.modules:
                package = ModuleType(self.prefix)
                package.__path__ = [str(self.root)]
                sys.modules[self.prefix] = package
                _owners[self.prefix] = self
        self._keys[top] = key
        return key

    def _is_plain_folder(self, top: str) -> bool:
        """Whether `top` is a folder with modules and no __init__.py, and nothing else has that name."""
        path = self.root / top
        return path.is_dir() and top not in sys.modules and any(path.glob("*.py")) and _elsewhere(top) is None

    def _import(
        self,
        name: str,
        globals: Mapping[str, object] | None = None,
        locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        """Import as `__import__` does, modules of this folder first."""
        top, dot, rest = name.partition(".")
        key = self.key(top) if level == 0 else None
        if key is None:
            return builtins.__import__(name, globals, locals, fromlist or (), level)
        module = builtins.__import__(key + dot + rest, globals, locals, fromlist or (), 0)
        return module if fromlist else sys.modules[key]


def source_file(root: Path, name: str) -> Path | None:
    """Return the source of a dotted module name under `root`, resolved, or None."""
    base = root.joinpath(*name.split("."))
    for path in (base / "__init__.py", base.with_name(base.name + ".py")):
        if path.is_file():
            return path.resolve()
    return None


def module_file(module: ModuleType) -> Path | None:
    """Return the source file of a module, resolved, or None for one that has none."""
    file = getattr(module, "__file__", None)
    if not isinstance(file, str) or not file.endswith(".py"):
        return None
    return Path(file).resolve()


@cache
def _foreign_folders() -> tuple[Path, ...]:
    names = [
        path for key, path in sysconfig.get_paths().items() if key in ("stdlib", "platstdlib", "purelib", "platlib")
    ]
    names += [*site.getsitepackages(), site.getusersitepackages()] if hasattr(site, "getsitepackages") else []
    return (*(Path(name).resolve() for name in names), Path(__file__).resolve().parents[1])


def is_users_file(path: Path) -> bool:
    """Whether a source file is the user's own: neither the standard library's, nor installed, nor caffe_nb's."""
    return not any(path.is_relative_to(folder) for folder in _foreign_folders())


def _elsewhere(top: str) -> ModuleSpec | None:
    """Return what an ordinary import of a name that is not loaded would find."""
    importlib.invalidate_caches()
    for finder in sys.meta_path:
        if finder is not _Finder and hasattr(finder, "find_spec"):
            spec: ModuleSpec | None = finder.find_spec(top, None)
            if spec is not None:
                return spec
    return None


def _folder(root: Path) -> Folder:
    root = root.resolve()
    found = _folders.get(root)
    if found is None:
        found = _folders[root] = Folder(root)
    return found


def _roots(folder: Path | None) -> Iterator[tuple[str, Path]]:
    """Yield the folders where users' modules are looked for, with words for them."""
    seen: set[Path] = set()
    places = [("beside the prototxt", folder)] if folder is not None else []
    places.append(("in the working directory", Path.cwd()))
    places += [("on sys.path", Path(entry or ".")) for entry in sys.path]
    for words, place in places:
        assert place is not None
        root = place.resolve()
        if root not in seen and root.is_dir() and is_users_file(root / "x.py"):
            seen.add(root)
            yield words, root


def load(name: str, folder: Path | None = None, class_name: str = "") -> ModuleType:
    """Find and import the module of a Python layer.

    Parameters
    ----------
    name : str
        Dotted name of the module, as in `python_param { module }`.
    folder : pathlib.Path, optional
        The prototxt's folder.
    class_name : str, default ""
        The class wanted; where no module is found, ``__main__`` is taken if it has a class of that name.

    Returns
    -------
    module

    Raises
    ------
    LayerNotFoundError
        When there is no such module; says where it was looked for, and near misses.
    Exception
        What the module itself raises while it is imported.
    """
    main = sys.modules.get("__main__")
    if name == "__main__" and main is not None:
        return main
    if name and all(part.isidentifier() for part in name.split(".")):
        for _, root in _roots(folder):
            if _folder(root).has(name):
                return _folder(root).load(name)
        found = _ordinary(name)
        if found is not None:
            return found
    if main is not None and class_name and isinstance(_attribute(main, class_name), type):
        return main
    raise LayerNotFoundError(_not_found(name, folder))


def _ordinary(name: str) -> ModuleType | None:
    """Import a module that is installed or already there; None where there is none, or only another folder's."""
    if name.partition(".")[0] in _owners:
        return None
    if name in sys.modules:
        return sys.modules[name]
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            return None
        raise


def _modules_in(root: Path) -> list[str]:
    """Names of the modules right in a folder and in its packages."""
    names: list[str] = []
    for path in sorted(root.iterdir())[:500]:
        if path.suffix == ".py" and path.stem != "__init__":
            names.append(path.stem)
        elif (path / "__init__.py").is_file():
            names += [path.name, *(f"{path.name}.{p.stem}" for p in sorted(path.glob("*.py")) if p.stem != "__init__")]
    return names


def _not_found(name: str, folder: Path | None) -> str:
    lines = [f"module '{name}' was not found."]
    near: list[str] = []
    for words, root in _roots(folder):
        there = _modules_in(root)
        near += there
        lines.append(f"  looked {words}: {root} (modules there: {listing(there)})")
    lines[0] += did_you_mean(name, near)
    if name.endswith(".py"):
        lines[0] += " A module is named without '.py'."
    file = name.removesuffix(".py").replace(".", "/") + ".py"
    lines.append(f"  put {file} beside the prototxt or in the notebook's folder, or add its folder to PYTHONPATH")
    return "\n".join(lines)


def _attribute(module: ModuleType, name: str) -> Any:
    found: Any = module
    for part in name.split("."):
        found = getattr(found, part, None)
    return found


def find_class(module: ModuleType, name: str) -> type[Layer]:
    """Return the class of a Python layer.

    Parameters
    ----------
    module : module
        Where it is.
    name : str
        Its name; dotted for a class inside a class.

    Raises
    ------
    LayerNotFoundError
        When the module has no class of that name; the message names those that it has.
    NetError
        When it is not a subclass of `caffe.Layer`.
    """
    found = _attribute(module, name) if name else None
    place = f"module '{module.__name__.rpartition('.')[2]}'" + (
        f" ({module_file(module)})" if module_file(module) else ""
    )
    if found is None:
        layers = layer_classes(module)
        others = [n for n, v in vars(module).items() if isinstance(v, type) and n not in layers]
        raise LayerNotFoundError(
            f"{place} has no class '{name}'.{did_you_mean(name, [*layers, *others])} Its layers: {listing(layers)}"
        )
    if not isinstance(found, type):
        raise NetError(f"'{name}' of {place} is of type {type(found).__name__}; name a subclass of caffe.Layer")
    if not issubclass(found, Layer):
        raise NetError(f"class '{name}' of {place} is not a layer; write 'class {found.__name__}(caffe.Layer):'")
    return found


def layer_classes(module: ModuleType) -> list[str]:
    """Return the names of the layer classes in a module."""
    return [n for n, v in vars(module).items() if isinstance(v, type) and issubclass(v, Layer) and v is not Layer]
