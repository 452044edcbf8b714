"""`import caffe` is this engine, under the names that pycaffe gave its users."""

import subprocess
import sys

import numpy as np

import caffe
import caffe_nb
from caffe.proto import caffe_pb2
from caffe_nb.core.layer import Phase


def test_one_engine_under_two_names():
    assert caffe.Net is caffe_nb.Net
    assert caffe.Layer is caffe_nb.Layer
    assert caffe.Blob is caffe_nb.Blob
    assert caffe.SGDSolver is caffe_nb.SGDSolver


def test_one_module_of_messages_under_every_name():
    import caffe.proto.caffe_pb2 as other

    assert other.NetParameter is caffe_pb2.NetParameter is caffe.proto.caffe_pb2.NetParameter


def test_phases_are_ints_with_names():
    assert (caffe.TRAIN, caffe.TEST) == (0, 1)
    assert str(caffe.TEST) == "TEST"
    array = np.zeros(())
    array[()] = caffe.TEST
    assert array == 1


def test_the_mode_can_be_cpu():
    caffe.set_mode_cpu()
    caffe.set_device(0)


def test_layer_types_are_listed():
    types = caffe.layer_type_list()
    assert types == sorted(types)
    assert {"Convolution", "InnerProduct", "Python", "SoftmaxWithLoss"} <= set(types)


def test_the_seed_makes_fillers_reproducible(tmp_path):
    path = tmp_path / "net.prototxt"
    path.write_text(
        """layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
        layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y"
          inner_product_param { num_output: 4 weight_filler { type: "gaussian" } } }"""
    )
    weights = []
    for _ in range(2):
        caffe.set_random_seed(3)
        weights.append(caffe.Net(str(path), caffe.TRAIN).params["ip"][0].data.copy())
    assert (weights[0] == weights[1]).all()
    assert isinstance(caffe.TRAIN, Phase)


def test_a_name_is_imported_when_it_is_asked_for():
    program = """
import sys
import caffe
assert not {"numpy", "google.protobuf", "caffe_nb.net"} & set(sys.modules)
assert {"Net", "layers", "io", "proto", "TRAIN"} <= set(dir(caffe))
assert caffe.layer_type_list() and "numpy" in sys.modules
from caffe import *
assert (TRAIN, Net.__name__, proto.caffe_pb2.LayerParameter(type="ReLU").type) == (0, "Net", "ReLU")
assert caffe.Net is caffe.Net
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_every_public_name_is_there():
    for name in caffe.__all__:
        assert getattr(caffe, name) is not None
