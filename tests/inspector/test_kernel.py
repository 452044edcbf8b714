"""A real kernel: requests on a subshell are answered, and pushes sent, while a cell runs."""

from __future__ import annotations

import os
import queue
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import KernelManager

from caffe_nb.inspector import messages, pieces

ROOT = Path(__file__).resolve().parents[2]

SETUP = """
from caffe_nb.net.net import Net
from caffe_nb.notebook import comm
net = Net.from_text('''
name: "watched"
layer { name: "data" type: "DummyData" top: "data" dummy_data_param {
  shape { dim: 16 dim: 64 } data_filler { type: "gaussian" } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param {
  num_output: 256 weight_filler { type: "xavier" } } }
''')
assert comm.announce()
"""

SHOW = """
from caffe_nb.inspector import session
session.show(net)
"""

CELL = """
from caffe_nb.core.layer import Layer

class Twice(Layer):
    zero = 1

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom, top):
        top[0].data[...] = 1 / self.zero

twice = Net.from_text('''
layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 } } }
layer { name: "twice" type: "Python" bottom: "x" top: "y" python_param { module: "__main__" layer: "Twice" } }
''')
"""

FAIL = """
from caffe_nb.inspector import session
session.show(twice)
Twice.zero = 0
try:
    twice.forward()
except ZeroDivisionError:
    pass
"""

LOOP = """
from pathlib import Path
while not Path("stop").exists():
    net.forward()
"""


class Kernel:
    """A kernel as JupyterLab sees it: shell, a subshell, and comms on it."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self.manager = manager
        self.client = client
        self.subshell = ""
        self.seen: list[dict[str, Any]] = []

    def start_subshell(self) -> None:
        message = self.client.session.msg("create_subshell_request", {})
        self.client.control_channel.send(message)
        self.subshell = self.client.get_control_msg(timeout=20)["content"]["subshell_id"]

    def send(self, kind: str, content: dict[str, Any]) -> None:
        message = self.client.session.msg(kind, content)
        message["header"]["subshell_id"] = self.subshell
        self.client.shell_channel.send(message)

    def open(self, target: str) -> str:
        comm_id = uuid.uuid4().hex
        self.send("comm_open", {"comm_id": comm_id, "target_name": target, "data": {}})
        return comm_id

    def until(self, wanted: Callable[[dict[str, Any]], object], seconds: float = 20) -> dict[str, Any]:
        """Return the first message on iopub that is wanted, among those that were seen already, too."""
        for message in self.seen:
            if wanted(message):
                return message
        deadline = time.monotonic() + seconds
        while True:
            try:
                message = self.client.get_iopub_msg(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                kinds = [message["msg_type"] for message in self.seen[-20:]]
                raise AssertionError(f"it did not come within {seconds} s; the last messages were {kinds}") from None
            self.seen.append(message)
            assert message["msg_type"] != "error", "\n".join(message["content"]["traceback"])
            if wanted(message):
                return message

    def request(self, comm_id: str, number: int, request: messages.Request) -> tuple[Any, dict[str, Any]]:
        data = {"id": number, "request": msgspec.to_builtins(request)}
        self.send("comm_msg", {"comm_id": comm_id, "data": data})
        message = self.until(lambda m: is_on(m, comm_id) and m["content"]["data"]["id"] == number)
        return msgspec.convert(message["content"]["data"]["reply"], messages.Reply), message

    def execute(self, code: str) -> None:
        number = self.client.execute(code)
        self.until(lambda m: is_idle(m, number), 60)


def is_on(message: dict[str, Any], comm_id: str, kind: str = "comm_msg") -> bool:
    return message["msg_type"] == kind and message["content"]["comm_id"] == comm_id


def updates_on(kernel: Kernel, pushes: str) -> list[messages.NetUpdate]:
    told = [m["content"]["data"]["push"] for m in kernel.seen if is_on(m, pushes)]
    pushed = [msgspec.convert(push, messages.Push) for push in told]
    return [push for push in pushed if isinstance(push, messages.NetUpdate)]


def is_idle(message: dict[str, Any], parent: str) -> bool:
    idle = message["msg_type"] == "status" and message["content"]["execution_state"] == "idle"
    return idle and message["parent_header"].get("msg_id") == parent


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Kernel]:
    manager = KernelManager()
    manager.kernel_cmd = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    manager.start_kernel(env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)}, cwd=str(tmp_path))
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        yield Kernel(manager, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()


def test_requests_are_answered_and_pushes_come_while_a_cell_runs(kernel: Kernel, tmp_path: Path) -> None:
    kernel.execute(SETUP)
    hello = kernel.until(lambda m: m["msg_type"] == "comm_open")
    assert hello["content"]["target_name"] == messages.HELLO_TARGET
    kernel.start_subshell()
    requests, pushes = kernel.open(messages.REQUEST_TARGET), kernel.open(messages.PUSH_TARGET)
    nets, _ = kernel.request(requests, 0, messages.ListNets())
    net = nets.nets[0].id
    loop = kernel.client.execute(LOOP)
    kernel.until(lambda m: m["msg_type"] == "execute_input" and m["parent_header"]["msg_id"] == loop)
    versions = []
    for number in range(1, 21):
        request = messages.GetTensors(net, [pieces.Look("blob:ip", "data")])
        reply, message = kernel.request(requests, number, request)
        view = reply.views[0]
        versions.append(view.version)
        assert len(message["buffers"][0]) == 4 * view.tiles * view.rows * view.cols
        time.sleep(0.05)
    kernel.until(lambda m: is_on(m, pushes) and m["content"]["data"]["seq"] > 12)
    (tmp_path / "stop").touch()
    assert versions == sorted(set(versions)), "the values changed from request to request"
    kernel.until(lambda m: is_idle(m, loop), 30)
    deadline = time.monotonic() + 20
    while (updates := updates_on(kernel, pushes))[-1].running:
        assert time.monotonic() < deadline
        kernel.execute("pass")
    assert sum(update.running for update in updates) >= 10
    numbers = [m["content"]["data"]["seq"] for m in kernel.seen if is_on(m, pushes)]
    assert numbers == list(range(1, len(numbers) + 1))


def test_the_pushes_end_while_a_cell_runs_when_the_panel_goes(kernel: Kernel, tmp_path: Path) -> None:
    kernel.execute(SETUP)
    kernel.start_subshell()
    requests, pushes = kernel.open(messages.REQUEST_TARGET), kernel.open(messages.PUSH_TARGET)
    loop = kernel.client.execute(LOOP)
    kernel.until(lambda m: is_on(m, pushes) and m["content"]["data"]["push"].get("running"))
    kernel.send("comm_close", {"comm_id": pushes, "data": {}})
    kernel.request(requests, 1, messages.ListNets())
    count = sum(is_on(m, pushes) for m in kernel.seen)
    time.sleep(0.5)
    (tmp_path / "stop").touch()
    kernel.until(lambda m: is_idle(m, loop), 30)
    assert sum(is_on(m, pushes) for m in kernel.seen) <= count + 1
    kernel.execute("assert not any(hooks for name, hooks in vars(net.hooks).items() if name != 'layer_error')")


def test_nonsense_repeated_and_lost_messages_leave_the_comms_as_they_were(kernel: Kernel) -> None:
    kernel.execute(SETUP)
    kernel.start_subshell()
    requests, pushes = kernel.open(messages.REQUEST_TARGET), kernel.open(messages.PUSH_TARGET)
    for target, comm_id in ((messages.PUSH_TARGET, pushes), (messages.REQUEST_TARGET, requests)):
        kernel.send("comm_open", {"comm_id": comm_id, "target_name": target, "data": {}})
    for data in (
        None,
        [],
        "x",
        {},
        {"id": 1},
        {"id": "1", "request": {"kind": "\ud7ff"}},
        {"id": 1, "request": [[[]]]},
    ):
        kernel.send("comm_msg", {"comm_id": requests, "data": data})
        kernel.send("comm_msg", {"comm_id": pushes, "data": data})
        kernel.send("comm_msg", {"comm_id": "nobody's", "data": data})
    kernel.send("comm_close", {"comm_id": "nobody's", "data": {}})
    for _ in range(2):
        kernel.send("comm_msg", {"comm_id": requests, "data": {"id": 7, "request": {"kind": "list_nets"}}})
    reply, _ = kernel.request(requests, 8, messages.ListNets())
    assert [net.name for net in reply.nets] == ["watched"]
    answers = [m["content"]["data"] for m in kernel.seen if is_on(m, requests)]
    assert [answer["reply"]["kind"] for answer in answers] == ["failed"] * 7 + ["net_list"] * 3
    kernel.send("comm_close", {"comm_id": pushes, "data": {}})
    kernel.request(requests, 9, messages.ListNets())
    kernel.execute("from caffe_nb.inspector.session import serving\nassert not serving().pusher.watched")


def test_show_says_hello_again_and_a_panel_that_comes_later_knows_the_net(kernel: Kernel) -> None:
    kernel.execute(SETUP + SHOW)
    hellos = [m for m in kernel.seen if m["msg_type"] == "comm_open"]
    assert len(hellos) == 2
    kernel.start_subshell()
    requests = kernel.open(messages.REQUEST_TARGET)
    reply, _ = kernel.request(requests, 1, messages.ListNets())
    assert reply.inspect == reply.nets[0].id


def test_a_class_of_a_cell_has_a_source_without_a_file_and_its_error_a_line(kernel: Kernel) -> None:
    kernel.execute(SETUP + CELL)
    kernel.execute(FAIL)
    kernel.start_subshell()
    requests = kernel.open(messages.REQUEST_TARGET)
    listed, _ = kernel.request(requests, 1, messages.ListNets())
    net = listed.nets[-1].id
    source, _ = kernel.request(requests, 2, messages.GetSource(net, 1))
    assert source.text.startswith("class Twice(Layer):")
    assert (source.source.path, source.source.module, source.source.qualname) == ("", "__main__", "Twice")
    graph, _ = kernel.request(requests, 3, messages.GetGraph(net))
    error = graph.states[1].error
    assert error.message == "ZeroDivisionError: division by zero"
    assert "top[0].data[...] = 1 / self.zero" in error.traceback


def test_a_kernel_without_caffe_nb_closes_the_comm(kernel: Kernel) -> None:
    kernel.start_subshell()
    requests = kernel.open(messages.REQUEST_TARGET)
    kernel.until(lambda m: is_on(m, requests, "comm_close"))
