"""The app as it is started for people, on a free port, with an artifacts folder of its own; nothing of it outlives the block."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks import processes
from core.errors import CoreError

START_LIMIT = 120.0  # seconds


@dataclass(frozen=True)
class Server:
    """A running app."""

    address: str  # host and port
    process: psutil.Process
    artifacts: Path
    log: Path


@contextmanager
def running(artifacts: Path) -> Iterator[Server]:
    """Raises CoreError: the app does not start."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true", f"--server.port={port}"]
    settings = artifacts / "no-settings.toml"  # those of this machine are none of the measurement's business
    settings.touch()
    env = processes.environment(CXRLAB_ARTIFACTS=str(artifacts), CXRLAB_SECRETS=str(settings))
    log = artifacts / "app.log"
    with open(log, "wb") as output:
        started = subprocess.Popen(
            [*command, f"--secrets.files={settings}"], cwd=processes.ROOT, env=env, stdout=output, stderr=output, start_new_session=True
        )
    server = Server(f"127.0.0.1:{port}", psutil.Process(started.pid), artifacts, log)
    try:
        _wait(server, started)
        yield server
    finally:
        started.kill()
        started.wait()
        _end_what_it_started(artifacts)


def _wait(server: Server, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + START_LIMIT
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(urllib.error.URLError, OSError):
            urllib.request.urlopen(f"http://{server.address}/_stcore/health", timeout=5).close()
            return
        time.sleep(0.1)
    raise CoreError("The app starts.", server.log.read_text(errors="replace")[-2000:], "Start it by hand: streamlit run app.py")


def _end_what_it_started(artifacts: Path) -> None:
    """The supervisor and its trainers live in sessions of their own, and would outlive the app."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.pid != os.getpid() and process.environ().get("CXRLAB_ARTIFACTS") == str(artifacts):
                process.kill()
