"""caffe_nb.view: what the widget tells the front end, and what it sends of the values that are on screen."""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import nbformat
import numpy as np
import pytest
from nbconvert import HTMLExporter

import caffe_nb
from caffe_nb.core.blob import Blob
from caffe_nb.inspector.palette import DARK, LIGHT, category_colours
from caffe_nb.net import Net
from caffe_nb.notebook import viewer
from caffe_nb.notebook.viewer import TICK_BYTES, Viewer
from tests.sharing.material import HOSTILE, NET, named, solver

REF = "blob:ip"


class FrontEnd:
    """What a front end does to a widget, and what reaches it."""

    def __init__(self, widget: Viewer, monkeypatch: pytest.MonkeyPatch) -> None:
        self.widget = widget
        self.got: list[tuple[dict[str, Any], list[bytes]]] = []
        monkeypatch.setattr(
            widget,
            "send",
            lambda content, buffers=None: self.got.append((json.loads(json.dumps(content)), buffers or [])),
        )

    def tell(self, **message: object) -> None:
        """Send a message to the kernel."""
        self.widget._handle_custom_msg(message, [])

    def show(self, *refs: str, live: bool = False, fresh: bool = True, view: str = "a") -> None:
        """Say what is on screen."""
        self.tell(kind="show", view=view, refs=list(refs), live=live, fresh=fresh)

    def tensors(self) -> list[tuple[str, str]]:
        """Return what tensors have come."""
        return [(content["ref"], content["part"]) for content, _ in self.got if content["kind"] == "tensor"]

    def failure(self) -> str:
        """Return what the last message says that went wrong."""
        return str(self.got[-1][0]["message"])


Connect = Callable[[Net | Blob], FrontEnd]


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Iterator[Connect]:
    """Return a front end of a new view."""
    made: list[FrontEnd] = []

    def opened(target: Net | Blob) -> FrontEnd:
        widget = caffe_nb.view(target)
        assert isinstance(widget, Viewer)
        made.append(FrontEnd(widget, monkeypatch))
        return made[-1]

    yield opened
    for front_end in made:
        front_end.widget.close()


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_net_is_described_by_its_picture_and_its_layers(connect: Connect) -> None:
    net = Net.from_text(NET)
    widget = connect(net).widget
    assert widget.title == "little"
    assert widget.picture.startswith("<svg")
    ip = widget.layers[1]
    assert ip["name"] == "ip"
    assert [tensor["ref"] for tensor in ip["tensors"]] == ["blob:ip", "param:1:0", "param:1:1"]
    assert ip["tensors"][1]["shape"] == "2 x 3"
    json.dumps(widget.get_state())


def test_a_refresh_brings_new_shapes(connect: Connect) -> None:
    net = Net.from_text("""layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
        layer { name: "relu" type: "ReLU" bottom: "x" top: "y" }""")
    front_end = connect(net)
    net.blobs["x"].reshape(5, 3)
    net.forward()
    front_end.show("blob:y")
    assert front_end.widget.layers[1]["tensors"][0]["shape"] == "5 x 3"
    assert "x 5x3" in front_end.widget.picture


def test_of_a_solver_its_net_is_shown_and_of_anything_else_nothing(connect: Connect) -> None:
    trainer = solver()
    assert connect(trainer).widget.title == "little"  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="view takes a net, a blob or a solver, got str"):
        caffe_nb.view("net.prototxt")  # type: ignore[arg-type]


def test_values_come_with_their_figures_when_they_are_asked_for(connect: Connect) -> None:
    net = Net.from_text(NET)
    net.forward()
    front_end = connect(net)
    front_end.show(REF)
    assert front_end.tensors() == [(REF, "data"), (REF, "diff")]
    content, (values,) = front_end.got[0]
    np.testing.assert_array_equal(np.frombuffer(values, "<f4").reshape(4, 2), net.blobs["ip"].const_data)
    assert content["size"] == [1, 4, 2]
    assert dict(content["figures"])["max"] == f"{net.blobs['ip'].const_data.max():.4g}"
    assert not front_end.widget.watched


def test_whole_numbers_come_as_categories_with_their_colours_in_both_themes(connect: Connect) -> None:
    blob = Blob(2, 2)
    blob.data = [[0, 3], [3, 9]]
    front_end = connect(blob)
    front_end.show("self")
    (data, _), (diff, _) = front_end.got
    assert [value for value, *_ in data["categories"]] == [0, 3, 9]
    for value, light, dark in data["categories"]:
        assert (tuple(light), tuple(dark)) == tuple(
            category_colours([0, 3, 9], palette)[value] for palette in (LIGHT, DARK)
        )
    assert diff["categories"] == []


def test_a_blob_has_a_view_of_its_own(connect: Connect) -> None:
    blob = Blob(2, 3)
    front_end = connect(blob)
    front_end.show("self")
    assert front_end.tensors() == [("self", "data"), ("self", "diff")]
    front_end.show("blob:ip")
    assert "not in this view" in front_end.failure()


def test_while_it_is_on_screen_what_is_written_is_sent_and_nothing_else(connect: Connect) -> None:
    net = Net.from_text(NET)
    net.forward()
    front_end = connect(net)
    front_end.show(REF, live=True)
    front_end.got.clear()
    time.sleep(0.6)
    assert front_end.got == []
    net.forward()
    wait_for(lambda: (REF, "data") in front_end.tensors())
    assert front_end.got[-1][0]["version"] == net.blobs["ip"].version
    front_end.tell(kind="hide", view="a")
    wait_for(lambda: not front_end.widget.watched)
    count = len(front_end.got)
    net.forward()
    time.sleep(0.6)
    assert len(front_end.got) == count


def test_it_follows_a_running_solver_four_times_a_second_at_most(connect: Connect) -> None:
    trainer = solver()
    front_end = connect(trainer.net)
    front_end.show(REF, live=True, fresh=False)
    began = time.monotonic()
    while front_end.tensors().count((REF, "data")) < 5:
        trainer.step(5)
        assert time.monotonic() < began + 30
    assert time.monotonic() - began >= 4 * 0.25


def test_a_view_that_is_not_heard_of_any_more_gets_nothing(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewer, "LEASE", 0.5)
    net = Net.from_text(NET)
    front_end = connect(net)
    front_end.show(REF, live=True)
    assert front_end.widget.watched
    wait_for(lambda: not front_end.widget.watched)


def test_what_was_never_sent_is_sent_to_a_view_that_only_follows(connect: Connect) -> None:
    net = Net.from_text(NET)
    front_end = connect(net)
    front_end.show(REF, live=True, fresh=False)
    wait_for(lambda: front_end.tensors() == [(REF, "data"), (REF, "diff")])


def test_one_of_two_views_of_a_widget_may_go(connect: Connect) -> None:
    net = Net.from_text(NET)
    front_end = connect(net)
    front_end.show(REF, live=True, view="a")
    front_end.show("blob:data", live=True, view="b")
    front_end.tell(kind="hide", view="a")
    front_end.got.clear()
    net.forward()
    wait_for(lambda: ("blob:data", "data") in front_end.tensors())
    assert (REF, "data") not in front_end.tensors()
    assert front_end.widget.watched


def test_the_newest_view_alone_keeps_its_net_alive_and_another_says_that_it_is_gone(connect: Connect) -> None:
    front_end = connect(Net.from_text(NET))
    gc.collect()
    front_end.show(REF)
    assert front_end.tensors()
    blob = Blob(1)
    connect(blob)
    gc.collect()
    front_end.show(REF)
    assert "gone" in front_end.failure()


def test_large_blobs_are_reduced(connect: Connect) -> None:
    blob = Blob(8, 3, 512, 512)
    blob.diff[...] = 1
    front_end = connect(blob)
    front_end.show("self")
    assert sum(len(values) for _, (values,) in front_end.got) <= TICK_BYTES
    assert front_end.got[0][0]["reduced"]


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"kind": "show"},
        {"kind": "open", "view": "a"},
        {"kind": "show", "view": "a", "refs": "blob:ip", "live": True, "fresh": True},
        {"kind": "show", "view": "a", "refs": [3], "live": True, "fresh": True},
        {"kind": "show", "view": "a", "refs": [], "live": 1, "fresh": True},
        {"kind": "hide", "view": None},
        {"kind": "hide", "view": "a", "more": 1},
        {"kind": ["hide"]},
    ],
    ids=str,
)
def test_a_message_that_is_none_is_refused(connect: Connect, message: dict[str, object]) -> None:
    front_end = connect(Net.from_text(NET))
    front_end.tell(**message)
    assert "not understood" in front_end.failure()
    assert not front_end.widget.watched


@pytest.mark.parametrize(
    "ref", ["blob:nope", "param:99:0", "top:0:99", "", "param:-1:0", "check:0:0:error", "x" * 5000]
)
def test_what_is_not_there_is_said(connect: Connect, ref: str) -> None:
    front_end = connect(Net.from_text(NET))
    front_end.show(ref)
    assert front_end.got[-1][0]["kind"] == "failed"
    assert front_end.got[-1][0]["view"] == "a"
    assert "gone" not in front_end.failure()


def test_more_than_a_layer_has_is_not_asked_for(connect: Connect) -> None:
    front_end = connect(Net.from_text(NET))
    front_end.show(*[REF, "blob:data"] * 1000)
    assert len(front_end.tensors()) == 4


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_names_are_cut_and_escaped_in_the_picture(connect: Connect, name: str) -> None:
    widget = connect(named(name)).widget
    assert "<img" not in widget.picture
    assert "<script" not in widget.picture
    assert len(widget.title) <= 60
    assert len(widget.layers[0]["name"]) <= 60


def test_where_widgets_do_not_run_there_are_the_picture_and_the_table(connect: Connect) -> None:
    data, _ = connect(Net.from_text(NET)).widget._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "<table" in data["text/html"]
    assert "InnerProduct" in data["text/plain"]
    data, _ = connect(Blob(2)).widget._repr_mimebundle_()
    assert "<img" in data["text/html"]


def test_a_converted_notebook_has_the_picture_and_the_table(connect: Connect) -> None:
    data, metadata = connect(Net.from_text(NET)).widget._repr_mimebundle_()
    output = nbformat.v4.new_output("execute_result", data=data, metadata=metadata, execution_count=1)
    cell = nbformat.v4.new_code_cell("caffe_nb.view(net)", outputs=[output], execution_count=1)
    html, _ = HTMLExporter().from_notebook_node(nbformat.v4.new_notebook(cells=[cell]))
    assert "data:image/svg+xml" in html
    assert "InnerProduct" in html


def test_without_anywidget_a_view_is_what_is_shown_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "anywidget", None)
    monkeypatch.delitem(sys.modules, "caffe_nb.notebook.viewer")
    net = Net.from_text(NET)
    assert caffe_nb.view(net) is net
