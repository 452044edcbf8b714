"""With the same global batch, several processes give a single one's losses and weights."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.distributed.conftest import environment, start, write_net, write_rows
from tests.distributed.train_all import TYPES, WAYS

SCRIPT = str(Path(__file__).with_name("train_all.py"))
GLOBAL_BATCH = 8


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Mapping[int, Any]:
    """What 1, 2 and 4 processes made of it, by their number."""
    found = {}
    for ranks in (1, 2, 4):
        folder = tmp_path_factory.mktemp(f"ranks{ranks}")
        write_rows(folder)
        write_net(folder, GLOBAL_BATCH // ranks)
        if ranks == 1:
            subprocess.run([sys.executable, SCRIPT, "kept.npz"], cwd=folder, env=environment(), check=True)
        else:
            _, err = (process := start(folder, ranks, SCRIPT, "kept.npz")).communicate(timeout=200)
            assert process.returncode == 0, err
        found[ranks] = np.load(folder / "kept.npz")
    return found


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("ranks", [2, 4])
def test_losses_and_weights_are_those_of_one_process(
    results: Mapping[int, Any], ranks: int, name: str, way: str
) -> None:
    for what in ("losses", "weights"):
        one, many = (results[n][f"{name}, {way}: {what}"] for n in (1, ranks))
        np.testing.assert_allclose(many, one, rtol=2e-5, atol=2e-6, err_msg=what)
    losses = results[1][f"{name}, {way}: losses"]
    assert len(set(losses)) == len(losses)  # it does learn
