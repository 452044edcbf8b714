"""The search for a browser: what is found, and what is said when there is none."""

from pathlib import Path

import pytest

from tools import find_browser


def program(path: Path, output: str, status: int = 0) -> Path:
    """Write an executable that prints one line."""
    path.write_text(f"#!/bin/sh\necho '{output}'\nexit {status}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def only_these_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make PATH one empty folder and forget what Playwright has downloaded."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "none"))
    monkeypatch.delenv(find_browser.VARIABLE, raising=False)
    return tmp_path


needs_sh = pytest.mark.skipif(not Path("/bin/sh").exists(), reason="stands in for a browser with a shell script")


@needs_sh
def test_the_variable_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    browser = program(tmp_path / "mine", "Chromium 150.0")
    monkeypatch.setenv(find_browser.VARIABLE, str(browser))
    assert find_browser.main() == 0
    assert capsys.readouterr().out.strip() == str(browser)


def test_a_wrong_variable_is_an_error_that_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(find_browser.VARIABLE, str(tmp_path / "missing"))
    assert find_browser.main() == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert find_browser.VARIABLE in said.err
    assert "missing" in said.err


@needs_sh
def test_a_placeholder_that_does_not_start_is_passed_over(only_these_commands: Path) -> None:
    program(only_these_commands / "chromium", "please install the snap", status=1)
    chrome = program(only_these_commands / "google-chrome", "Google Chrome 150.0")
    assert find_browser.find() == chrome


@needs_sh
def test_another_program_of_that_name_is_not_a_browser(only_these_commands: Path) -> None:
    program(only_these_commands / "chromium", "a game called Bsu")
    assert not find_browser.starts(only_these_commands / "chromium")


def test_where_nothing_can_be_installed_one_line_says_what_to_do(
    only_these_commands: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(find_browser, "find", lambda: None)
    monkeypatch.setattr(find_browser, "install_with_apt", lambda: False)
    monkeypatch.setattr(find_browser, "install_with_playwright", lambda: False)
    assert find_browser.main() == 1
    said = capsys.readouterr().err.strip()
    assert "\n" not in said
    assert "install" in said
