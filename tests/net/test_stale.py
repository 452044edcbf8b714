"""What is stale after a write or an edit, and a refresh: as little as possible, and bit for bit a whole forward."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caffe_nb import rng
from caffe_nb.net import Net

CHAIN = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 4 dim: 6 } } }
layer { name: "ip1" type: "InnerProduct" bottom: "data" top: "x" inner_product_param { num_output: 5
  weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "x" top: "x" }
layer { name: "ip2" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 3
  weight_filler { type: "xavier" } } }
layer { name: "softmax" type: "Softmax" bottom: "y" top: "p" }
"""


@pytest.fixture
def net() -> Net:
    net = Net.from_text(CHAIN)
    net.forward(data=np.random.default_rng(0).normal(size=(4, 6)))
    return net


class TestWhatIsStale:
    def test_everything_before_the_first_forward(self) -> None:
        assert Net.from_text(CHAIN).stale == ["data", "ip1", "relu", "ip2", "softmax"]

    def test_nothing_after_a_forward(self, net: Net) -> None:
        assert net.stale == []
        assert str(net.refresh()) == "nothing is stale: nothing ran"

    def test_nothing_after_backward_and_after_looking(self, net: Net) -> None:
        net.backward()
        net.blobs["y"].const_data.sum()
        net.forward()["p"].sum()
        assert net.stale == []

    def test_what_reads_a_written_input(self, net: Net) -> None:
        net.blobs["data"].data[0] = 1
        assert net.stale == ["ip1", "relu", "ip2", "softmax"]

    def test_what_a_written_parameter_goes_into(self, net: Net) -> None:
        net.params["ip2"][0].data[...] *= 2
        assert net.stale == ["ip2", "softmax"]

    def test_who_made_an_overwritten_blob(self, net: Net) -> None:
        net.blobs["y"].data[...] = 0
        assert net.stale == ["ip2", "softmax"]
        net.blobs["x"].data[...] = 0
        assert net.stale == ["ip1", "relu", "ip2", "softmax"]

    def test_what_comes_after_a_part_that_ran(self, net: Net) -> None:
        net.blobs["data"].data[0] = 1
        net.forward(end="relu")
        assert net.stale == ["ip2", "softmax"]
        net.forward(start="ip2")
        assert net.stale == []

    def test_a_write_through_an_array_that_was_held_needs_a_word(self, net: Net) -> None:
        held = net.blobs["data"].data
        net.forward()
        held[...] = 3
        assert net.stale == []
        net.touch("data")
        assert net.stale[0] == "ip1"

    def test_another_shape_of_the_input(self, net: Net) -> None:
        net.blobs["data"].reshape(2, 6)
        assert net.stale == ["ip1", "relu", "ip2", "softmax"]
        net.refresh()
        assert net.blobs["p"].shape == (2, 3)

    def test_a_net_that_shares_the_parameters(self, net: Net) -> None:
        other = Net.from_text(CHAIN)
        other.share_with(net)
        other.forward()
        assert (net.refresh(), other.stale) != ([], ["ip1"])
        net.params["ip2"][0].data[...] *= 2
        assert other.stale == net.stale == ["ip2", "softmax"]


class TestRefresh:
    def test_runs_what_is_stale_and_nothing_else(self, net: Net) -> None:
        ran: list[int] = []
        net.before_forward(ran.append)
        net.params["ip2"][0].data[...] *= 2
        done = net.refresh()
        assert done.layers == ["ip2", "softmax"]
        assert ran == [3, 4]
        assert str(done).startswith("ran 2 of 5 layers in ")
        assert net.stale == []

    def test_a_chain_in_place_starts_where_the_blob_is_made(self, net: Net) -> None:
        net.nodes[2].changed = True
        assert net.stale == ["relu", "ip2", "softmax"]
        assert net.refresh().layers == ["ip1", "relu", "ip2", "softmax"]

    def test_says_how_the_tops_of_changed_layers_differ(self, net: Net) -> None:
        net.nodes[3].changed = True
        assert str(net.refresh()).endswith("ip2: top 'y' bit-identical")
        net.nodes[3].changed = True
        net.params["ip2"][1].data[2] += 0.5
        (change,) = net.refresh().changes
        assert change.difference == pytest.approx(0.5)
        assert change.where[1] == 2
        assert str(change) == f"ip2: top 'y' max difference 0.5 at {change.where}"

    def test_goes_on_after_an_exception(self, net: Net) -> None:
        net.blobs["data"].data[...] = 1
        fails = True

        def hook(index: int) -> None:
            if fails and index == 3:
                raise ValueError("stop")

        net.before_forward(hook)
        with pytest.raises(ValueError, match="stop"):
            net.refresh()
        assert net.stale == ["ip2", "softmax"]
        fails = False
        assert net.refresh().layers == ["ip2", "softmax"]


# nets of any kind


LAYERS: dict[str, tuple[int, bool, str]] = {  # bottoms of a type, whether it may work in place, parameters of its text
    "InnerProduct": (1, False, "inner_product_param { num_output: 4 axis: -1 weight_filler { type: 'gaussian' } }"),
    "ReLU": (1, True, "relu_param { negative_slope: 0.1 }"),
    "Power": (1, True, "power_param { scale: 2 shift: 0.5 }"),
    "Scale": (1, True, "scale_param { bias_term: true axis: 1 filler { type: 'gaussian' } }"),
    "TanH": (1, True, ""),
    "Reshape": (1, False, "reshape_param { shape { dim: 0 dim: 4 } }"),
    "Flatten": (1, False, ""),
    "Eltwise": (2, False, ""),
    "Dropout": (1, True, ""),
}


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Nets of blobs of shape (3, 4): chains, branches, layers in place, shared parameters.

    The input's own memory is not worked on in place: a second forward would start from what the first left there.
    """
    lines = ['layer { name: "data" type: "Input" top: "b0" input_param { shape { dim: 3 dim: 4 } } }']
    blobs = ["b0"]
    read, inputs = set[str](), {"b0"}
    for number in range(draw(st.integers(2, 9))):
        kind = draw(st.sampled_from(sorted(LAYERS)))
        count, may, text = LAYERS[kind]
        bottoms = [draw(st.sampled_from(blobs)) for _ in range(count)]
        in_place = may and bottoms[0] not in inputs | read and draw(st.booleans())
        top = bottoms[0] if in_place else f"b{number + 1}"
        inputs |= {top} if kind in ("Flatten", "Reshape") and bottoms[0] in inputs else set()
        read |= set() if in_place else set(bottoms)
        if not in_place:
            blobs.append(top)
        shared = 'param { name: "w" } param { name: "v" }' if kind == "InnerProduct" and draw(st.booleans()) else ""
        names = " ".join(f'bottom: "{b}"' for b in bottoms)
        lines.append(f'layer {{ name: "l{number}" type: "{kind}" {names} top: "{top}" {shared} {text} }}')
    return "\n".join(lines)


def contents(net: Net) -> dict[str, bytes]:
    return {name: blob.const_data.tobytes() for name, blob in net.blobs.items()}


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(texts(), st.data())
def test_a_refresh_is_a_whole_forward(text: str, data: st.DataObject) -> None:
    rng.set_random_seed(1)
    net = Net.from_text(text, phase=1)
    batch = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    net.forward(b0=batch)
    for _ in range(data.draw(st.integers(1, 3))):
        _disturb(net, data)
        net.refresh()
    refreshed = contents(net)
    assert net.stale == []
    net.forward()
    assert contents(net) == refreshed


def _disturb(net: Net, data: st.DataObject) -> None:
    """Write an input, a parameter or any blob, have a layer's code changed, or run a part."""
    what = data.draw(st.sampled_from(["input", "parameter", "blob", "code", "part"]))
    value = data.draw(st.floats(-2, 2, width=32))
    places = [node for node in net.nodes if node.bottoms]
    if what == "input":
        net.blobs["b0"].data[1] = value
    elif what == "parameter" and net.learnable_params:
        data.draw(st.sampled_from(net.learnable_params)).data[...] *= value
    elif what == "blob":
        data.draw(st.sampled_from([node.tops[0] for node in places])).data[...] = value
    elif what == "code":
        data.draw(st.sampled_from(places)).changed = True
    else:
        net.blobs["b0"].data[2] = value
        net.forward_pass(0, data.draw(st.integers(0, len(net.nodes) - 1)))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers_compare_too(net: Net, value: Any) -> None:
    net.nodes[3].changed = True
    net.params["ip2"][1].data[1] = value
    (change,) = net.refresh().changes
    assert not np.isfinite(change.difference)
    assert change.where[1] == 1
    net.nodes[3].changed = True
    (change,) = net.refresh().changes
    assert change.difference == 0
