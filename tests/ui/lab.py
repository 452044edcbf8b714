"""JupyterLab as a person uses it: notebooks and their cells, and the panel beside them."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import nbformat
from playwright.sync_api import Locator, Page, expect

from tests.ui.server import TOKEN, LabServer

PATIENCE = 60.0
"""Seconds that anything may take on a slow machine."""

expect.set_options(timeout=PATIENCE * 1000)

_PROMPTS = """() => [...document.querySelectorAll('.jp-Notebook .jp-CodeCell .jp-InputArea-prompt')]
    .map(prompt => prompt.textContent.trim())"""


_ERRORS = """() => [...window.jupyterapp.shell.widgets('main')]
    .filter(widget => widget.context?.model?.cells)
    .flatMap(widget => [...widget.context.model.cells])
    .flatMap(cell => cell.outputs?.toJSON() ?? [])
    .filter(output => output.output_type === 'error')
    .map(output => output.traceback.join('\\n'))"""


def wait_for(condition: Callable[[], Any], what: str, seconds: float = PATIENCE, page: Page | None = None) -> Any:
    """Return the first true value of a condition.

    Raises
    ------
    AssertionError
        With `what` was waited for when it does not come.
    """
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s for {what}; last seen: {value!r}")
        if page is not None:
            page.wait_for_timeout(50)  # lets Playwright take the page's messages meanwhile
        else:
            time.sleep(0.05)


class Lab:
    """One page of JupyterLab.

    Parameters
    ----------
    server : LabServer
        What serves it.
    page : Page
        The browser's page.
    workspace : str
        Name of the workspace, which keeps the layout over a reload.
    results : Path
        Where pictures go.
    """

    def __init__(self, server: LabServer, page: Page, *, workspace: str, results: Path) -> None:
        self.server, self.page, self.workspace, self.results = server, page, workspace, results
        self.console: list[str] = []
        self.faults: list[str] = []
        page.set_default_timeout(PATIENCE * 1000)
        page.on("console", lambda message: self.console.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("dialog", lambda dialog: dialog.accept())  # "leave this page?"
        self.panel = Panel(page)

    # files

    @property
    def folder(self) -> Path:
        """The folder of this page's notebooks, as the kernel sees it."""
        path = self.server.root / self.workspace
        path.mkdir(exist_ok=True)
        return path

    def write(self, files: Mapping[str, str]) -> None:
        """Write text files beside the notebook."""
        for name, text in files.items():
            (self.folder / name).write_text(text, encoding="utf-8")

    def notebook(self, cells: Sequence[str], name: str = "notebook.ipynb") -> str:
        """Write a notebook of code cells and return its name."""
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        book.metadata.kernelspec = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
        nbformat.write(book, self.folder / name)
        return name

    # the page

    def open(self, notebook: str) -> None:
        """Open a notebook and wait until its kernel is there."""
        path = quote(f"{self.workspace}/{notebook}")
        self.page.goto(f"{self.server.url}/lab/workspaces/{self.workspace}/tree/{path}?token={TOKEN}")
        self.settle()
        self.command("application:toggle-left-area")

    def settle(self) -> None:
        """Wait until JupyterLab and the notebook's kernel are ready."""
        self.page.wait_for_selector("#jupyterlab-splash", state="detached")
        self.page.wait_for_selector(".jp-Notebook .jp-Cell")
        self.page.wait_for_function(
            """() => {
                const open = [...window.jupyterapp.shell.widgets('main')];
                return open.some(widget => widget.context?.sessionContext?.session?.kernel
                    ?.connectionStatus === 'connected');
            }"""
        )

    def reload(self) -> None:
        """Reload the page, as a person does: the notebook is saved, the kernel goes on."""
        self.command("docmanager:save")
        self.page.wait_for_timeout(2000)  # JupyterLab saves the layout a moment after it changed
        self.page.reload()
        self.settle()

    def command(self, name: str, **arguments: Any) -> None:
        """Run one of JupyterLab's commands, without waiting for its end."""
        self.page.evaluate(
            "([name, args]) => { void window.jupyterapp.commands.execute(name, args).catch(() => undefined); }",
            [name, arguments],
        )

    def theme(self, name: str) -> None:
        """Change to the theme `JupyterLab Light` or `JupyterLab Dark`."""
        self.command("apputils:change-theme", theme=name)
        expect(self.page.locator("body")).to_have_attribute("data-jp-theme-name", name)

    def restart_kernel(self) -> None:
        """Restart the kernel through the menu's command and its question."""
        self.command("notebook:restart-kernel")
        self.page.get_by_role("dialog").get_by_role("button", name="Confirm Kernel Restart").click()

    def interrupt(self) -> None:
        """Interrupt the kernel."""
        self.command("notebook:interrupt-kernel")

    def picture(self, name: str, *, always: bool = False) -> None:
        """Save what is seen, where somebody wants pictures."""
        if always or os.environ.get("CAFFE_NB_SCREENSHOTS"):
            self.results.mkdir(exist_ok=True)
            self.page.screenshot(path=self.results / f"{name}.png")

    # cells

    def cell(self, index: int) -> Locator:
        """Return a cell of the notebook, Markdown counted too."""
        return self.page.locator(".jp-Notebook .jp-Notebook-cell").nth(index)

    def run_all(self) -> None:
        """Start all cells."""
        self.command("notebook:run-all-cells")

    def start(self, index: int) -> None:
        """Start a cell with the keyboard; return when it is on its way."""
        before = self.prompt(index)
        self.cell(index).locator(".jp-InputArea-prompt").click()
        self.page.keyboard.press("Control+Enter")
        wait_for(lambda: self.prompt(index) != before, f"cell {index} to start", page=self.page)

    def run(self, index: int, seconds: float = PATIENCE) -> None:
        """Run a cell to its end."""
        self.start(index)
        self.finish(index, seconds)

    def finish(self, index: int, seconds: float = PATIENCE) -> None:
        """Wait for a cell's end, which is when it has a number."""
        wait_for(lambda: not self.busy(index), f"the end of cell {index}", seconds, self.page)

    def finish_all(self, seconds: float) -> None:
        """Wait until all code cells have a number."""
        wait_for(lambda: all(map(_has_number, self.prompts())), "the end of all cells", seconds, self.page)

    def prompts(self) -> list[str]:
        """Return the prompts of all code cells: `[ ]:`, `[*]:` or `[3]:`."""
        return list(self.page.evaluate(_PROMPTS))

    def prompt(self, index: int) -> str:
        """Return the prompt of a cell."""
        return self.cell(index).locator(".jp-InputArea-prompt").inner_text().strip()

    def busy(self, index: int) -> bool:
        """Tell whether a cell is running or waits to run."""
        return self.prompt(index) == "[*]:"

    def output(self, index: int) -> str:
        """Return the text of a cell's outputs."""
        return "\n".join(self.cell(index).locator(".jp-OutputArea-output").all_inner_texts())

    def errors(self) -> list[str]:
        """Return the exceptions that ended cells, with their tracebacks, without colours."""
        found: list[str] = self.page.evaluate(_ERRORS)
        return [re.sub(r"\x1b\[[0-9;]*m", "", text) for text in found]


def _has_number(prompt: str) -> bool:
    return re.fullmatch(r"\[\d+\]:", prompt) is not None


class Panel:
    """The panel beside the notebook, read and used through its test ids alone."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.root = page.get_by_test_id("caffe-panel")

    def find(self, test_id: str) -> Locator:
        """Return what carries a test id within the panel."""
        return self.root.get_by_test_id(test_id)

    def wait_for_graph(self) -> None:
        """Wait until the graph is drawn."""
        expect(self.find("caffe-graph")).to_have_attribute("data-layout", "ready")
        expect(self.find("caffe-graph-node").first).to_be_visible()

    def layers(self) -> list[str]:
        """Return the names of the layers that are drawn."""
        nodes = self.find("caffe-graph-node").all()
        return [node.get_attribute("data-layer") or "" for node in nodes]

    def layer(self, name: str) -> Locator:
        """Return a layer's node."""
        return self.root.locator(f'[data-testid="caffe-graph-node"][data-layer="{name}"]')

    def select(self, name: str) -> None:
        """Click a layer and wait until it is selected."""
        self.layer(name).click()
        expect(self.layer(name)).to_have_attribute("data-selected", "true")

    def version(self, name: str) -> int:
        """Return the version of a layer's code that its node shows."""
        return int(self.layer(name).get_attribute("data-version") or "0")

    def version_row(self, number: int) -> Locator:
        """Return a version's row among the versions of a layer's code."""
        return self.root.locator(f'[data-testid="caffe-version-row"][data-version="{number}"]')

    def tab(self, name: str) -> None:
        """Open one of the tabs below the graph: tensors, gradients, source or training."""
        self.find(f"caffe-tab-{name}").click()

    def tensor(self, blob: str, part: str = "data") -> Locator:
        """Return one part of a blob of the selected layer, by what its reference ends with."""
        return self.root.locator(f'[data-testid="caffe-tensor"][data-part="{part}"][data-ref$="{blob}"]')

    def tensor_version(self, blob: str, part: str = "data") -> int:
        """Return how often the blob that is shown had been written."""
        return int(self.tensor(blob, part).get_attribute("data-version") or "-1")

    def wait_for_newer(self, blob: str, part: str = "data") -> None:
        """Wait until a blob is shown that was written after what is shown now."""
        before = self.tensor_version(blob, part)
        wait_for(lambda: self.tensor_version(blob, part) > before, f"newer {part} of {blob}", page=self.page)

    def statistic(self, blob: str, name: str, part: str = "data") -> str:
        """Return a figure as it is shown."""
        return self.tensor(blob, part).get_by_test_id(f"caffe-stat-{name}").inner_text()

    def iteration(self) -> int:
        """Return the iteration that is shown, -1 where none is."""
        shown = self.find("caffe-iteration")
        return int(shown.inner_text()) if shown.count() else -1

    def wait_for_progress(self) -> int:
        """Wait until the iteration that is shown has grown; return it."""
        before = self.iteration()
        wait_for(lambda: self.iteration() > max(before, 0), "another iteration", page=self.page)
        return self.iteration()

    def empty_reason(self) -> str:
        """Return why there is nothing to show, "" where there is something."""
        empty = self.find("caffe-empty")
        return (empty.get_attribute("data-reason") or "") if empty.count() else ""

    def wait_for_empty(self, reason: str) -> None:
        """Wait for the words that say why there is nothing to show."""
        expect(self.find("caffe-empty")).to_have_attribute("data-reason", reason)
