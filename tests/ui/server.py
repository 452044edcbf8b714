"""A real JupyterLab of the tests' own: port, token, settings and folders that nobody else uses."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

START_TIMEOUT = 90
STOP_TIMEOUT = 20
TOKEN = "browser-tests"

SETTINGS: dict[str, dict[str, Any]] = {
    # No questions to the network, and none to the person.
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "extensionmanager-extension/plugin": {"enabled": False},
    # All cells are in the page, so that all can be looked at.
    "notebook-extension/tracker": {"windowingMode": "none", "autoStartDefaultKernel": True},
    "docmanager-extension/plugin": {"autosave": False},
}


class LabServer:
    """JupyterLab in a process of its own.

    Parameters
    ----------
    home : Path
        An empty folder; the notebooks go into its folder ``work``, which is the server's root.
    """

    def __init__(self, home: Path) -> None:
        self.root = home / "work"
        self.log = home / "server.log"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.root.mkdir(parents=True)
        self._home = home
        self._write_settings()
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command(), env=self._environment(), cwd=home, stdout=log, stderr=subprocess.STDOUT
            )

    def wait(self) -> None:
        """Return when the server answers."""
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise RuntimeError(f"JupyterLab ended with {self._process.returncode}:\n{self.tail()}")
            try:
                self.ask("api/status")
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.2)
            else:
                return
        raise RuntimeError(f"JupyterLab did not answer within {START_TIMEOUT} s:\n{self.tail()}")

    def stop(self) -> None:
        """End the server and its kernels."""
        self.end_sessions()
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def ask(self, path: str, method: str = "GET") -> Any:
        """Call the server's own interface and return its answer."""
        request = urllib.request.Request(
            f"{self.url}/{path}", method=method, headers={"Authorization": f"token {TOKEN}"}
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def end_sessions(self) -> None:
        """End every kernel."""
        while sessions := self.ask("api/sessions"):  # one at a time: two that share a kernel go together
            self.ask(f"api/sessions/{sessions[0]['id']}", "DELETE")

    def tail(self, characters: int = 6000) -> str:
        """Return the end of the server's log, the kernels' words included."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-characters:]

    def _command(self) -> list[str]:
        as_root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        return [
            sys.executable,
            "-m",
            "jupyterlab",
            "--no-browser",
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={self.port}",
            "--ServerApp.port_retries=0",
            f"--ServerApp.root_dir={self.root}",
            f"--IdentityProvider.token={TOKEN}",
            "--LabApp.expose_app_in_browser=True",
            *as_root,
        ]

    def _environment(self) -> dict[str, str]:
        mine = {key: value for key, value in os.environ.items() if not key.startswith(("JUPYTER", "PYTEST"))}
        for name in ("CONFIG", "DATA", "RUNTIME"):
            mine[f"JUPYTER_{name}_DIR"] = str(self._home / name.lower())
        mine["JUPYTERLAB_WORKSPACES_DIR"] = str(self._home / "workspaces")
        mine["JUPYTERLAB_SETTINGS_DIR"] = str(self._home / "settings")
        mine["IPYTHONDIR"] = str(self._home / "ipython")
        mine["PYTHONUNBUFFERED"] = "1"
        return mine

    def _write_settings(self) -> None:
        for plugin, values in SETTINGS.items():
            path = self._home / "settings" / "@jupyterlab" / f"{plugin}.jupyterlab-settings"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(values), encoding="utf-8")


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
