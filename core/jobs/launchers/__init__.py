"""Where trainers run: each launcher offers devices and starts the same command on one of them."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from core.errors import UnknownName
from core.runs.status import ProcessMark
from core.runs.store import Run
from core.settings import artifacts_dir

Command = Callable[[Run, str], list[str]]
"""A run and its device → the trainer's command line."""
ROOT = Path(__file__).resolve().parents[3]
"""The folder that holds `core`, where trainers are started."""


class Trainer(Protocol):
    """A trainer that was started."""

    @property
    def mark(self) -> ProcessMark | None:
        """Its process, where this launcher knows it."""

    def ended(self) -> bool: ...

    @property
    def end(self) -> str:
        """How it ended, in words: "killed by SIGKILL", "exit status 1"; empty where unknown."""


class Launcher(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def host(self) -> str:
        """Names what its devices belong to: supervisors with the same launcher and host share the devices."""

    def slots(self) -> Mapping[str, int]:
        """Device → jobs at a time, as it is now."""

    def start(self, run: Run, device: str) -> Trainer: ...

    def wait(self, seconds: float) -> None:
        """Until a trainer ends, or `seconds` have passed."""


def command(run: Run, device: str) -> list[str]:
    """The trainer of `run` on `device` ("cpu", "cuda:0"; of several GPUs joined by commas it sees these alone, and takes them all)."""
    chosen = "cuda" if "," in device else device
    return [sys.executable, "-m", "core", "train", "--resume", run.id, *(["--device", chosen] if chosen else [])]


def environment(device: str) -> dict[str, str]:
    """What a trainer on `device` must find in its environment, besides its launcher's own."""
    gpus = [name.removeprefix("cuda:") for name in device.split(",")] if "," in device else []
    return {"CXRLAB_ARTIFACTS": str(artifacts_dir())} | ({"CUDA_VISIBLE_DEVICES": ",".join(gpus)} if gpus else {})


def end_of(code: int) -> str:
    """How a process ended, in words, by its exit status, which is negative for a signal."""
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"


def named(name: str, slots: Mapping[str, int] | None, address: str) -> Launcher:
    """The launcher of this name; each brings its own libraries.

    Raises:
        UnknownName: there is none.
    """
    if name == "local":
        from core.jobs.launchers.local import Local

        return Local(slots)
    if name == "ray":
        from core.jobs.launchers.ray import Ray

        return Ray(address, slots)
    raise UnknownName.among("launcher", name, ("local", "ray"))
