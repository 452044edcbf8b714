"""What all tests share."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# The first call of a compiled kernel takes a second; a deadline would make that a failure.
settings.register_profile("caffe_nb", deadline=None)
settings.load_profile("caffe_nb")


@pytest.fixture(autouse=True)
def _users_modules_end_with_their_test(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Forget the modules that a test wrote and imported, so that no later one hears of their edits."""
    before = set(sys.modules)
    yield
    root = Path(tmp_path_factory.getbasetemp())
    for key in set(sys.modules) - before:
        file = getattr(sys.modules[key], "__file__", None)
        if isinstance(file, str) and Path(file).is_relative_to(root):
            del sys.modules[key]
