"""All passes of one work: who is next, the pass itself, and the control beside it."""

from __future__ import annotations

import json
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from benchmarks import processes
from benchmarks.training import peers
from benchmarks.training.files import Prepared
from benchmarks.training.peers import OURS, Setting
from benchmarks.training.works import Work

DISTURBED = 1.15  # a control this much slower than the quickest of all: the pass is marked and repeated once
LENGTHS = (1, 3)  # epochs of the two passes from which a frozen peer's time is reckoned


class Clock(Protocol):
    """What `benchmarks.machine.Control` is to a pass."""

    def seconds(self) -> float: ...


@dataclass(frozen=True)
class Pass:
    """One participant's training. `measured`: (epochs, wall) of each process where several were needed."""

    participant: str
    repeat: int
    wall: float  # seconds of all epochs; reckoned where `measured` says so
    cpu: float  # seconds
    peak_rss: int  # bytes
    control: float  # seconds of the slower matrix product, before or after
    failure: str = ""  # why there is no time
    disturbed: bool = False
    again: bool = False  # it stands for a disturbed pass
    measured: tuple[tuple[int, float], ...] = ()
    details: dict[str, Any] | None = None  # ours: precision, images a second while training, test accuracy


def order(names: Sequence[str], repeat: int) -> list[str]:
    """Who comes when: a fixed shuffle, backwards in every second repeat, so that nobody is always first or last."""
    shuffled = sorted(names)
    random.Random(repeat // 2).shuffle(shuffled)
    return shuffled[::-1] if repeat % 2 else shuffled


def marked(passes: Sequence[Pass]) -> list[Pass]:
    """`passes` with `disturbed` set where the control was too slow for the quickest of them all: of few passes half may be disturbed."""
    quickest = min(item.control for item in passes)
    return [replace(item, disturbed=item.control > DISTURBED * quickest) for item in passes]


def extrapolated(measured: Sequence[tuple[int, float]], epochs: int) -> float:
    """Seconds of `epochs` from two lengths: the first, and as much for each further epoch as the two differ by."""
    (short, first), (long, second) = measured
    return first + (epochs - short) * (second - first) / (long - short)


class Comparison:
    """One work, all participants, on one machine."""

    def __init__(self, work: Work, files: Prepared, setting: Setting, clock: Clock, logs: Path) -> None:
        self.work, self.files, self.setting, self.clock, self.logs = work, files, setting, clock, logs
        self._control = clock.seconds()

    def run(self, participants: Sequence[str], repeats: int, say: Callable[[Pass], None] = lambda _: None) -> list[Pass]:
        """Every pass, those that were disturbed repeated once at the end. Who fails is not asked again."""
        passes: list[Pass] = []
        for repeat in range(repeats):
            for name in order(participants, repeat):
                if not any(item.failure for item in passes if item.participant == name):
                    passes.append(self._pass(name, repeat))
                    say(passes[-1])
        passes = marked(passes)
        for item in [item for item in passes if item.disturbed and not item.failure]:
            passes.append(replace(self._pass(item.participant, item.repeat), again=True))
            say(passes[-1])
        return marked(passes)

    def _pass(self, name: str, repeat: int) -> Pass:
        before = self._control
        result = self._ours(repeat) if name == OURS else self._peer(name, repeat)
        self._control = self.clock.seconds()
        return replace(result, control=max(before, self._control))

    def _ours(self, repeat: int) -> Pass:
        command = peers.ours(self.work, self.files, self.setting, self.work.epochs)
        with tempfile.TemporaryDirectory(prefix="cxrlab-") as artifacts:
            log, env = self._log(OURS, repeat), processes.environment(CXRLAB_ARTIFACTS=artifacts)
            usage = processes.measure(command, log, env=env, folder=processes.ROOT)
            details = None if usage.status else _details(json.loads(log.read_text(encoding="utf-8")))
        return _as_pass(OURS, repeat, usage, log, details)

    def _peer(self, name: str, repeat: int) -> Pass:
        peer = peers.get(name)
        lengths = LENGTHS if self.work.frozen and self.work.epochs > max(LENGTHS) else (self.work.epochs,)
        found = []
        for epochs in lengths:
            log = self._log(name, repeat, f"-{epochs}")
            with tempfile.TemporaryDirectory(prefix="cxrlab-peer-") as out:
                command = peer.command(self.work, self.files, self.setting, epochs, Path(out))
                found.append(_as_pass(name, repeat, processes.measure(command, log, env=processes.environment(), folder=Path(out)), log))
            if found[-1].failure:
                return found[-1]
        if len(found) == 1:
            return found[0]
        measured = tuple((epochs, item.wall) for epochs, item in zip(lengths, found, strict=True))
        cpu = extrapolated([(epochs, item.cpu) for epochs, item in zip(lengths, found, strict=True)], self.work.epochs)
        return replace(found[-1], wall=extrapolated(measured, self.work.epochs), cpu=cpu, measured=measured)

    def _log(self, name: str, repeat: int, more: str = "") -> Path:
        """A new file: the repetition of a disturbed pass does not hide what the first one said."""
        for number in range(1, sys.maxsize):
            path = self.logs / self.work.name / f"{name}{more}-{repeat + 1}{'' if number == 1 else f'.{number}'}.log"
            if not path.exists():
                return path
        raise AssertionError


def clean(folder: Path) -> Path:
    """`folder`, new and empty."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def to_json(item: Pass) -> dict[str, Any]:
    return asdict(item)


def from_json(content: dict[str, Any]) -> Pass:
    return Pass(**content | {"measured": tuple((epochs, wall) for epochs, wall in content["measured"])})


def _as_pass(name: str, repeat: int, usage: processes.Usage, log: Path, details: dict[str, Any] | None = None) -> Pass:
    failure = f"exit status {usage.status}: {processes.last_lines(log)}" if usage.status else ""
    return Pass(name, repeat, usage.wall, usage.cpu, usage.peak_rss, control=0.0, failure=failure, details=details)


def _details(outcome: dict[str, Any]) -> dict[str, Any]:
    """What our run recorded of itself, read before its artifacts are deleted."""
    folder = Path(outcome["folder"])
    environment = json.loads((folder / "environment.json").read_text(encoding="utf-8"))
    status = json.loads((folder / "status.json").read_text(encoding="utf-8"))
    return {
        "precision": "bf16" if environment["precision"].startswith("bf16") else "fp32",
        "images_per_second": status.get("costs", {}).get("images_per_second"),
        "accuracy": outcome["metrics"]["accuracy"],
    }
