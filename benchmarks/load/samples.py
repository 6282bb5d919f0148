"""What the processes take while people browse, looked at from outside: memory, processor time, and how far the training is."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from benchmarks.load.server import Server

EVERY = 10.0  # seconds between two samples of the processes
LOOK = 0.1  # seconds between two looks at the trainer's file, which is how exactly the end of an epoch is known


@dataclass(frozen=True)
class Sample:
    """One look. `cpu`: process → seconds of all cores so far."""

    at: float
    memory: int  # bytes that the app alone holds; where the system does not tell, all that it has in memory
    cpu: dict[str, float]


@dataclass
class Watch:
    """What was seen so far; `run` watches until it is cancelled."""

    server: Server
    training: str  # the run's id
    samples: list[Sample] = field(default_factory=list)
    epoch_ends: list[float] = field(default_factory=list)
    _read: int = 0  # bytes of the trainer's file
    _rest: bytes = b""

    async def run(self) -> None:
        due = time.monotonic()
        while True:
            self.look_at_training()
            if time.monotonic() >= due:
                due += EVERY
                self.sample()
            await asyncio.sleep(LOOK)

    def sample(self) -> None:
        """Note what all processes take now."""
        me = psutil.Process()
        found = {"app": self.server.process, "trainer": self._process(self._status()), "supervisor": self._supervisor(), "visitors": me}
        cpu = {name: used for name, process in found.items() if process and (used := _cpu(process)) is not None}
        browsers = [used for child in me.children(recursive=True) if (used := _cpu(child, "chrom")) is not None]
        self.samples.append(Sample(time.time(), held(self.server.process), cpu | ({"browsers": sum(browsers)} if browsers else {})))

    def look_at_training(self) -> None:
        """Note the epochs that ended since the last look: only what is new in the trainer's file is read."""
        path = self._folder / "metrics.jsonl"
        if not path.is_file():
            return
        with open(path, "rb") as file:
            file.seek(self._read)
            new = file.read()
        self._read += len(new)
        *lines, self._rest = (self._rest + new).split(b"\n")
        self.epoch_ends += [time.time() for line in lines if json.loads(line)["kind"] == "epoch"]

    @property
    def _folder(self) -> Path:
        return self.server.artifacts / "runs" / self.training

    def _status(self) -> dict:
        return json.loads((self._folder / "status.json").read_text(encoding="utf-8")).get("process") or {}

    def _supervisor(self) -> psutil.Process | None:
        for file in (self.server.artifacts / "supervisors").glob("*.json"):
            with suppress(OSError, ValueError):
                return self._process(json.loads(file.read_text(encoding="utf-8"))["process"])
        return None

    @staticmethod
    def _process(mark: dict) -> psutil.Process | None:
        with suppress(psutil.Error, KeyError):
            return psutil.Process(mark["pid"])
        return None


def held(process: psutil.Process) -> int:
    """Bytes that would come free if `process` ended."""
    with suppress(psutil.AccessDenied):
        return process.memory_full_info().uss
    return process.memory_info().rss


def _cpu(process: psutil.Process, called: str = "") -> float | None:
    """User and system seconds so far; None where it has ended, or its name does not hold `called`."""
    with suppress(psutil.Error):
        if called and called not in process.name():
            return None
        times = process.cpu_times()
        return times.user + times.system
    return None
