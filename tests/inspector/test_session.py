"""Requests of the panel, served from real nets."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from caffe_nb import live
from caffe_nb.inspector import messages, pieces
from caffe_nb.inspector.session import Session
from caffe_nb.net.net import Net
from caffe_nb.solvers import Solver


def request(session: Session, message: messages.Request) -> Any:
    """Send a request as it travels, and return the validated reply."""
    data, _ = session.handle({"id": 7, "request": msgspec.to_builtins(message)})
    assert data["id"] == 7
    return msgspec.convert(data["reply"], messages.Reply)


def node(graph: messages.Graph, name: str) -> pieces.GraphNode:
    return next(node for node in graph.nodes if node.name == name)


def get_tensors(
    session: Session, net: str, *looks: pieces.Look
) -> list[tuple[messages.Tensor | messages.Failed, np.ndarray]]:
    request = msgspec.to_builtins(messages.GetTensors(net, list(looks)))
    data, buffers = session.handle({"id": 1, "request": request})
    reply = msgspec.convert(data["reply"], messages.Tensors)
    return [(view, np.frombuffer(values, "<f4")) for view, values in zip(reply.views, buffers, strict=True)]


def get_tensor(session: Session, net: str, **fields: Any) -> tuple[messages.Tensor, np.ndarray]:
    [(view, values)] = get_tensors(session, net, pieces.Look(**fields))
    assert isinstance(view, messages.Tensor)
    return view, values.reshape(view.tiles, view.rows, view.cols)


# what is not a request


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (None, "Expected `object`"),
        ({"id": 3}, "missing required field `request`"),
        ({"id": 3, "request": {"kind": "open_door"}}, "Invalid value 'open_door'"),
        ({"id": 3, "request": {"kind": "get_graph"}}, "missing required field `net`"),
        ({"id": 3, "request": {"kind": "get_graph", "net": 5}}, "Expected `str`, got `int` - at `$.request.net`"),
        ({"id": 3, "request": {"kind": "list_nets", "more": 1}}, "unknown field `more`"),
        ({"id": 3, "request": {"kind": "get_graph", "net": "n0"}}, "net n0 is gone"),
    ],
)
def test_anything_else_gets_a_reply_in_words(session: Session, data: object, words: str) -> None:
    answer, buffers = session.handle(data)
    assert answer["reply"]["kind"] == "failed"
    assert words in answer["reply"]["message"]
    assert answer["id"] == (3 if data else -1)
    assert buffers == []


# nets and graphs


def test_live_nets_are_listed_and_dead_ones_are_not(session: Session, net: Net) -> None:
    listed = {info.id: info for info in request(session, messages.ListNets()).nets}
    assert listed[net.id] == pieces.NetInfo(
        id=net.id, name="little", phase="TRAIN", layers=6, running=False, trained="", test_net=-1, failed=None
    )
    other = Net.from_text('layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 } } }')
    gone = other.id
    assert gone in {info.id for info in request(session, messages.ListNets()).nets}
    del other
    gc.collect()
    assert gone not in {info.id for info in request(session, messages.ListNets()).nets}


def test_the_net_to_show_is_remembered_for_who_asks_later(session: Session, net: Net) -> None:
    assert request(session, messages.ListNets()).inspect is None
    session.show(net)
    assert request(session, messages.ListNets()).inspect == net.id


def test_a_graph_sees_through_splits_and_keeps_in_place_layers(session: Session, net: Net) -> None:
    graph = request(session, messages.GetGraph(net.id))
    names = {node.index: node.name for node in graph.nodes}
    assert list(names.values()) == ["data", "ip", "relu", "half", "loss", "quiet"]
    edges = [(names[edge.source], names[edge.target], edge.blob, edge.shape) for edge in graph.edges]
    assert edges == [
        ("data", "ip", "data", [4, 3]),
        ("ip", "relu", "ip", [4, 2]),
        ("relu", "half", "ip", [4, 2]),
        ("half", "loss", "half", [4, 2]),
        ("data", "loss", "label", [4, 2]),
        ("relu", "quiet", "ip", [4, 2]),
    ]
    assert node(graph, "relu").in_place
    assert not node(graph, "ip").in_place
    assert node(graph, "half").python == "halves.Half"
    assert node(graph, "half").line == 8
    assert node(graph, "loss").loss_weight == 1


def test_a_graph_says_what_there_is_to_look_into_and_every_reference_works(session: Session, net: Net) -> None:
    graph = request(session, messages.GetGraph(net.id))
    assert [param.name for param in node(graph, "ip").params] == ["weight", "bias"]
    assert [param.name for param in node(graph, "half").params] == ["param 0"]
    assert [bottom.name for bottom in node(graph, "quiet").bottoms] == ["ip"]
    assert [blob.has_diff for blob in node(graph, "loss").bottoms] == [True, False]
    for layer in graph.nodes:
        for blob in [*layer.bottoms, *layer.tops, *layer.params]:
            for part in ("data", "diff"):
                reply, _ = get_tensor(session, net=net.id, ref=blob.ref, part=part)
                assert reply.shape == blob.shape


def test_a_graph_says_which_layers_are_frozen_share_parameters_or_are_of_one_phase_only(session: Session) -> None:
    net = Net.from_text("""
        layer { name: "in" type: "DummyData" top: "a" dummy_data_param { shape { dim: 2 dim: 3 } }
          include { phase: TRAIN } }
        layer { name: "one" type: "InnerProduct" bottom: "a" top: "b" param { name: "w" } param { lr_mult: 0 }
          inner_product_param { num_output: 3 } }
        layer { name: "two" type: "InnerProduct" bottom: "b" top: "c" param { name: "w" }
          inner_product_param { num_output: 3 } exclude { phase: TEST } }
        layer { name: "fixed" type: "InnerProduct" bottom: "c" top: "d" param { lr_mult: 0 } param { lr_mult: 0 }
          inner_product_param { num_output: 3 } include { phase: TRAIN } include { phase: TEST } }
        layer { name: "bn" type: "BatchNorm" bottom: "d" top: "e" include { min_level: 0 } }
    """)
    graph = request(session, messages.GetGraph(net.id))
    assert [layer.name for layer in graph.nodes if layer.frozen] == ["fixed"]
    assert {layer.name: layer.shared for layer in graph.nodes if any(layer.shared)} == {
        "one": ["w", ""],
        "two": ["w", ""],
    }
    assert {layer.name: layer.phase for layer in graph.nodes if layer.phase} == {"in": "TRAIN", "two": "TRAIN"}


def test_tops_without_names_can_be_looked_into_each(session: Session) -> None:
    net = Net.from_text("""
        layer { name: "in" type: "DummyData" top: "a" top: "b" dummy_data_param { shape { dim: 2 dim: 3 }
          data_filler { type: "constant" value: 1 } data_filler { type: "constant" value: 3 } } }
        layer { name: "loss1" type: "EuclideanLoss" bottom: "a" bottom: "b" }
        layer { name: "loss2" type: "EuclideanLoss" bottom: "a" bottom: "a" }
    """)
    net.forward()
    graph = request(session, messages.GetGraph(net.id))
    values = [
        get_tensor(session, net=net.id, ref=node(graph, n).tops[0].ref, part="data")[1] for n in ("loss1", "loss2")
    ]
    assert [value.item() for value in values] == [6, 0]


# tensors


def test_a_tensor_has_the_blobs_values_and_looking_is_no_write(session: Session, net: Net) -> None:
    net.forward()
    blob = net.blobs["data"]
    before = blob.version
    reply, values = get_tensor(session, net=net.id, ref="blob:data", part="data")
    np.testing.assert_array_equal(values[0], blob.const_data)
    assert reply.version == blob.version == before
    assert reply.statistics.mean == pytest.approx(blob.const_data.mean())
    assert (reply.dtype, reply.axes, reply.reduced) == ("float32", [-1, 0, 1], False)


def test_a_float64_net_is_shown_as_float32_and_says_what_it_is(session: Session, folder: Path) -> None:
    net = Net.from_text(
        'layer { name: "d" type: "DummyData" top: "d" dummy_data_param { shape { dim: 3 } '
        'data_filler { type: "constant" value: 0.1 } } }',
        dtype=np.float64,
    )
    net.forward()
    reply, values = get_tensor(session, net=net.id, ref="blob:d", part="data")
    assert reply.dtype == "float64"
    assert values.ravel().tolist() == [np.float32(0.1)] * 3


@pytest.mark.parametrize(
    ("ref", "words"),
    [
        ("blob:dat", "no blob 'dat'. Did you mean 'data'?"),
        ("param:1:5", "has no param 5: it has 2"),
        ("param:99:0", "no layer 99: its layers are 0 to 6"),
        ("param:1:-1", "names no blob: expected blob:NAME"),
        ("data", "names no blob"),
    ],
)
def test_a_wrong_reference_gets_words_and_near_misses(session: Session, net: Net, ref: str, words: str) -> None:
    looks = [pieces.Look(ref, "data"), pieces.Look("blob:data", "data")]
    (refused, values), (shown, _) = get_tensors(session, net.id, *looks)
    assert isinstance(refused, messages.Failed)
    assert words in refused.message
    assert values.size == 0
    assert isinstance(shown, messages.Tensor), "the others are shown"


def test_what_is_asked_for_together_is_of_one_moment(
    session: Session, solver: Solver, background: Callable[[Callable[[], object]], threading.Thread]
) -> None:
    thread = background(lambda: solver.step(100_000))
    looks = [pieces.Look(f"param:1:{index}", part) for index in (0, 1) for part in ("data", "diff")]
    moments = set()
    for _ in range(20):
        views = [view for view, _ in get_tensors(session, solver.net.id, *looks)]
        weight, gradient, bias, _ = (view.version for view in views)
        moments.add((weight - bias, gradient > 0))
    solver.stop()
    thread.join()
    assert len(moments) == 1, "weight and bias of one update, gradients of a whole backward pass"


def test_a_tensor_is_served_while_a_solver_steps(
    session: Session, solver: Solver, background: Callable[[Callable[[], object]], threading.Thread]
) -> None:
    thread = background(lambda: solver.step(100_000_000))
    while solver.iter < 2:
        time.sleep(0.001)
    versions = []
    for _ in range(10):
        reply, _ = get_tensor(session, net=solver.net.id, ref="param:1:0", part="data")
        assert solver.running
        versions.append(reply.version)
        time.sleep(0.01)
    solver.stop()
    thread.join()
    assert versions == sorted(set(versions))


# source and checks


def test_the_source_is_that_of_the_class_with_its_place(session: Session, net: Net, folder: Path) -> None:
    index = next(node.index for node in net.nodes if node.name == "half")
    reply = request(session, messages.GetSource(net.id, index))
    lines = (folder / "halves.py").read_text(encoding="utf-8").splitlines()
    assert Path(reply.source.path) == folder / "halves.py"
    assert lines[reply.source.line - 1] == "class Half(Layer):"
    assert reply.text.startswith("class Half(Layer):\n")
    assert reply.text.rstrip().endswith("bottom[0].diff[...] = top[0].diff / 2")
    assert reply.source.qualname == "Half"


def test_the_source_follows_the_file_also_when_it_is_broken(session: Session, net: Net, folder: Path) -> None:
    index = next(node.index for node in net.nodes if node.name == "half")
    file = folder / "halves.py"
    text = file.read_text(encoding="utf-8")
    request(session, messages.GetSource(net.id, index))
    file.write_text(text.replace("/ 2", "/ 2.0"), encoding="utf-8")
    assert "/ 2.0" in request(session, messages.GetSource(net.id, index)).text
    file.write_text(text + "\nclass", encoding="utf-8")
    assert request(session, messages.GetSource(net.id, index)).text == text + "\nclass\n"


def test_a_built_in_layer_has_no_source(session: Session, net: Net) -> None:
    reply = request(session, messages.GetSource(net.id, 1))
    assert "layer 'ip' (InnerProduct), line 5 of <string> is built in" in reply.message


def test_versions_are_listed_compared_and_gone_back_to(session: Session, net: Net, folder: Path) -> None:
    index = next(node.index for node in net.nodes if node.name == "half")
    file = folder / "halves.py"
    text = file.read_text(encoding="utf-8")
    net.forward()
    value = net.blobs["half"].data.copy()
    file.write_text(text.replace("bottom[0].data / 2", "bottom[0].data / 4"), encoding="utf-8")
    live.reload()
    reply = request(session, messages.GetVersions(net.id, index))
    assert [(v.number, v.same) for v in reply.versions] == [(1, False), (2, True)]
    assert reply.versions[1].what.startswith("forward changed")
    assert 0 <= reply.versions[1].seconds < 60
    difference = request(session, messages.CompareVersions(net.id, index, 1, 2))
    assert "-        top[0].data[...] = bottom[0].data / 2" in difference.text.splitlines()
    reply = request(session, messages.RollBack(net.id, index, 1))
    assert [(v.number, v.same) for v in reply.versions] == [(1, True), (2, False), (3, True)]
    net.refresh()
    np.testing.assert_array_equal(net.blobs["half"].data, value)


def test_the_gradients_of_the_last_check_are_tensors(session: Session, net: Net) -> None:
    net.forward()
    index = next(node.index for node in net.nodes if node.name == "half")
    assert request(session, messages.CheckLayer(net.id, index)).check.rows[0].line
    assert not request(session, messages.CheckLayer(net.id, index, full=True)).check.rows[0].line
    views = [
        get_tensor(session, net=net.id, ref=f"check:{index}:0:{which}", part="diff")
        for which in ("backward", "differences", "error")
    ]
    assert [reply.shape for reply, _ in views] == [[4, 2]] * 3
    np.testing.assert_allclose(views[0][1], views[1][1], rtol=1e-5)
    assert views[2][1].max() < 1e-5
    for ref, words in ((f"check:{index}:9:error", "no such check"), ("check:x:0:error", "names no gradient")):
        [(reply, _)] = get_tensors(session, net.id, pieces.Look(ref, "diff"))
        assert isinstance(reply, messages.Failed)
        assert words in reply.message


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (messages.RollBack("NET", 4, 9), "no version v9"),
        (messages.CompareVersions("NET", 4, 1, 9), "Half has no version v9 any more"),
        (messages.GetVersions("NET", 1), "is built in; only Python layers have versions"),
        (messages.GetVersions("NET", 99), "99"),
    ],
)
def test_versions_that_are_not_there_are_words(
    session: Session, net: Net, message: messages.Request, words: str
) -> None:
    reply = request(session, msgspec.structs.replace(message, net=net.id))
    assert isinstance(reply, messages.Failed)
    assert words in reply.message


def test_a_check_comes_back_and_stays_in_the_graph(session: Session, net: Net) -> None:
    net.forward()
    index = next(node.index for node in net.nodes if node.name == "half")
    reply = request(session, messages.CheckLayer(net.id, index))
    assert reply.check.ok
    assert reply.check.rows[0].where == "bottom[0]"
    state = next(state for state in request(session, messages.GetGraph(net.id)).states if state.index == index)
    assert state.check == reply.check


def test_a_check_is_exported_into_the_working_folder_and_overwrites_nothing(
    session: Session, net: Net, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    index = next(node.index for node in net.nodes if node.name == "ip")
    assert "check it again" in request(session, messages.ExportCheck(net.id, index)).message
    net.forward_backward()
    request(session, messages.CheckLayer(net.id, index))
    paths = [request(session, messages.ExportCheck(net.id, index)).path for _ in range(2)]
    assert paths == [str(tmp_path / "test_ip.py"), str(tmp_path / "test_ip_2.py")]
    assert all(Path(path).with_suffix(".npz").is_file() for path in paths)


def test_a_panel_does_not_wait_for_a_comparison_without_end(
    session: Session, net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("caffe_nb.inspector.session.PATIENCE", 0.0)
    net.forward()
    half = next(node for node in net.nodes if node.name == "half")
    before = net.blobs["half"].data.copy()
    assert (
        "%caffe_check NET half --full" in request(session, messages.CheckLayer(net.id, half.index, full=True)).message
    )
    np.testing.assert_array_equal(net.blobs["half"].data, before)
    assert request(session, messages.CheckLayer(net.id, half.index)).check.ok


def test_a_check_of_a_layer_that_raises_says_so(session: Session, net: Net) -> None:
    half = next(node for node in net.nodes if node.name == "half")
    half.layer.fault = "no halves today"
    reply = request(session, messages.CheckLayer(net.id, half.index))
    assert "no halves today" in reply.message


def test_a_request_to_a_busy_net_says_which_layer_is_running(
    session: Session,
    net: Net,
    background: Callable[[Callable[[], object]], threading.Thread],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("caffe_nb.inspector.session.TIMEOUT", 0.2)
    half = next(node for node in net.nodes if node.name == "half")
    half.layer.pause = 1.0
    background(net.forward)
    while net.running is None or net.running[0] != half.index:
        time.sleep(0.001)
    reply = request(session, messages.GetGraph(net.id))
    assert "layer 'half' (Python)" in reply.message
    assert "has been running forward for" in reply.message
