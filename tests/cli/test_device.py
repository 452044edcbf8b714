"""`-gpu` and `caffe device_query`: what there is, and what is missing."""

import sys

import pytest

import caffe
from caffe_nb.cli.main import main
from caffe_nb.ops.cuda import cudnn
from tests.device.test_modes import Runtime


def test_device_query_lists_every_gpu_or_the_one_asked_for(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "cupy", Runtime(2))
    monkeypatch.setattr(cudnn, "_front_end", lambda: None)
    try:
        assert main(["device_query"]) == 0
        said = capsys.readouterr().out
        assert "CUDA:         runtime 12.4, driver 13.0" in said
        assert "cuDNN:        none; convolution by im2col and cuBLAS" in said
        assert "GPU 0:        Tesla 0, compute capability 9.0" in said
        assert "GPU 1:        Tesla 1" in said
        assert "memory: 3.0 of 8.0 GiB free" in said
        assert main(["device_query", "-gpu", "1"]) == 0
        assert "GPU 0:" not in (said := capsys.readouterr().out)
        assert "GPU 1:" in said
    finally:
        caffe.set_mode_cpu()
        caffe.set_device(0)


@pytest.mark.parametrize("command", ["train", "test", "time", "device_query"])
def test_the_command_line_says_what_a_gpu_takes(command, monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(sys.modules, "cupy", None)
    (tmp_path / "n.prototxt").write_text('layer { name: "x" type: "DummyData" top: "x" dummy_data_param { num: 1 } }')
    (tmp_path / "s.prototxt").write_text('net: "n.prototxt" base_lr: 1 lr_policy: "fixed"')
    monkeypatch.chdir(tmp_path)
    words = {
        "train": ["-solver", "s.prototxt"],
        "test": ["-model", "n.prototxt", "-weights", "w.caffemodel"],
        "time": ["-model", "n.prototxt"],
        "device_query": [],
    }
    assert main([command, *words[command], "-gpu", "0"]) != 0
    said = "".join(capsys.readouterr())
    assert "-gpu 0: computing on a GPU needs CuPy" in said
    assert "leave out -gpu" in said


def test_every_process_takes_its_own_of_the_gpus_that_are_named(monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(sys.modules, "cupy", None)
    (tmp_path / "n.prototxt").write_text('layer { name: "x" type: "DummyData" top: "x" dummy_data_param { num: 1 } }')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PMI_RANK", "1")
    monkeypatch.setenv("MPI_LOCALRANKID", "1")
    for named, own in (("2,3", "3"), ("all", "1"), ("5", "5")):
        assert main(["time", "-model", "n.prototxt", "-gpu", named]) == 1
        assert f"-gpu {own}: " in "".join(capsys.readouterr())
