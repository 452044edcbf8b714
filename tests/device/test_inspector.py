"""The panel's figures and pictures of blobs on a device: those of the host, reduced there."""

import numpy as np
import pytest

from caffe_nb import device, rng
from caffe_nb.core.blob import Blob
from caffe_nb.inspector import messages, on_device, sample, tensors
from caffe_nb.inspector.book import Book, Record
from caffe_nb.inspector.distribution import distribution
from caffe_nb.inspector.health import size
from caffe_nb.inspector.history import History
from caffe_nb.inspector.in_place import Passing
from caffe_nb.inspector.pieces import Look
from caffe_nb.inspector.watch import Watch
from caffe_nb.net import Net
from caffe_nb.solvers import Solver
from caffe_nb.solvers.finite import NonFiniteError, stop_at_nan
from tests.device.standin import DeviceArray
from tests.device.test_training import NET

RANDOM = np.random.default_rng(5)
ARRAYS = {
    "normal": RANDOM.standard_normal((3, 4, 50, 70)),
    "labels": RANDOM.integers(0, 7, 300),
    "two values": RANDOM.integers(0, 2, (20, 30)) * 5 - 3,
    "many whole numbers": np.arange(100.0).reshape(10, 10),
    "equal": np.full((4, 5), 2.5),
    "zeros": np.zeros((3, 3)),
    "one": np.array(3.25),
    "nothing finite": np.array([np.nan, np.inf, -np.inf]),
    "not finite": np.where(RANDOM.random((40, 50)) < 0.1, [[np.nan], [np.inf]] * 20, RANDOM.standard_normal((40, 50))),
    "ties": np.tile([1.0, -1.0, 0.5], 40),
}


@pytest.fixture(params=ARRAYS)
def arrays(request, standin, monkeypatch):
    """An array in two types, on the host and on the device, which has it in several pieces."""
    monkeypatch.setattr(on_device, "PIECE", 64)
    values = ARRAYS[request.param].astype(np.float32)
    blob = Blob(*values.shape)
    blob.array[...] = standin.xp.asarray(values)
    assert type(blob.peek()) is DeviceArray
    return values, blob


def test_figures_are_those_of_the_host(arrays):
    values, blob = arrays
    got, expected = sample.statistics(blob.peek()), sample.statistics(values)
    for name in ("min", "max", "mean", "std"):
        assert getattr(got, name) == pytest.approx(getattr(expected, name), rel=1e-9, abs=1e-12)
    for name in ("count", "zeros", "negatives", "nans", "positive_infinities", "negative_infinities", "categories"):
        assert getattr(got, name) == getattr(expected, name), name


def test_distributions_are_those_of_the_host(arrays):
    values, blob = arrays
    figures = sample.statistics(values)
    assert distribution(blob.peek(), figures) == distribution(values, figures)


@pytest.mark.parametrize("limit", [1 << 18, 512])
def test_pictures_are_those_of_the_host(arrays, limit):
    values, blob = arrays
    got, expected = sample.view(blob.peek(), max_bytes=limit), sample.view(values, max_bytes=limit)
    assert (got.axes, got.index, got.reduced, got.block) == (
        expected.axes,
        expected.index,
        expected.reduced,
        expected.block,
    )
    np.testing.assert_allclose(got.values, expected.values, rtol=1e-6, atol=1e-7)


def test_gradients_are_measured_where_they_are(arrays):
    values, blob = arrays
    assert size([blob.peek()]) == pytest.approx(size([values]), nan_ok=True)


def test_a_view_copies_no_blob(standin):
    net = Net.from_text(NET)
    net.forward()
    net.backward()
    conv = list(net._layer_names).index("conv")
    before, downloads = net.transfers, standin.downloads
    looks = [Look(ref=f"top:{conv}:0", part=part) for part in ("data", "diff")]
    reply, values = tensors.answer(messages.GetTensors(net=net.id, looks=looks), Book(), 1)
    assert [view.statistics.count for view in reply.views] == [net.blobs["conv"].count] * 2
    assert max(map(len, values)) <= messages.MAX_VIEW_BYTES
    assert not net.transfers - before
    assert standin.downloads == downloads


def test_the_first_nan_is_found_on_the_device(standin):
    solver = Solver.from_text('base_lr: 0.01 lr_policy: "fixed"', net=Net.from_text(NET))
    solver.step(1)
    stop_at_nan(solver)
    before = solver.net.transfers
    solver.step(1)
    assert {each.name for each in solver.net.transfers - before} == {"x", "label"}
    solver.net.params["ip"][0].array[0, 2] = np.nan
    with pytest.raises(NonFiniteError, match=r"layer 'ip'.*NaN at \[0, 0\] of top 'ip' after the forward"):
        solver.step(1)


def test_curves_are_the_cpus_and_no_iteration_waits_for_them(standin):
    def curves(on):
        with device.using(on):
            rng.set_random_seed(3)
            solver = Solver.from_text('base_lr: 0.01 lr_policy: "fixed"', net=Net.from_text(NET))
            history = History()
            history.listen(solver)
            waits = []
            solver.hooks.after_iteration.append(lambda _: waits.append(standin.syncs))
            solver.step(8)
            assert len(set(waits)) == 1
            return {curve.name: curve.means for curve in history.since({})[0]}

    expected, got = curves(None), curves(standin)
    assert list(got) == ["loss", "learning rate", "accuracy"]
    for name, means in expected.items():
        assert got[name] == pytest.approx(means, rel=1e-5)


def test_what_was_copied_is_told_in_gpu_mode(standin):
    net = Net.from_text(NET)
    net.forward()
    assert Watch(net, Record(Passing(net.hooks, net.nodes))).update(0).transfers == net.transfers.message
    with device.using(None):
        assert Watch(net, Record(Passing(net.hooks, net.nodes))).update(0).transfers == ""
