"""What would go wrong later is said before the first iteration."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from caffe_nb.proto import caffe_pb2
from tests.distributed.conftest import Run, write_net, write_rows
from tests.distributed.test_faults import EXTRA, LAYER, with_trouble


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


def test_a_leveldb_which_one_process_alone_can_read(folder: Path, caffe: Run) -> None:
    plyvel = pytest.importorskip("plyvel", reason="it has no wheels for this Python")
    with plyvel.DB(str(folder / "db"), create_if_missing=True) as database:
        datum = caffe_pb2.Datum(channels=2, height=6, width=6, data=bytes(72), label=1)
        for index in range(48):
            database.put(b"%08d" % index, datum.SerializeToString())
    net = (folder / "net.prototxt").read_text()
    rows = net[net.index("layer {") : net.index('layer { name: "conv"')]
    data = 'layer { name: "data" type: "Data" top: "data" top: "label" data_param { source: "db" backend: LEVELDB'
    (folder / "net.prototxt").write_text(net.replace(rows, f"{data} batch_size: 4 }} }}\n"))
    done = caffe(2, "train", "-solver", "solver.prototxt")
    refused(done, "layer 'data' (Data)", "is open in another process", "set backend: LMDB")


@pytest.mark.skipif(os.name != "posix", reason="processes are supervised there")
def test_a_process_that_hangs_while_its_net_is_built(folder: Path, caffe: Run) -> None:
    write_net(folder, 4, EXTRA.replace("KIND", ""))
    sleep = "if caffe.solver_rank() == 1:\n            time.sleep(1000)\n        self.passes = 0"
    (folder / "trouble.py").write_text(LAYER.replace("self.passes = 0", sleep))
    done = caffe(3, "train", "-solver", "solver.prototxt", CAFFE_NB_PATIENCE="0.5")
    refused(done, "rank 1 (process", "hangs: the net is being built for", "time.sleep(1000)", "CAFFE_NB_PATIENCE")


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
