"""Trainers on this machine: fresh interpreters, each in a session of its own, which outlive the supervisor."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress

import psutil

from core import settings
from core.jobs import launchers
from core.jobs.launchers import Command
from core.runs.status import ProcessMark
from core.runs.store import Run


class Process:
    """A child process; see `core.jobs.launchers.Trainer`."""

    def __init__(self, child: subprocess.Popen) -> None:
        self._child = child
        self.mark: ProcessMark | None = None
        with suppress(psutil.Error):  # over already
            self.mark = ProcessMark.of(child.pid)

    def ended(self) -> bool:
        return self._child.poll() is not None

    @property
    def end(self) -> str:
        code = self._child.returncode
        return "" if code is None else launchers.end_of(code)

    @property
    def pid(self) -> int:
        return self._child.pid


class Local:
    """Where there are GPUs, the processor takes only jobs that ask for it."""

    name = "local"

    def __init__(self, slots: Mapping[str, int] | None = None, command: Command = launchers.command) -> None:
        """`slots`: device → jobs at a time; by default as the settings have it."""
        self._slots = dict(slots) if slots is not None else _slots()
        self._command = command
        self._children: list[Process] = []

    @property
    def host(self) -> str:
        return socket.gethostname()

    def slots(self) -> Mapping[str, int]:
        return self._slots

    def start(self, run: Run, device: str) -> Process:
        with open(run.folder / "log.txt", "a", encoding="utf-8") as log:
            child = subprocess.Popen(
                self._command(run, device),
                cwd=launchers.ROOT,
                env=os.environ | launchers.environment(device),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        process = Process(child)
        self._children.append(process)
        return process

    def wait(self, seconds: float) -> None:
        self._children = [child for child in self._children if not child.ended()]
        if not self._children or not hasattr(os, "pidfd_open"):
            time.sleep(seconds)
            return
        watched = [os.pidfd_open(child.pid) for child in self._children]
        try:
            select.select(watched, [], [], seconds)
        finally:
            for descriptor in watched:
                os.close(descriptor)


def _slots() -> dict[str, int]:
    """The devices that the settings name, or all that this machine has, with the jobs that each takes."""
    found = settings.current()
    names = [*gpus(), "cpu"] if found.devices == ("auto",) else found.devices
    return dict.fromkeys(names, found.jobs_per_device)


def gpus() -> list[str]:
    """Names of this machine's GPUs, by the driver's own tool: torch would take a supervisor's memory tenfold."""
    try:
        found = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return [f"cuda:{number}" for number, line in enumerate(found.splitlines()) if line.startswith("GPU ")]
