"""What happens when a script asks the package `caffe` for a name that it has not imported yet, or never has."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from caffe_nb.errors import did_you_mean


def lazy_module(package: str, names: Mapping[str, str], modules: Sequence[str]) -> Callable[[str], Any]:
    """Return a module's `__getattr__`: submodules and what stands elsewhere are imported when they are first asked for.

    Parameters
    ----------
    package : str
        The module's name.
    names : dict of str to str
        Names, and where each comes from: ``module`` for what has this name there, ``module:name`` for another.
    modules : sequence of str
        The submodules that scripts use without importing them.
    """

    def __getattr__(name: str) -> Any:  # noqa: N807
        if name in modules:
            return importlib.import_module(f"{package}.{name}")
        asked = importlib.import_module(package)
        if name in names:
            module, _, path = names[name].partition(":")
            value = attrgetter(path or name)(importlib.import_module(module))
            setattr(asked, name, value)
            return value
        public = [each for each in (*vars(asked), *names, *modules) if not each.startswith("_")]
        raise AttributeError(
            f"caffe_nb's `{package}` has no '{name}'.{did_you_mean(name, public)} It has what BVLC Caffe 1.0 gives; "
            "a name from a fork or a later version is not there",
            name=name,
            obj=asked,
        )

    return __getattr__
