"""`caffe train`, `test`, `time` and `parse-log` as processes: their arguments, their statuses, and Caffe's log."""

import csv
import os
import re
import signal
import subprocess
import sys
import time

import pytest

NET = """
name: "toy"
layer { name: "data" type: "DummyData" top: "data" top: "label" dummy_data_param {
  shape { dim: 8 dim: 4 } shape { dim: 8 }
  data_filler { type: "gaussian" std: 1 } data_filler { type: "constant" value: 1 } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
layer { name: "acc" type: "Accuracy" bottom: "ip" bottom: "label" top: "acc" include { phase: TEST } }
layer { name: "quiet" type: "Silence" bottom: "data" include { stage: "hush" } }
"""
SOLVER = """
net: "net.prototxt" test_iter: 2 test_interval: 50 base_lr: 0.1 lr_policy: "step" gamma: 0.5 stepsize: 40
max_iter: 100 display: 50 snapshot: 50 snapshot_prefix: "toy" random_seed: 3
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "net.prototxt").write_text(NET)
    (tmp_path / "solver.prototxt").write_text(SOLVER)
    return tmp_path


def command(*words):
    return [sys.executable, "-W", "error", "-m", "caffe_nb.cli", *words]


def caffe(folder, *words, **env):
    return subprocess.run(
        command(*words),
        cwd=folder,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", **env},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    "words",
    [
        ("train", "-solver", "solver.prototxt"),
        ("train", "--solver=solver.prototxt"),
        ("-solver=solver.prototxt", "train"),
    ],
    ids=" ".join,
)
def test_options_have_one_dash_or_two_before_the_command_or_after(folder, words):
    done = caffe(folder, *words)
    assert done.returncode == 0, done.stderr
    assert (folder / "toy_iter_100.caffemodel").exists()


def test_the_log_is_caffes(folder):
    lines = caffe(folder, "train", "-solver", "solver.prototxt").stderr.splitlines()
    form = re.compile(r"^I\d{4} \d\d:\d\d:\d\d\.\d{6} +\d+ \w+\.cpp:\d+\] (.*)$")
    said = [form.match(line)[1] for line in lines]
    number = r"[-+.\de]+"
    expected = [
        r"Starting Optimization",
        r"Solving toy",
        r"Learning Rate Policy: step",
        r"Iteration 0, Testing net \(#0\)",
        rf"    Test net output #0: acc = {number}",
        rf"    Test net output #1: loss = {number} \(\* 1 = {number} loss\)",
        rf"Iteration 0, loss = {number}",
        rf"    Train net output #0: loss = {number} \(\* 1 = {number} loss\)",
        r"Iteration 0, lr = 0\.1",
        r"Snapshotting to binary proto file toy_iter_50\.caffemodel",
        r"Snapshotting solver state to binary proto file toy_iter_50\.solverstate",
        rf"Iteration 50, loss = {number}",
        r"Iteration 50, lr = 0\.05",
        rf"Iteration 100, loss = {number}",
        r"Optimization Done\.",
    ]
    places = iter(said)
    for pattern in expected:  # in this order
        assert any(re.fullmatch(pattern, line) for line in places), pattern
    assert any("solver.cpp" in line for line in lines)


def test_it_goes_on_from_a_snapshot_and_begins_with_weights(folder):
    caffe(folder, "train", "-solver", "solver.prototxt")
    on = caffe(folder, "train", "-solver", "solver.prototxt", "-snapshot", "toy_iter_50.solverstate")
    assert on.returncode == 0
    assert "Restoring previous solver status from toy_iter_50.solverstate" in on.stderr
    assert "Iteration 0," not in on.stderr
    fine = caffe(folder, "train", "-solver", "solver.prototxt", "-weights", "toy_iter_100.caffemodel")
    assert "Finetuning from toy_iter_100.caffemodel" in fine.stderr
    both = caffe(folder, "train", "-solver=solver.prototxt", "-weights=a.caffemodel", "-snapshot=b.solverstate")
    assert both.returncode == 2
    assert "not both" in both.stderr


def test_iterations_stage_and_a_solver_below_the_working_directory(folder):
    (folder / "examples").mkdir()
    (folder / "examples" / "solver.prototxt").write_text(SOLVER)
    done = caffe(folder, "train", "-solver", "examples/solver.prototxt", "-iterations", "7", "-stage", "hush")
    assert done.returncode == 0, done.stderr
    assert (folder / "toy_iter_7.caffemodel").exists()


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (("train", "-solver", "solver.prototxt", "-gpu", "99"), 1, "-gpu 99: "),
        (
            ("train", "-solver", "solver.prototxt", "-gpu", "0,1"),
            2,
            "a process computes on one GPU: mpiexec -n 2 caffe train -gpu 0,1",
        ),
        (("test", "-model", "net.prototxt"), 2, "-weights"),
        (("time", "-model", "net.prototxt", "-phase", "DEPLOY"), 2, "TRAIN or TEST"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_is_wrong_is_said_in_words(folder, words, status, says):
    done = caffe(folder, *words)
    assert done.returncode == status
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_help_lists_the_commands_and_each_has_its_own(folder):
    from caffe_nb.cli.main import COMMANDS

    listed = caffe(folder, "--help").stdout
    for name in COMMANDS:
        assert f"  {name.replace('_', '-')} " in listed
    assert caffe(folder, "help", "train").stdout.startswith("usage: caffe train")
    for name in ("train", "doctor", "modernize", "parse-log"):
        done = caffe(folder, name, "--help")
        assert done.returncode == 0
        assert done.stdout.startswith("usage: caffe " + name)
    assert caffe(folder, "--version").stdout.startswith("caffe_nb ")


def test_a_layer_is_found_on_pythonpath_and_its_error_is_its_own(folder):
    (folder / "elsewhere").mkdir()
    (folder / "elsewhere" / "broken.py").write_text(
        "import caffe\nclass Broken(caffe.Layer):\n"
        "    def forward(self, bottom, top):\n        raise KeyError('mine')\n"
    )
    (folder / "net.prototxt").write_text(
        NET
        + 'layer { name: "b" type: "Python" bottom: "ip" top: "b" python_param { module: "broken" layer: "Broken" } }'
    )
    done = caffe(folder, "train", "-solver", "solver.prototxt", PYTHONPATH=str(folder / "elsewhere"))
    assert done.returncode == 1
    assert "KeyError: 'mine'" in done.stderr
    assert 'broken.py", line 4' in done.stderr
    assert "caffe_nb" + os.sep not in done.stderr


def test_test_says_each_batch_and_the_means(folder):
    caffe(folder, "train", "-solver", "solver.prototxt")
    done = caffe(folder, "test", "-model", "net.prototxt", "-weights", "toy_iter_100.caffemodel", "-iterations", "2")
    assert done.returncode == 0
    said = [line.split("] ", 1)[1] for line in done.stderr.splitlines()]
    assert [line.split(" = ")[0] for line in said if line.startswith("Batch")] == [
        "Batch 0, acc",
        "Batch 0, loss",
        "Batch 1, acc",
        "Batch 1, loss",
    ]
    assert any(re.fullmatch(r"Loss: [\d.e-]+", line) for line in said)
    assert any(re.fullmatch(r"loss = [\d.e-]+ \(\* 1 = [\d.e-]+ loss\)", line) for line in said)


def test_time_says_every_layer_both_ways(folder):
    done = caffe(folder, "time", "-model", "net.prototxt", "-iterations", "3")
    said = done.stderr
    for name in ("data", "ip", "loss"):
        for way in ("forward", "backward"):
            assert re.search(rf"\] +{name}\t{way}: [\d.e-]+ ms\.", said)
    assert re.search(r"Average Forward-Backward: [\d.e-]+ ms\.", said)
    assert "*** Benchmark ends ***" in said


def wait_for(process, words):
    seen = ""
    for line in process.stderr:
        seen += line
        if words in line:
            return seen
    raise AssertionError(seen)


@pytest.fixture
def endless(folder):
    """A training that only a signal ends."""
    (folder / "solver.prototxt").write_text(
        SOLVER.replace("max_iter: 100", "max_iter: 100000000").replace("snapshot: 50", "")
    )
    process = subprocess.Popen(
        command("train", "-solver", "solver.prototxt"), cwd=folder, stderr=subprocess.PIPE, text=True
    )
    wait_for(process, "Iteration 0, lr")
    yield process
    process.kill()
    process.communicate()


@pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")
def test_an_interrupt_ends_it_with_a_snapshot(endless, folder):
    endless.send_signal(signal.SIGINT)
    rest = endless.communicate(timeout=30)[1]
    assert "Optimization stopped early." in rest
    assert endless.returncode == 0
    assert len(list(folder.glob("toy_iter_*.solverstate"))) == 1


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="this system has no hangup")
def test_a_hangup_writes_a_snapshot_and_it_goes_on(endless, folder):
    endless.send_signal(signal.SIGHUP)
    wait_for(endless, "Snapshotting solver state")
    time.sleep(0.2)
    assert endless.poll() is None
    assert len(list(folder.glob("toy_iter_*.solverstate"))) == 1


def test_parse_log_makes_tables_of_our_log(folder):
    (folder / "run.log").write_text(caffe(folder, "train", "-solver", "solver.prototxt").stderr)
    done = caffe(folder, "parse-log", "run.log", "-verbose")
    assert done.stdout.splitlines() == ["Wrote run.log.train", "Wrote run.log.test"]
    with (folder / "run.log.train").open() as file:
        train = list(csv.DictReader(file))
    assert [row["NumIters"] for row in train] == ["0", "50"]
    assert [float(row["LearningRate"]) for row in train] == [0.1, 0.05]
    assert all(float(row["loss"]) > 0 and float(row["Seconds"]) >= 0 for row in train)
    with (folder / "run.log.test").open() as file:
        test = list(csv.DictReader(file))
    assert [row["NumIters"] for row in test] == ["0", "50", "100"]
    assert set(test[0]) == {"NumIters", "Seconds", "LearningRate", "acc", "loss"}


def test_parse_log_takes_the_log_of_caffe_1_0_over_midnight(tmp_path):
    (tmp_path / "c.log").write_text(
        "I1231 23:59:58.000000  7 solver.cpp:218] Iteration 100 (12.3 iter/s, 8.1s/100 iters), loss = 0.5\n"
        "I1231 23:59:58.000000  7 solver.cpp:237]     Train net output #0: loss = 0.5 (* 1 = 0.5 loss)\n"
        "I1231 23:59:58.000000  7 sgd_solver.cpp:105] Iteration 100, lr = 0.01\n"
        "I0101 00:00:03.500000  7 solver.cpp:218] Iteration 200 (12.3 iter/s, 8.1s/100 iters), loss = nan\n"
        "I0101 00:00:03.500000  7 solver.cpp:237]     Train net output #0: loss = nan\n"
        "I0101 00:00:03.500000  7 sgd_solver.cpp:105] Iteration 200, lr = 1e-05\n"
    )
    assert caffe(tmp_path, "parse_log.py", "c.log", ".").returncode == 0
    assert (tmp_path / "c.log.train").read_text() == (
        "NumIters,Seconds,LearningRate,loss\n100,0.0,0.01,0.5\n200,5.5,1e-05,nan\n"
    )
    (tmp_path / "other.txt").write_text("nothing")
    assert "is it the log of a training" in caffe(tmp_path, "parse-log", "other.txt").stderr
