"""A job's place in the queue as its run folder keeps it, so that a lost table of jobs is made again from the folders."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from core.files import write_text
from core.runs.status import ProcessMark
from core.runs.store import Run

NAME = "job.json"


class Ticket(BaseModel):
    """The content of `job.json`. Of two waiting jobs the one with the higher priority starts first, then the one with the lower place."""

    model_config = ConfigDict(frozen=True)

    state: Literal["waiting", "active", "ended"] = "waiting"
    priority: int = 0
    place: int = 0
    wanted: str = ""  # the device that was asked for; empty: any
    processes: int = 1  # that train together, a device each
    experiment_name: str = ""  # that several jobs were submitted under
    submitted: float  # Unix time
    device: str = ""  # that it was given; several are joined by commas
    host: str = ""  # where that device is
    claim: str = ""  # which claim this is: another attempt has another
    supervisor: str = ""  # who claimed it
    process: ProcessMark | None = None  # of its trainer
    vain: int = 0  # attempts in a row that ended without a word and without progress
    reached: tuple[int, int] = (0, 0)  # (epoch, step) when it was last claimed

    def write(self, run: Run) -> None:
        write_text(run.folder / NAME, self.model_dump_json(indent=2) + "\n")

    def changed(self, **values: object) -> Ticket:
        return self.model_copy(update=values)


def of(run: Run) -> Ticket | None:
    """None where it was never in the queue, or its file cannot be read."""
    try:
        return Ticket.model_validate_json((run.folder / NAME).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValidationError):
        return None
