"""What would go wrong later is said before the first iteration."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.distributed.conftest import Run, write_net, write_rows
from tests.distributed.test_faults import with_trouble


def refused(done: object, *words: str) -> None:
    assert done.returncode != 0
    assert "Iteration 0" not in done.stderr
    for word in words:
        assert word in done.stderr, done.stderr


def test_more_processes_than_samples(folder: Path, caffe: Run) -> None:
    write_rows(folder, 2)
    write_net(folder, 1)
    refused(caffe(3, "train", "-solver", "solver.prototxt"), "has 2 rows, fewer than the 3 processes")


@pytest.fixture
def elsewhere(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second machine's folder with the same files: rank 1 changes into it as it starts."""
    other = tmp_path_factory.mktemp("other")
    (other / "sitecustomize.py").write_text(
        f"import os\nif os.environ.get('PMI_RANK') == '1':\n    os.chdir({str(other / 'work')!r})\n"
    )
    (other / "work").mkdir()
    return other / "work"


def same_files(folder: Path, other: Path) -> None:
    for path in folder.iterdir():
        (other / path.name).write_bytes(path.read_bytes())


def test_data_that_one_machine_lacks(folder: Path, elsewhere: Path, caffe: Run) -> None:
    same_files(folder, elsewhere)
    (elsewhere / "rows.h5").unlink()
    done = caffe(2, "train", "-solver", "solver.prototxt", PYTHONPATH=str(elsewhere.parent))
    refused(done, "rank 1 (process", "rows.h5", "not found")


def test_other_code_on_one_machine(folder: Path, elsewhere: Path, caffe: Run) -> None:
    with_trouble(folder, "none")
    same_files(folder, elsewhere)
    with (elsewhere / "trouble.py").open("a") as file:
        file.write("X = 1\n")
    done = caffe(2, "train", "-solver", "solver.prototxt", PYTHONPATH=str(elsewhere.parent))
    refused(done, "rank 1 (process", "differs from rank 0 in the code of trouble")


def test_other_weights_on_one_machine(folder: Path, elsewhere: Path, caffe: Run) -> None:
    write_net(folder, 4, solver="snapshot: 6")
    caffe(2, "train", "-solver", "solver.prototxt")
    (folder / "w.caffemodel").write_bytes((folder / "small_iter_6.caffemodel").read_bytes())
    same_files(folder, elsewhere)
    (elsewhere / "w.caffemodel").write_bytes((folder / "small_iter_12.caffemodel").read_bytes())
    done = caffe(2, "train", "-solver", "solver.prototxt", "-weights", "w.caffemodel", PYTHONPATH=str(elsewhere.parent))
    refused(done, "rank 1 (process", "differs from rank 0 in the weights of layer 'conv'")


def test_another_net_on_one_machine(folder: Path, elsewhere: Path, caffe: Run) -> None:
    same_files(folder, elsewhere)
    write_net(elsewhere, 2)
    done = caffe(2, "train", "-solver", "solver.prototxt", PYTHONPATH=str(elsewhere.parent))
    refused(done, "differs from rank 0 in the net")


def test_without_the_extra_it_says_what_to_install(folder: Path, tmp_path: Path) -> None:
    import subprocess
    import sys

    hidden = tmp_path / "hidden" / "mpi4py"
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").write_text("raise ImportError(\"No module named 'mpi4py'\")\n")
    done = subprocess.run(
        [sys.executable, "-m", "caffe_nb.cli", "train", "-solver", "solver.prototxt"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(hidden.parent), "PMI_RANK": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "pip install 'caffe-nb[distributed]'" in done.stderr
