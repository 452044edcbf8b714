"""The layer types, a module each: one is imported when a net first asks for its type.

A type's module lies in the folder of its family and has its name, in small letters: that of ``ROIPooling`` is
``contrib/roi_pooling.py``.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from pathlib import Path

from caffe_nb.core import registry
from caffe_nb.core.registry import layer_types

__all__ = ["layer_types"]


@cache
def _modules() -> dict[str, str]:
    """Return the modules of all families, by their names without underscores."""
    families = [family.name for family in pkgutil.iter_modules(__path__) if family.ispkg]
    return {
        module.name.replace("_", ""): f"{__name__}.{family}.{module.name}"
        for family in families
        for module in pkgutil.iter_modules([str(Path(path) / family) for path in __path__])
    }


def _load(type_name: str | None) -> None:
    """Import the module that a type would be in; for None, all of them."""
    modules = _modules()
    for name in list(modules) if type_name is None else [type_name.lower()]:
        if name in modules:
            importlib.import_module(modules[name])


registry.built_in(_load)
