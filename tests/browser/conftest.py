"""A real browser on a real server. Without a browser these tests are skipped, and in CI they fail."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from playwright.sync_api import Browser, Page, expect

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "test-output"
PATIENCE = 90_000  # milliseconds that a page may take on a busy machine
TRAINING = 4 * PATIENCE  # and a small training


class Server:
    """`streamlit run app.py` on a free port, with an artifacts folder that outlives a restart, and settings where they are given.

    `settings`: the port → the text of the file. `records`: the folder of recorded runs; none unless given.
    """

    def __init__(self, artifacts: Path, settings: Callable[[int], str] = lambda _: "", records: Path | None = None) -> None:
        self.artifacts, self.secrets = artifacts, artifacts / "secrets.toml"
        self.records = records or artifacts / "no-records"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.secrets.write_text(settings(self.port))
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true", f"--server.port={self.port}"]
        command += [f"--secrets.files={self.secrets}"]
        chosen = {"CXRLAB_ARTIFACTS": str(self.artifacts), "CXRLAB_RECORDED": str(self.records)}
        environment = os.environ | chosen | {"CXRLAB_SECRETS": str(self.secrets)}
        with open(self.artifacts / "server.log", "ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True)
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=5)
                return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise TimeoutError((self.artifacts / "server.log").read_text())

    def status(self, run_id: str) -> dict[str, Any]:
        return json.loads((self.artifacts / "runs" / run_id / "status.json").read_text())

    def wait_for(self, run_id: str, reached: Callable[[dict[str, Any]], bool]) -> None:
        """Until the run's status has `reached` what a test waits for; the file says so before a page does."""
        deadline = time.monotonic() + TRAINING / 1000
        while not reached(status := self.status(run_id)):
            assert time.monotonic() < deadline, status
            time.sleep(0.1)

    def kill(self) -> None:
        """As a crash would: the whole process group at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def end(self) -> None:
        """With the supervisor and the trainers that it has started, which would outlive it."""
        self.kill()
        for process in psutil.process_iter(["environ"]):
            if process.pid != os.getpid() and (process.info["environ"] or {}).get("CXRLAB_ARTIFACTS") == str(self.artifacts):
                process.kill()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("artifacts"))
    yield server
    server.end()


@pytest.fixture
def page(browser: Browser, server: Server, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A fresh tab; its last picture is kept in `test-output/`, and what it and the server said last is printed, for a test that fails."""
    expect.set_options(timeout=PATIENCE)
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.set_default_timeout(PATIENCE)
    said: list[str] = []
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(f"page error: {error}"))
    yield page
    OUTPUT.mkdir(exist_ok=True)
    page.screenshot(path=OUTPUT / f"{request.node.name}.png")
    sys.stdout.write(_last_words(page, server, said))
    page.close()


def _last_words(page: Page, server: Server, said: list[str]) -> str:
    """What a person would look at after a failure: the page's text, its console, the server's log, every run's status and log."""
    runs = sorted(server.artifacts.glob("runs/*"))
    sections = {
        f"page {page.url}": page.inner_text("body"),
        "console": "\n".join(said[-20:]),
        "server": (server.artifacts / "server.log").read_text()[-3000:],
        **{str(file): file.read_text()[-2000:] for run in runs for file in (run / "status.json", run / "log.txt") if file.is_file()},
    }
    return "".join(f"--- {name}\n{text}\n" for name, text in sections.items())
