"""A run's `metrics.jsonl`: one JSON object a line, written by the trainer alone, and whole in spite of a writer that was cut off."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any, BinaryIO

from core.files import write_text

_LONGEST = 65536  # bytes of a line, far more than any has


def read(path: Path) -> list[dict[str, Any]]:
    """All rows, in order; a last line that is still being written, or was cut off, is left out."""
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")[:-1] if path.is_file() else []
    return [json.loads(line) for line in lines]


def append(path: Path, row: dict[str, Any]) -> None:
    """Add one line, in place of what a cut-off writer left of another."""
    line = json.dumps(row, allow_nan=False) + "\n"
    with open(path, "ab+") as file:
        file.truncate(_end_of_whole_lines(file))
        file.write(line.encode())


def flush(path: Path) -> None:
    """Have on the disk what was appended."""
    with open(path, "ab") as file:
        os.fsync(file.fileno())


def drop_after(path: Path, epoch: int, step: int) -> None:
    """Forget all rows after `epoch` epochs and `step` steps of the next."""
    rows = [row for row in read(path) if row["epoch"] <= epoch or (row["epoch"] == epoch + 1 and row.get("step", math.inf) <= step)]
    write_text(path, "".join(json.dumps(row) + "\n" for row in rows))


def _end_of_whole_lines(file: BinaryIO) -> int:
    """Bytes up to the end of the last whole line."""
    end = file.seek(0, os.SEEK_END)
    file.seek(max(0, end - _LONGEST))
    tail = file.read()
    return end - len(tail) + tail.rfind(b"\n") + 1
