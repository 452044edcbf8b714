"""Several notebooks, kernels and connections that break: each panel shows its own kernel, and comes back by itself."""

from __future__ import annotations

from playwright.sync_api import WebSocketRoute, expect

from tests.ui import material
from tests.ui.lab import Lab, Panel, wait_for

_RUN = """async ([name, code]) => {
    const widget = [...window.jupyterapp.shell.widgets('main')].find(each => each.context?.path.endsWith(name));
    const reply = await widget.context.sessionContext.session.kernel.requestExecute({ code }).done;
    return reply.content.status;
}"""
_CHANGE = """async ([name, other]) => {
    const find = path => [...window.jupyterapp.shell.widgets('main')].find(each => each.context?.path.endsWith(path));
    const kernel = other === null ? { name: 'python3' } : { id: find(other).context.sessionContext.session.kernel.id };
    await find(name).context.sessionContext.changeKernel(kernel);
}"""
_MARK = """name => {
    const panel = [...window.jupyterapp.shell.widgets('main')].find(each => each.hasClass('caffe-nb')
        && each.path.endsWith(name));
    panel?.node.setAttribute('data-of', name);
    return panel !== undefined;
}"""
_READY = """name => [...window.jupyterapp.shell.widgets('main')].some(each => each.context?.path.endsWith(name)
    && each.context.sessionContext.session?.kernel?.connectionStatus === 'connected')"""


def _net(name: str) -> str:
    return (
        f'layer {{ name: "{name}" type: "DummyData" top: "{name}" dummy_data_param {{ shape {{ dim: 2 dim: 3 }} }} }}'
    )


def _load(name: str) -> str:
    return f"%load_ext caffe_nb\nimport caffe_nb\n{name} = caffe_nb.Net.from_text({_net(name)!r})"


def _execute(lab: Lab, notebook: str, code: str) -> None:
    assert lab.page.evaluate(_RUN, [notebook, code]) == "ok"


def _open(lab: Lab, notebook: str) -> Panel:
    """Open the panel of a notebook and return it."""
    lab.page.get_by_role("tab", name=notebook).click()
    lab.command("caffe-nb:open")
    panel = Panel(lab.page)
    wait_for(lambda: lab.page.evaluate(_MARK, notebook), f"the panel of {notebook}", page=lab.page)
    panel.root = lab.page.locator(f'[data-of="{notebook}"]')
    return panel


def _two(lab: Lab) -> None:
    lab.write(material.FILES)
    lab.notebook(["print(2)"], "second.ipynb")
    lab.open(lab.notebook(["print(1)"], "first.ipynb"))
    lab.command("docmanager:open", path=f"{lab.workspace}/second.ipynb")
    lab.page.wait_for_function(_READY, arg="second.ipynb")


def test_two_notebooks_on_two_kernels_each_have_their_own_nets_and_on_one_the_same(lab: Lab) -> None:
    _two(lab)
    _execute(lab, "first.ipynb", _load("one"))
    _execute(lab, "second.ipynb", _load("two"))
    for notebook, layers in (("first.ipynb", ["one"]), ("second.ipynb", ["two"])):
        panel = _open(lab, notebook)
        panel.wait_for_graph()
        assert panel.layers() == layers
    lab.picture("many-two-kernels")

    lab.page.evaluate(_CHANGE, ["second.ipynb", "first.ipynb"])
    panel = _open(lab, "second.ipynb")
    expect(panel.layer("one")).to_be_visible()
    _execute(lab, "first.ipynb", _load("three") + "\n%caffe_inspect three")
    expect(panel.find("caffe-net-select").locator("option")).to_have_count(2)
    expect(_open(lab, "first.ipynb").layer("three")).to_be_visible()
    lab.picture("many-one-kernel")
    assert lab.faults == []


def test_after_a_change_of_the_kernel_the_panel_says_that_it_is_empty_and_goes_on_with_the_new_one(lab: Lab) -> None:
    _two(lab)
    _execute(lab, "first.ipynb", _load("one"))
    panel = _open(lab, "first.ipynb")
    panel.wait_for_graph()
    lab.page.evaluate(_CHANGE, ["first.ipynb", None])
    panel.wait_for_empty("absent")
    _execute(lab, "first.ipynb", _load("two"))
    panel.wait_for_graph()
    assert panel.layers() == ["two"]
    assert lab.faults == []


class Line:
    """The line between page and server: cut, as when a laptop is closed, or silent."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.cut = self.silent = False
        self.open: list[WebSocketRoute] = []
        lab.page.route_web_socket("**/channels**", self._connect)

    def _connect(self, page: WebSocketRoute) -> None:
        self.open.append(page)
        if self.cut:
            return  # nobody answers
        server = page.connect_to_server()
        page.on_message(lambda message: None if self.silent else server.send(message))
        server.on_message(lambda message: None if self.silent else page.send(message))

    def set(self, *, cut: bool) -> None:
        """Close what is open; what is opened from now on reaches the server, or does not."""
        self.cut, before = cut, self.open
        self.open = []
        for page in before:
            page.close(code=1001)


def _training(lab: Lab) -> Line:
    line = Line(lab)
    material.open_net(lab)
    lab.start(material.RUN)
    lab.panel.wait_for_progress()
    lab.panel.select("conv1")
    lab.panel.wait_for_newer(":conv1")
    return line


def _goes_on(lab: Lab, before: int) -> None:
    wait_for(lambda: lab.panel.iteration() > before, "newer iterations", page=lab.page)
    lab.panel.wait_for_newer(":conv1")
    assert lab.panel.layers() == material.LAYERS
    expect(lab.panel.layer("conv1")).to_have_attribute("data-selected", "true")
    expect(lab.panel.find("caffe-away")).to_have_count(0)
    assert lab.faults == []


def test_a_laptop_that_was_closed_shows_what_it_knows_and_comes_back_by_itself(lab: Lab) -> None:
    line = _training(lab)
    line.set(cut=True)
    expect(lab.panel.find("caffe-away")).to_contain_text("No connection to the kernel: this is what was seen last")
    assert lab.panel.layers() == material.LAYERS
    lab.page.wait_for_timeout(4000)
    before = lab.panel.iteration()
    expect(lab.panel.root.locator(".caffe-nb-failure")).to_have_count(0)
    lab.picture("many-away")
    lab.theme("JupyterLab Dark")
    lab.page.wait_for_timeout(500)
    lab.picture("many-away-dark")
    lab.theme("JupyterLab Light")
    line.set(cut=False)
    _goes_on(lab, before)
    lab.picture("many-back")


def test_a_line_that_was_silent_for_a_while_leaves_nothing_wrong(lab: Lab) -> None:
    line = _training(lab)
    line.silent = True
    lab.page.wait_for_timeout(6000)
    before = lab.panel.iteration()
    line.silent = False
    _goes_on(lab, before)


def test_a_browser_without_a_network_goes_on_when_it_is_back(lab: Lab) -> None:
    _training(lab)
    lab.page.context.set_offline(True)
    lab.page.wait_for_timeout(5000)
    before = lab.panel.iteration()
    lab.page.context.set_offline(False)
    _goes_on(lab, before)
