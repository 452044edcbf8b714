"""Nets in GPU mode: a Python layer computes where its blobs are, others as on the CPU, and every copy is counted."""

import numpy as np
import pytest

import caffe
from caffe_nb import device, rng
from caffe_nb.net import Net
from caffe_nb.solvers import Solver
from tests.device.standin import DeviceArray, Standin

NET = """name: "device"
layer { name: "x" type: "DummyData" top: "x" top: "t" dummy_data_param {
  shape { dim: 8 dim: 6 } shape { dim: 8 dim: 4 } data_filler { type: "gaussian" } data_filler { type: "constant" } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y"
  inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
layer { name: "a" type: "Python" bottom: "y" top: "a" python_param { module: "__main__" layer: "Bend" } }
layer { name: "b" type: "Python" bottom: "a" top: "b" python_param { module: "__main__" layer: "Bend" } }
layer { name: "loss" type: "EuclideanLoss" bottom: "b" bottom: "t" top: "loss" }
"""


class Bend(caffe.Layer):
    """x + tanh x, written once for NumPy and CuPy."""

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom, top):
        x = bottom[0].const_array
        self.kind = type(x)
        top[0].array[...] = x + self.xp.tanh(x)

    def backward(self, top, propagate_down, bottom):
        bottom[0].diff_array[...] = top[0].const_diff_array * (2 - self.xp.tanh(bottom[0].const_array) ** 2)


class BendAsInCaffe(Bend):
    """The same with the names of NVIDIA's pycaffe."""

    def forward(self, bottom, top):
        x = bottom[0].gpu_data
        assert bottom[0]._gpu_data_ptr
        top[0].gpu_data[...] = x + self.xp.tanh(x)

    def backward(self, top, propagate_down, bottom):
        bottom[0].gpu_diff[...] = top[0].gpu_diff * (2 - self.xp.tanh(bottom[0].gpu_data) ** 2)


@pytest.fixture(autouse=True)
def layers(monkeypatch):
    monkeypatch.setattr("__main__.Bend", Bend, raising=False)
    monkeypatch.setattr("__main__.BendAsInCaffe", BendAsInCaffe, raising=False)


def trained(text=NET, steps=3):
    rng.set_random_seed(3)
    solver = Solver.from_text('base_lr: 0.01 momentum: 0.9 lr_policy: "fixed" max_iter: 9', net=Net.from_text(text))
    solver.step(steps)
    return solver.net


def parameters(net):
    return [blob.const_data.copy() for blob in net.learnable_params]


@pytest.mark.parametrize("text", [NET, NET.replace('"Bend"', '"BendAsInCaffe"')], ids=["array", "gpu_data"])
def test_training_gives_the_cpus_weights(standin, text):
    with device.using(None):
        expected = parameters(trained())
    net = trained(text)
    for got, want in zip(parameters(net), expected, strict=True):
        np.testing.assert_array_equal(got, want)


def test_a_python_layer_gets_the_devices_arrays_and_only_batch_and_loss_are_copied(standin):
    net = trained()
    assert net.layer_dict["a"].kind is DeviceArray
    net.forward()
    net.backward()
    before = net.transfers
    net.forward()
    net.backward()
    copied = {each.name: (each.to_device, each.to_host) for each in net.transfers - before}
    assert copied == {"x": (1, 0), "loss": (1, 1)}  # the batch goes there; the loss is handed out, writable


def test_normalization_in_a_chain_gives_the_cpus_numbers(standin):
    text = """
    force_backward: true
    layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 3 dim: 4 dim: 5 } } }
    layer { name: "norm" type: "BatchNorm" bottom: "x" top: "y" }
    layer { name: "scale" type: "Scale" bottom: "y" top: "y" scale_param { bias_term: true } }
    layer { name: "relu" type: "ReLU" bottom: "y" top: "y" }
    layer { name: "loss" type: "Reduction" bottom: "y" top: "loss" loss_weight: 1 reduction_param { operation: SUMSQ } }
    """

    def numbers():
        net = Net.from_text(text)
        net.blobs["x"].data[...] = np.random.default_rng(3).normal(size=net.blobs["x"].shape)
        net.forward_backward()
        diffs = [blob.diff.copy() for blob in net.params["scale"]]
        return [net.blobs["y"].data.copy(), net.blobs["x"].diff.copy(), *diffs]

    with device.using(None):
        expected = numbers()
    for got, want in zip(numbers(), expected, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)


def test_copies_are_listed_with_their_sizes(standin):
    net = trained(steps=1)
    assert net.transfers.to_device == sum(each.to_device for each in net.transfers) > 0
    assert "copies to the GPU" in repr(net.transfers)
    assert "loss" in repr(net.transfers)
    assert "<table" in net.transfers._repr_html_()
    with device.using(None):
        assert Net.from_text(NET).transfers.message == "nothing was copied between host and GPU"


def test_times_are_those_of_the_device_which_is_waited_for_after_every_layer(standin):
    net = Net.from_text(NET)
    before = standin.syncs
    net.time(2)
    passes = 3 * (len(net.nodes) + sum(node.needs_backward for node in net.nodes))
    assert standin.syncs - before >= passes


def test_the_mode_may_change_between_two_passes(standin):
    net = Net.from_text(NET)
    net.forward()
    on_device = net.blobs["b"].const_data.copy()
    net.blobs["y"].data[...] = net.blobs["y"].const_data
    with device.using(None):
        net.forward(start="a")
        assert net.layer_dict["a"].kind is np.ndarray
    np.testing.assert_array_equal(net.blobs["b"].const_data, on_device)


@pytest.mark.parametrize("first", ["CPU", "GPU"])
def test_the_mode_may_change_between_a_forward_and_its_backward(standin, first):
    layers = 'layer { name: "norm" type: "BatchNorm" bottom: "y" top: "y" }'
    layers += ' layer { name: "scale" type: "Scale" bottom: "y" top: "y" scale_param { bias_term: true } }'
    layers += ' layer { name: "max" type: "Eltwise" bottom: "y" bottom: "t" top: "m" eltwise_param { operation: MAX } }'
    text = NET.replace('layer { name: "a"', layers + ' layer { name: "a"').replace(
        'bottom: "y" top: "a"', 'bottom: "m" top: "a"'
    )

    def gradients(of_forward, of_backward):
        rng.set_random_seed(3)
        with device.using(of_forward):
            net = Net.from_text(text)
            net.forward()
        with device.using(of_backward):
            net.backward()
        return [blob.const_diff.copy() for blob in net.learnable_params]

    expected = gradients(None, None)
    got = gradients(None, standin) if first == "CPU" else gradients(standin, None)
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
    assert max(np.abs(one).max() for one in got) > 0.01


def test_a_net_is_saved_and_loaded_with_what_the_device_computed(standin, tmp_path):
    net = trained()
    net.params["ip"][0].array[...] += 1
    net.save(str(tmp_path / "net.caffemodel"))
    other = Net.from_text(NET)
    other.copy_from(str(tmp_path / "net.caffemodel"))
    np.testing.assert_array_equal(other.params["ip"][0].const_data, net.params["ip"][0].const_data)


@pytest.mark.gpu
def test_on_a_real_gpu_training_gives_the_cpus_weights(gpu):
    with device.using(None):
        expected = parameters(trained())
    for got, want in zip(parameters(trained()), expected, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-5)


def test_standin_refuses_what_cupy_refuses():
    stand = Standin()
    array = stand.zeros(3, np.float32)
    for mixed in (lambda: array + np.ones(3), lambda: np.ones(3) + array, lambda: np.asarray(array)):
        with pytest.raises(TypeError):
            mixed()
    with pytest.raises(AttributeError, match="CuPy has no"):
        stand.xp.busday_count  # noqa: B018
