"""Scripts in the style of pycaffe's users run as they are, each in a process and a folder of its own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parent / "scripts"

SAYS = {
    "surgery/net_surgery.py": ["fc6 weights are (12, 200)", "prob map (1, 5, 5, 5)", "equal at 25 places"],
    "features/extract.py": ["features (11, 16) of 11 images"],
    "finetune/finetune.py": ["first task: loss", "second task: loss", "accuracy"],
    "loop/train.py": ["line: loss", "hidden: loss"],
    "multilabel/train.py": ["MultilabelDataLayerSync initialized for split: train", "accuracy"],
    "sequence/lstm.py": ["loss", "state is carried over (48, 1)"],
    "detection/demo.py": ["32x48: 6 proposals", "40x40: 6 proposals", "64x32: 6 proposals"],
}


def test_every_script_is_in_the_table():
    runs = {
        path.relative_to(SCRIPTS).as_posix() for path in SCRIPTS.glob("*/*.py") if "import caffe" in path.read_text()
    }
    assert {name for name in runs if not name.endswith(("datalayers.py", "_layer.py"))} == set(SAYS)


@pytest.mark.parametrize("script", SAYS)
def test_it_runs_unchanged(script, tmp_path):
    folder = shutil.copytree(SCRIPTS / Path(script).parent, tmp_path / "script")
    done = subprocess.run(
        [sys.executable, "-W", "error", Path(script).name],
        cwd=folder,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for words in SAYS[script]:
        assert words in done.stdout
