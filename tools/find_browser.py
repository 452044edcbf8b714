"""Print the path of a Chromium or Chrome that starts; install one where none is there and it can be done.

Looked at, in this order: the environment variable CAFFE_NB_CHROMIUM, the usual command names on PATH, the usual places
of macOS and Windows, and what Playwright has downloaded before. After that Debian's package (as root) and Playwright's
own download are tried. The path goes to standard output, everything else to standard error.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

VARIABLE = "CAFFE_NB_CHROMIUM"
COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC_APPS = (
    "Google Chrome.app/Contents/MacOS/Google Chrome",
    "Chromium.app/Contents/MacOS/Chromium",
    "Google Chrome for Testing.app/Contents/MacOS/Google Chrome for Testing",
)
WINDOWS_ROOTS = ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")
WINDOWS_APPS = ("Google/Chrome/Application/chrome.exe", "Chromium/Application/chrome.exe")
INSTALL_TIMEOUT = 600


def say(message: str) -> None:
    """Write one line for the person at the terminal."""
    print(message, file=sys.stderr, flush=True)


def starts(path: Path) -> bool:
    """Tell whether this is a browser that runs: a distribution's placeholder for a snap, say, does not."""
    if not path.is_file():
        return False
    if sys.platform == "win32":  # chrome.exe answers no --version there
        return True
    try:
        answer = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.SubprocessError):
        return False
    return answer.returncode == 0 and "chrom" in answer.stdout.lower()


def usual_places() -> Iterator[Path]:
    """Yield every path at which a browser may lie, the likeliest first."""
    for command in COMMANDS:
        found = shutil.which(command)
        if found:
            yield Path(found)
    if sys.platform == "darwin":
        for root in (Path("/Applications"), Path.home() / "Applications"):
            yield from (root / app for app in MAC_APPS)
    if sys.platform == "win32":
        for root in filter(None, map(os.environ.get, WINDOWS_ROOTS)):
            yield from (Path(root) / app for app in WINDOWS_APPS)
    yield from playwright_download()


def playwright_download() -> Iterator[Path]:
    """Yield where Playwright keeps the Chromium that it downloads, whether or not it is there."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return
    with sync_playwright() as playwright:
        yield Path(playwright.chromium.executable_path)


def find() -> Path | None:
    """Return the first browser that starts, or None."""
    return next((path for path in usual_places() if starts(path)), None)


def is_root() -> bool:
    """Tell whether system packages can be installed."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def attempt(*command: str) -> bool:
    """Run one install command with its output on standard error; tell whether it went well."""
    say(f"find_browser: {' '.join(command)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command,
            stdout=sys.stderr,
            stdin=subprocess.DEVNULL,
            env=environment,
            timeout=INSTALL_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        say(f"find_browser: {error}")
        return False
    return done.returncode == 0


def install_with_apt() -> bool:
    """Install Debian's or Ubuntu's chromium package."""
    if not (is_root() and shutil.which("apt-get")):
        return False
    return attempt("apt-get", "update", "-qq") and attempt("apt-get", "install", "-y", "-qq", "chromium")


def install_with_playwright() -> bool:
    """Let Playwright download its Chromium into the user's cache."""
    system_libraries = ["--with-deps"] if is_root() and shutil.which("apt-get") else []
    return attempt(sys.executable, "-m", "playwright", "install", *system_libraries, "chromium")


def advice() -> str:
    """Return the one line that says what to install."""
    if sys.platform == "darwin":
        how = "`brew install --cask chromium` or Google Chrome"
    elif sys.platform == "win32":
        how = "Google Chrome or Chromium"
    elif shutil.which("apt-get"):
        how = "`sudo apt-get install chromium` or Google Chrome"
    else:
        how = "your distribution's package `chromium` or Google Chrome"
    return f"The browser tests need Chromium or Chrome: install {how}, or set {VARIABLE} to the path of one."


def main() -> int:
    """Find or install a browser, print its path and return the exit status."""
    given = os.environ.get(VARIABLE)
    if given:
        if not starts(Path(given)):
            say(f"{VARIABLE} is set to {given!r}, which is not a browser that starts: correct it or unset it.")
            return 1
        print(given)
        return 0
    installers: tuple[Callable[[], bool], ...] = (install_with_apt, install_with_playwright)
    browser = find()
    for install in installers:
        if browser is None and install():
            browser = find()
    if browser is None:
        say(advice())
        return 1
    print(browser)
    return 0


if __name__ == "__main__":
    sys.exit(main())
