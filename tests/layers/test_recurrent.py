"""What LSTM and RNN keep from pass to pass, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from google.protobuf import text_format

import caffe_nb.layers  # noqa: F401  (makes the types known)
from caffe_nb import rng
from caffe_nb.check import check_node
from caffe_nb.core.blob import Blob
from caffe_nb.core.registry import Context, create
from caffe_nb.errors import CaffeError, NetError, ShapeError
from caffe_nb.layers.recurrent.base import Recurrent
from caffe_nb.net.net import Net
from caffe_nb.proto import caffe_pb2

TYPES = pytest.mark.parametrize("type_name", ["LSTM", "RNN"])
FILLERS = 'weight_filler { type: "uniform" min: -1 max: 1 } bias_filler { type: "uniform" min: -1 max: 1 }'


class Running:
    """A recurrent layer with its blobs; the same seed gives the same weights."""

    def __init__(self, type_name: str, *bottoms: tuple[int, ...], tops: int = 1, text: str = "num_output: 3") -> None:
        rng.set_random_seed(1)
        param = text_format.Parse(
            f'type: "{type_name}" recurrent_param {{ {text} {FILLERS} }}', caffe_pb2.LayerParameter()
        )
        layer = create(param, Context(dtype=np.dtype(np.float64)))
        assert isinstance(layer, Recurrent)
        self.layer = layer
        self.bottom = [Blob(*shape, dtype=np.float64) for shape in bottoms]
        self.top = [Blob(dtype=np.float64) for _ in range(tops)]
        self.layer.setup(self.bottom, self.top)
        self.layer.reshape(self.bottom, self.top)

    def __call__(self, *values: np.ndarray) -> np.ndarray:
        for blob, array in zip(self.bottom, values, strict=True):
            blob.reshape(*array.shape)
            blob.data = array
        self.layer.reshape(self.bottom, self.top)
        self.layer.forward(self.bottom, self.top)
        return self.top[0].const_data.copy()


def steps(number: int, streams: int = 2) -> np.ndarray:
    return np.random.default_rng(3).standard_normal((number, streams, 4))


@TYPES
def test_a_sequence_may_come_in_pieces(type_name: str) -> None:
    x, cont = steps(6), np.ones((6, 2))
    cont[0] = 0
    whole = Running(type_name, (6, 2, 4), (6, 2))(x, cont)
    pieces = Running(type_name, (2, 2, 4), (2, 2))
    got = [pieces(x[start : start + 2], cont[start : start + 2]) for start in (0, 2, 4)]
    np.testing.assert_allclose(np.concatenate(got), whole, rtol=1e-12)


@TYPES
def test_the_first_pass_starts_from_zeros(type_name: str) -> None:
    x = steps(3)
    begun, continued = np.ones((3, 2)), np.ones((3, 2))
    begun[0] = 0
    first = Running(type_name, (3, 2, 4), (3, 2))(x, continued)
    np.testing.assert_array_equal(first, Running(type_name, (3, 2, 4), (3, 2))(x, begun))


@TYPES
def test_a_new_sequence_knows_nothing_of_the_one_before(type_name: str) -> None:
    x, cont = steps(3), np.ones((3, 2))
    cont[0] = 0
    layer = Running(type_name, (3, 2, 4), (3, 2))
    first = layer(x, cont)
    np.testing.assert_array_equal(layer(x, cont), first)
    cont[0, 0] = 1
    third = layer(x, cont)
    np.testing.assert_array_equal(third[:, 1], first[:, 1])
    assert not np.allclose(third[:, 0], first[:, 0]), "stream 0 went on"


@TYPES
def test_reset_forgets_the_state(type_name: str) -> None:
    x, cont = steps(3), np.ones((3, 2))
    layer = Running(type_name, (3, 2, 4), (3, 2))
    first = layer(x, cont)
    assert not np.allclose(layer(x, cont), first)
    layer.layer.reset()
    np.testing.assert_array_equal(layer(x, cont), first)


@TYPES
def test_the_state_goes_on_over_another_number_of_steps_but_not_of_streams(type_name: str) -> None:
    x = steps(5)
    whole = Running(type_name, (5, 2, 4), (5, 2))(x, np.ones((5, 2)))
    layer = Running(type_name, (5, 2, 4), (5, 2))
    got = [layer(x[:2], np.ones((2, 2))), layer(x[2:], np.ones((3, 2)))]
    np.testing.assert_allclose(np.concatenate(got), whole, rtol=1e-12)
    one = x[:, :1]
    fresh = Running(type_name, (5, 1, 4), (5, 1))(one, np.ones((5, 1)))
    np.testing.assert_array_equal(layer(one, np.ones((5, 1))), fresh)


@pytest.mark.parametrize(("type_name", "states"), [("LSTM", 2), ("RNN", 1)])
def test_an_exposed_state_is_the_callers_business(type_name: str, states: int) -> None:
    x, cont = steps(4), np.ones((4, 2))
    whole = Running(type_name, (4, 2, 4), (4, 2))(x, cont)
    shapes = [(1, 2, 3)] * states
    layer = Running(type_name, (2, 2, 4), (2, 2), *shapes, tops=1 + states, text="num_output: 3 expose_hidden: true")
    first = layer(x[:2], cont[:2], *(np.zeros(shape) for shape in shapes))
    last = [blob.const_data.copy() for blob in layer.top[1:]]
    np.testing.assert_allclose(np.concatenate([first, layer(x[2:], cont[2:], *last)]), whole, rtol=1e-12)
    again = layer(x[:2], cont[:2], *(np.zeros(shape) for shape in shapes))
    np.testing.assert_array_equal(again, first)


@TYPES
def test_what_follows_may_work_in_place(type_name: str) -> None:
    x, cont = steps(4), np.ones((4, 2))
    gradients = []
    for spoiled in (False, True):
        layer = Running(type_name, (4, 2, 4), (4, 2))
        layer(x, cont)
        layer.top[0].diff = 1
        if spoiled:
            layer.top[0].data = 17
        layer.layer.backward(layer.top, [True, False], layer.bottom)
        gradients.append([layer.bottom[0].const_diff.copy(), *(blob.const_diff.copy() for blob in layer.layer.blobs)])
    for clean, after in zip(*gradients, strict=True):
        np.testing.assert_array_equal(clean, after)


@TYPES
def test_a_layer_in_the_middle_of_a_sequence_passes_its_check(type_name: str) -> None:
    text = f"""
        layer {{ name: "x" type: "Input" top: "x" input_param {{ shape {{ dim: 3 dim: 2 dim: 4 }} }} }}
        layer {{ name: "cont" type: "Input" top: "cont" input_param {{ shape {{ dim: 3 dim: 2 }} }} }}
        layer {{ name: "r" type: "{type_name}" bottom: "x" bottom: "cont" top: "y"
                recurrent_param {{ num_output: 3 {FILLERS} }} }}"""
    net = Net.from_text(text)
    net.blobs["x"].data = steps(3)
    net.blobs["cont"].data = 1
    before = net.forward()["y"].copy()
    report = check_node(net, 2)
    assert report.ok, str(report)
    after = net.forward()["y"]
    assert not np.allclose(before, after), "the check left the state where the first pass had brought it"


def test_a_net_with_force_backward_does_not_ask_for_the_marks() -> None:
    text = """
        force_backward: true
        layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 3 dim: 2 dim: 4 } } }
        layer { name: "cont" type: "Input" top: "cont" input_param { shape { dim: 3 dim: 2 } } }
        layer { name: "r" type: "LSTM" bottom: "x" bottom: "cont" top: "y" recurrent_param { num_output: 3 } }"""
    assert Net.from_text(text).nodes[2].propagate_down == [True, False]


X, CONT, STATE = (5, 2, 4), (5, 2), (1, 2, 3)


@TYPES
@pytest.mark.parametrize(
    ("bottoms", "tops", "text", "message"),
    [
        ([X, CONT], 1, "", "num_output must be at least 1, got 0"),
        ([X, CONT], 2, "num_output: 3", r"expose_hidden: false there must be 2 bottoms \(x, cont\).* and 1 top"),
        ([X, CONT, (2, 4), STATE], 1, "num_output: 3", "got 4 bottoms and 1 tops"),
        ([X, CONT], 1, "num_output: 3 expose_hidden: true", "x, cont, then the first h.*got 2 bottoms"),
        ([(5,), CONT], 1, "num_output: 3", r"\(time steps, streams, \.\.\.\).*got shape \(5,\)"),
        ([(0, 2, 4), (0, 2)], 1, "num_output: 3", r"at least one step, got shape \(0, 2, 4\)"),
        ([X, (5, 3)], 1, "num_output: 3", r"must be \(time steps, streams\) = \(5, 2\).*got shape \(5, 3\)"),
        ([X, (5, 2, 1)], 1, "num_output: 3", r"got shape \(5, 2, 1\)"),
        ([X, CONT, (3, 4)], 1, "num_output: 3", r"static input, must be \(2, \.\.\.\), one row a stream; got \(3, 4\)"),
    ],
)
def test_what_is_refused(type_name: str, bottoms: list[tuple[int, ...]], tops: int, text: str, message: str) -> None:
    with pytest.raises(CaffeError, match=message):
        Running(type_name, *bottoms, tops=tops, text=text)


def test_the_exposed_state_has_one_row_a_stream() -> None:
    with pytest.raises(ShapeError, match=r"bottom\[2\], the first state, must be \(1, 2, 3\), got \(2, 3\)"):
        Running("RNN", X, CONT, (2, 3), tops=2, text="num_output: 3 expose_hidden: true")


@TYPES
def test_the_weights_are_for_one_number_of_inputs(type_name: str) -> None:
    layer = Running(type_name, X, CONT, (2, 4))
    with pytest.raises(ShapeError, match=r"weights are for 4 inputs, but bottom\[0\] of shape \(5, 2, 6\) has 6 from"):
        layer(np.zeros((5, 2, 6)), np.zeros(CONT), np.zeros((2, 4)))
    with pytest.raises(ShapeError, match=r"for 4 static inputs, but bottom\[2\] of shape \(2, 2, 3\) has 6 from"):
        layer(np.zeros(X), np.zeros(CONT), np.zeros((2, 2, 3)))


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ([(2, 3, 4), (2, 3, 16), (2, 3)], r"cells, must be \(1, streams, units\), got shape \(2, 3, 4\)"),
        ([(1, 3, 4), (1, 3, 12), (1, 3)], r"gates, must be \(1, 3, 16\).*got \(1, 3, 12\)"),
        ([(1, 3, 4), (1, 3, 16), (1, 2)], r"sequence marks, must be \(1, 3\).*got \(1, 2\)"),
    ],
)
def test_units_that_are_refused(shapes: list[tuple[int, ...]], message: str) -> None:
    layer, bottom, top = (
        create(caffe_pb2.LayerParameter(type="LSTMUnit"), Context()),
        [Blob(*s) for s in shapes],
        [Blob(), Blob()],
    )
    layer.setup(bottom, top)
    with pytest.raises(ShapeError, match=message):
        layer.reshape(bottom, top)


def test_no_recurrent_layer_works_in_place() -> None:
    text = """
        layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 3 dim: 2 dim: 3 } } }
        layer { name: "cont" type: "Input" top: "cont" input_param { shape { dim: 3 dim: 2 } } }
        layer { name: "r" type: "LSTM" bottom: "x" bottom: "cont" top: "x" recurrent_param { num_output: 3 } }"""
    with pytest.raises(NetError, match="LSTM cannot work in place"):
        Net.from_text(text)


@TYPES
def test_the_marks_have_no_gradient(type_name: str) -> None:
    layer = Running(type_name, X, CONT)
    layer(np.zeros(X), np.zeros(CONT))
    with pytest.raises(NetError, match=r"where sequences go on \(bottom\[1\]\) has no gradient"):
        layer.layer.backward(layer.top, [True, True], layer.bottom)


def test_the_marks_of_a_unit_have_no_gradient() -> None:
    layer, bottom = create(caffe_pb2.LayerParameter(type="LSTMUnit"), Context()), [Blob(1, 3, 4), Blob(1, 3, 16)]
    bottom, top = [*bottom, Blob(1, 3)], [Blob(), Blob()]
    layer.setup(bottom, top)
    layer.reshape(bottom, top)
    layer.forward(bottom, top)
    with pytest.raises(NetError, match=r"where sequences go on \(bottom\[2\]\) has no gradient"):
        layer.backward(top, [True, True, True], bottom)
