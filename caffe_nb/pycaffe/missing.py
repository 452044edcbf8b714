"""What happens when a script asks the package `caffe` for a name that it has not imported yet, or never has."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from caffe_nb.errors import did_you_mean


def lazy_module(package: str, classes: Mapping[str, str], modules: Sequence[str]) -> Callable[[str], Any]:
    """Return a module's `__getattr__`: submodules and what they hold are imported when they are first asked for.

    Parameters
    ----------
    package : str
        The module's name.
    classes : dict of str to str
        Names and the submodules that they come from.
    modules : sequence of str
        The submodules that scripts use without importing them.
    """

    def __getattr__(name: str) -> Any:  # noqa: N807
        if name in modules:
            return importlib.import_module(f"{package}.{name}")
        if name in classes:
            return getattr(importlib.import_module(f"{package}.{classes[name]}"), name)
        known = [*vars(importlib.import_module(package)), *classes, *modules]
        public = [each for each in known if not each.startswith("_")]
        raise AttributeError(
            f"caffe_nb's `{package}` has no '{name}'.{did_you_mean(name, public)} It has what BVLC Caffe 1.0 gives; "
            "a name from a fork or a later version is not there",
            name=name,
            obj=importlib.import_module(package),
        )

    return __getattr__
