"""One JupyterLab and one Chromium for all journeys; a page, a workspace and kernels of its own for each."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.ui.lab import Lab
from tests.ui.server import LabServer
from tools import find_browser

RESULTS = Path("test-results")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SIZE = {"width": 1600, "height": 1000}

_failed = pytest.StashKey[bool]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.ui)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Attach the server's log to a failure, and leave a picture of every page that was open."""
    report = yield
    server, lab = item.funcargs.get("server"), _lab_of(item)
    if report.failed and isinstance(server, LabServer):
        report.sections.append(("JupyterLab's log", server.tail()))
    if report.failed and lab is not None and report.when != "teardown":  # the page is closed by then
        report.sections.append(("the browser's console", "\n".join(lab.console[-60:])))
        lab.picture(f"failed-{re.sub(r'[^A-Za-z0-9]+', '-', item.name)}", always=True)
    return report


def _lab_of(item: pytest.Item) -> Lab | None:
    return next((value for value in item.funcargs.values() if isinstance(value, Lab)), None)


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """A running JupyterLab."""
    server = LabServer(tmp_path_factory.mktemp("lab"))
    try:
        server.wait()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A running Chromium."""
    path = os.environ.get(find_browser.VARIABLE) or find_browser.find()
    if path is None:
        pytest.fail(find_browser.advice())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path,
            args=ARGUMENTS,
            ignore_default_args=["--hide-scrollbars"],  # pictures show what a person sees
        )
        yield browser
        browser.close()


@contextmanager
def opened(server: LabServer, browser: Browser, name: str) -> Iterator[Lab]:
    """A page with a workspace of its own; its kernels end with it."""
    context = browser.new_context(viewport=SIZE)
    try:
        yield Lab(server, context.new_page(), workspace=name, results=RESULTS)
    finally:
        context.close()
        server.end_sessions()


@pytest.fixture
def lab(server: LabServer, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """A page for one test."""
    with opened(server, browser, re.sub(r"\W+", "-", request.node.name)) as lab:
        yield lab


OpenLab = Callable[[str], Lab]


@pytest.fixture(scope="module")
def open_lab(server: LabServer, browser: Browser) -> Iterator[OpenLab]:
    """Open a page that the tests of one module share."""
    with ExitStack() as stack:
        yield lambda name: stack.enter_context(opened(server, browser, name))
