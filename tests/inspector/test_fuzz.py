"""Whatever comes as a request, the session answers in words or not at all, goes on, and leaves the net as it was."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caffe_nb.inspector import messages, pieces, training_messages
from caffe_nb.inspector.control import control_of
from caffe_nb.inspector.session import Session
from caffe_nb.net.net import Net
from caffe_nb.solvers import Solver

STRANGE = ["", "\ud800", "x" * 5000, "<b>", "\0", "blob:" + "9" * 5000, "param:" + "9" * 5000 + ":0", "\u202e"]
TEXT = st.text(max_size=20) | st.sampled_from(STRANGE)
NUMBERS = st.integers() | st.sampled_from([2**63, -(2**63), 10**400])
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
REFS = st.sampled_from(["blob:data", "blob:ip", "param:1:0", "param:1:1", "top:4:0", "check:1:0:error"]) | TEXT
QUESTIONS = [kind for kind in get_args(messages.Request) if kind not in (messages.Drive, messages.Rewind)]
EXAMPLES = settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
HINTS: dict[Any, st.SearchStrategy[Any]] = {str: TEXT, int: st.integers(-3, 9) | NUMBERS, float: st.floats()}


@pytest.fixture
def solver(solver: Solver, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Solver:
    """A solver that has run, in a folder of its own, where an exported check may lie; the same for all examples."""
    monkeypatch.chdir(folder)
    solver.step(2)
    return solver


def structs(kind: type, net: str) -> st.SearchStrategy[Any]:
    """Draw messages of a kind, mostly about this net."""
    fields = {name: _drawn(name, hint, net) for name, hint in get_type_hints(kind).items() if name[0] != "_"}
    return st.builds(kind, **fields)


def _drawn(name: str, hint: Any, net: str) -> st.SearchStrategy[Any]:
    if name == "net":
        return st.just(net)
    if name == "ref":
        return REFS
    if hint in (pieces.Breaks, training_messages.Known, pieces.Look):
        return structs(hint, net)
    if get_args(hint) and hint.__class__.__name__ == "GenericAlias":  # list[int], list[Known]
        return st.lists(_drawn("", get_args(hint)[0], net), max_size=4)
    if get_args(hint) and type(None) in get_args(hint):
        (inner,) = [each for each in get_args(hint) if each is not type(None)]
        return st.none() | _drawn("", inner, net)
    return HINTS[hint] if hint in HINTS else st.from_type(hint)


@st.composite
def spoiled(draw: st.DrawFn, kinds: list[type], net: str) -> Any:
    """Draw a request with something wrong in it, or not."""
    request = msgspec.to_builtins(draw(st.one_of([structs(kind, net) for kind in kinds])))
    for _ in range(draw(st.integers(0, 2))):
        where = draw(st.sampled_from([*request, "more"]))
        if draw(st.booleans()):
            request[where] = draw(JSON)
        else:
            request.pop(where, None)
    return {"id": draw(st.integers(0, 9) | JSON), "request": request}


def served(session: Session, data: Any) -> messages.Reply:
    """Send a request; return the reply that would arrive, strictly as JSON and as the protocol says."""
    answer, buffers = session.handle(data)
    assert set(answer) == {"id", "version", "reply"}
    assert all(len(buffer) <= messages.MAX_VIEW_BYTES for buffer in buffers)
    wire = json.dumps(answer, ensure_ascii=False, allow_nan=False).encode("utf-8")  # as jupyter_client packs it
    return msgspec.convert(json.loads(wire)["reply"], messages.Reply)


def looking(net: Net, ref: str, part: str) -> dict[str, Any]:
    """Return a request for one view."""
    return {"kind": "get_tensors", "net": net.id, "looks": [{"ref": ref, "part": part}]}


def values(net: Net) -> list[bytes]:
    """Return everything that the net holds."""
    params = [blob for layer in net.layers for blob in layer.blobs]
    return [part.tobytes() for blob in [*net.blobs.values(), *params] for part in (blob.const_data, blob.const_diff)]


def alive(session: Session, net: Net) -> bool:
    """Whether the session lists the net, knows its graph and shows its values."""
    listed = served(session, {"id": 1, "request": {"kind": "list_nets"}})
    graph = served(session, {"id": 2, "request": {"kind": "get_graph", "net": net.id}})
    shown = served(session, {"id": 3, "request": looking(net, "blob:ip", "data")})
    return (
        isinstance(listed, messages.NetList)
        and net.id in {info.id for info in listed.nets}
        and isinstance(graph, messages.Graph)
        and isinstance(shown, messages.Tensors)
        and isinstance(shown.views[0], messages.Tensor)
    )


@EXAMPLES
@given(data=JSON | st.fixed_dictionaries({"id": JSON, "request": JSON}))
def test_any_json_is_answered_in_words(session: Session, solver: Solver, data: Any) -> None:
    before = values(solver.net)
    reply = served(session, data)
    assert isinstance(reply, messages.Failed)
    assert reply.message
    assert values(solver.net) == before
    assert alive(session, solver.net)


@EXAMPLES
@given(draw=st.data())
def test_a_question_with_anything_in_it_is_answered_and_changes_no_value(
    session: Session, solver: Solver, draw: st.DataObject
) -> None:
    before = values(solver.net)
    served(session, draw.draw(spoiled([kind for kind in QUESTIONS if kind is not messages.SetParamStr], solver.net.id)))
    assert values(solver.net) == before
    assert alive(session, solver.net)


@EXAMPLES
@given(draw=st.data())
def test_the_pushes_after_any_request_can_be_sent(session: Session, solver: Solver, draw: st.DataObject) -> None:
    kinds = [messages.SetBreaks, messages.SetTraining, messages.SetParamStr]
    served(session, draw.draw(spoiled(kinds, solver.net.id)))
    for push in session.pusher._look():
        wire = json.dumps(msgspec.to_builtins(push), ensure_ascii=False, allow_nan=False).encode("utf-8")
        msgspec.convert(json.loads(wire), messages.Push)


@settings(EXAMPLES, max_examples=50)
@given(draw=st.data())
def test_after_any_buttons_in_any_order_the_net_can_be_run_and_looked_into(
    session: Session, solver: Solver, draw: st.DataObject
) -> None:
    params = [blob.const_data.copy() for layer in solver.net.layers for blob in layer.blobs]
    for _ in range(draw.draw(st.integers(1, 6))):
        served(session, draw.draw(spoiled([messages.Drive, messages.SetBreaks], solver.net.id)))
    assert alive(session, solver.net)
    served(session, {"id": 1, "request": {"kind": "set_breaks", "net": solver.net.id, "breaks": {}}})
    control = control_of(solver.net)
    served(session, {"id": 1, "request": {"kind": "drive", "net": solver.net.id, "action": "stop"}})
    if control._thread is not None:
        control._thread.join(10)
        assert not control._thread.is_alive()
    after = [blob.const_data for layer in solver.net.layers for blob in layer.blobs]
    assert all(np.array_equal(one, other) for one, other in zip(params, after, strict=True))
    solver.net.forward()


STRANGE_NET = """
name: "strange"
layer { name: "d" type: "DummyData" top: "x" dummy_data_param { shape { dim: 3 } data_filler { value: VALUE } } }
layer { name: "l" type: "Reduction" bottom: "x" top: "y" loss_weight: VALUE }
"""


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "3e38"])
def test_a_net_without_a_finite_number_can_be_looked_into(session: Session, value: str) -> None:
    net = Net.from_text(STRANGE_NET.replace("VALUE", value))
    net.forward_backward()
    graph = served(session, {"id": 1, "request": {"kind": "get_graph", "net": net.id}})
    assert isinstance(graph, messages.Graph)
    for ref in (blob.ref for layer in graph.nodes for blob in layer.tops):
        for part in ("data", "diff"):
            asked = {"kind": "get_distribution", "net": net.id, "ref": ref, "part": part}
            assert isinstance(served(session, {"id": 1, "request": asked}), messages.Distribution)
            shown = served(session, {"id": 1, "request": looking(net, ref, part)})
            assert isinstance(shown, messages.Tensors)
            assert isinstance(shown.views[0], messages.Tensor)


def test_an_error_and_a_file_name_that_are_not_unicode_are_told(session: Session, net: Net) -> None:
    sent: list[Any] = []
    session.pusher.add(sent.append)
    wait_until(lambda: bool(sent))
    next(node.layer for node in net.nodes if node.name == "half").fault = "\ud800 \udc80.png"
    with pytest.raises(ValueError, match="png"):
        net.forward()
    wait_until(lambda: any("png" in str(message) for message in sent))
    session.pusher.remove(sent.append)
    json.dumps(sent, ensure_ascii=False, allow_nan=False).encode("utf-8")
    graph = served(session, {"id": 1, "request": {"kind": "get_graph", "net": net.id}})
    assert isinstance(graph, messages.Graph)
    (error,) = [state.error for state in graph.states if state.error]
    assert error.message == "ValueError: \\ud800 \\udc80.png"


def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for a push."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
