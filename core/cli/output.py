"""What the command line prints: one JSON document, or text for people, on standard output; progress and errors on standard error."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core import wording
from core.errors import CoreError

if TYPE_CHECKING:
    from core.runs.status import Status

Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output, nothing else.")]

_PAUSE = 5.0  # seconds between two progress lines where standard error is no terminal


def emit(value: Any, as_json: bool, text: str) -> None:
    """Print `value` as JSON, or `text`."""
    sys.stdout.write((json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) if as_json else text) + "\n")


def fail(error: CoreError, as_json: bool) -> int:
    """Report `error`; returns the exit status."""
    sys.stderr.write(f"Error: {error}\n")
    if as_json:
        emit({"error": str(error), "problems": [vars(problem) for problem in error.problems]}, as_json=True, text="")
    return error.exit_code


def table(rows: Iterable[Sequence[object]], header: Sequence[str]) -> str:
    """Columns padded to their widest cell."""
    cells = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells)


class Progress:
    """One line that moves on a terminal; a new line every few seconds elsewhere."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._last_time, self._last_text = 0.0, ""

    def counted(self, what: str) -> Any:
        """A callback (done, total) for work that is counted."""
        return lambda done, total: self.say(f"{what}: {done:,} of {total:,}", final=done == total)

    def status(self, status: Status) -> None:
        """A run's status as one line: epoch, speed, time left."""
        if status.phase != "training":
            self.say(status.message or status.phase, final=True)
            return
        parts = [f"epoch {status.epoch} of {status.epochs}", f"step {status.step} of {status.steps}"]
        if status.images_per_second:
            parts += [f"{status.images_per_second:.0f} images/s", f"{wording.duration(status.seconds_left)} left"]
        self.say(" · ".join(parts), final=status.step == status.steps)

    def say(self, text: str, final: bool = False) -> None:
        """Show `text`; `final` text is never skipped."""
        now = time.monotonic()
        if not text or text == self._last_text or not (final or self._terminal or now - self._last_time > _PAUSE):
            return
        sys.stderr.write(f"\r\033[K{text}" + ("\n" if final else "") if self._terminal else f"{text}\n")
        sys.stderr.flush()
        self._last_time, self._last_text = now, text
