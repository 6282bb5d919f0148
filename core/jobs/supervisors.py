"""Which supervisors live: each keeps a small file with the mark of its process. The app starts one where none lives."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from core.files import write_text
from core.runs.status import ProcessMark, alive
from core.settings import artifacts_dir

BEAT_EVERY = 10.0  # seconds between two signs of life, which matter to other machines alone
IDLE_SECONDS = 900.0  # that a supervisor which the app started stays without work
_START_LIMIT = 30.0  # seconds within which a supervisor that was started has said so


class Supervisor(BaseModel):
    """The content of `supervisors/<name>.json`."""

    model_config = ConfigDict(frozen=True)

    name: str
    launcher: str
    process: ProcessMark
    slots: dict[str, int]  # device → jobs at a time

    @property
    def lives(self) -> bool:
        with suppress(OSError):
            return alive(self.process, _file(self.name).stat().st_mtime, time.time())
        return False


@contextmanager
def registered(launcher: str, slots: dict[str, int]) -> Iterator[Supervisor]:
    """This process is a supervisor inside the block."""
    me = Supervisor(name=uuid.uuid4().hex[:12], launcher=launcher, process=ProcessMark.of_this(), slots=slots)
    write_text(_file(me.name), me.model_dump_json(indent=2) + "\n")
    try:
        yield me
    finally:
        _file(me.name).unlink(missing_ok=True)


def beat(me: Supervisor) -> None:
    """A sign of life: the file's time."""
    with suppress(FileNotFoundError):  # somebody emptied the folder; the process lives all the same
        os.utime(_file(me.name))


def living() -> list[Supervisor]:
    """All that live; files of dead ones on this machine are removed."""
    found = [read for file in _file("x").parent.glob("*.json") if (read := _read(file)) is not None]
    for one in found:
        if not one.lives and one.process.host == socket.gethostname():
            _file(one.name).unlink(missing_ok=True)
    return [one for one in found if one.lives]


def ensure() -> None:
    """Start a supervisor where none lives, in a session of its own, so that it outlives whoever asks."""
    if living():
        return
    from filelock import FileLock

    with FileLock(artifacts_dir() / "supervisor.lock"):
        if living():  # somebody else was quicker
            return
        _start()


def _start() -> None:
    artifacts_dir().mkdir(parents=True, exist_ok=True)
    with open(artifacts_dir() / "supervisor.log", "a", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "core", "work", "--idle", str(IDLE_SECONDS)],
            cwd=Path(__file__).resolve().parents[2],
            env=os.environ | {"CXRLAB_ARTIFACTS": str(artifacts_dir())},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    deadline = time.monotonic() + _START_LIMIT
    while not living() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)


def _file(name: str) -> Path:
    return artifacts_dir() / "supervisors" / f"{name}.json"


def _read(file: Path) -> Supervisor | None:
    try:
        return Supervisor.model_validate_json(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValidationError):
        return None
