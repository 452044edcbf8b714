"""Build backend: hatchling, and a Node.js from PyPI where the machine has none.

Everything is hatchling's own but the lists of build requirements. Node builds the JupyterLab extension, so it is asked
for only where the extension is really built: an unpacked sdist carries the built files and needs neither.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hatchling import build as _hatchling
from hatchling.build import build_editable, build_sdist, build_wheel
from node import node_requirements

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
]

Settings = dict[str, Any] | None

# PKG-INFO lies beside pyproject.toml in an sdist only.
if (Path(__file__).resolve().parent.parent / "PKG-INFO").exists():
    os.environ.setdefault("SKIP_JUPYTER_BUILDER", "1")

# The hook calls a plain `jlpm install`: the lock file decides, and is never rewritten by a build.
os.environ.setdefault("YARN_ENABLE_IMMUTABLE_INSTALLS", "1")


def _with_node(requirements: list[str]) -> list[str]:
    return requirements if os.environ.get("SKIP_JUPYTER_BUILDER") else [*requirements, *node_requirements()]


def get_requires_for_build_wheel(config_settings: Settings = None) -> list[str]:
    """Return what `build_wheel` needs (PEP 517)."""
    return _with_node(_hatchling.get_requires_for_build_wheel(config_settings))


def get_requires_for_build_editable(config_settings: Settings = None) -> list[str]:
    """Return what `build_editable` needs (PEP 660)."""
    return _with_node(_hatchling.get_requires_for_build_editable(config_settings))


def get_requires_for_build_sdist(config_settings: Settings = None) -> list[str]:
    """Return what `build_sdist` needs (PEP 517)."""
    return _with_node(_hatchling.get_requires_for_build_sdist(config_settings))
