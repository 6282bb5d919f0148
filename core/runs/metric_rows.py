"""A run's `metrics.jsonl`: one JSON object a line, written by the trainer alone, and whole in spite of a writer that was cut off."""

from __future__ import annotations

import json
import math
import os
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO

from core.files import write_text

_LONGEST = 65536  # bytes of a line, far more than any has
_KEPT = 8  # files whose rows are remembered: many people may look at a long training, every second


@dataclass(frozen=True)
class _Known:
    """What was read of a file, up to its byte `end`."""

    file: int  # the inode
    end: int
    last: bytes  # the line before `end`: a file that was written anew has another one there
    rows: list[dict[str, Any]]


_known: OrderedDict[Path, _Known] = OrderedDict()
_guard = Lock()


def read(path: Path) -> list[dict[str, Any]]:
    """All rows, in order; a last line that is still being written, or was cut off, is left out.

    Of a file that has grown since the last time, only what is new is read. Rows are shared: nobody changes them.
    """
    with _guard:
        try:
            file = open(path, "rb")  # noqa: SIM115  closed below
        except FileNotFoundError:
            return []
        with file:
            known = _go_on(file, _known.get(path))
        _known[path] = known
        _known.move_to_end(path)
        while len(_known) > _KEPT:
            _known.popitem(last=False)
        return list(known.rows)


def _go_on(file: BinaryIO, known: _Known | None) -> _Known:
    inode = os.fstat(file.fileno()).st_ino
    if known is None or known.file != inode or not _still_has(file, known):
        known = _Known(inode, 0, b"", [])
    file.seek(known.end)
    *lines, rest = file.read().split(b"\n")
    if not lines:
        return known
    rows = [*known.rows, *(json.loads(line.decode("utf-8", errors="replace")) for line in lines)]
    return _Known(inode, file.tell() - len(rest), lines[-1], rows)


def _still_has(file: BinaryIO, known: _Known) -> bool:
    file.seek(max(0, known.end - len(known.last) - 1))
    return file.read(len(known.last) + 1) == known.last + b"\n" * bool(known.end)


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
