"""A run's checkpoints: the two newest, each under a name that says where in the training it stands and proves that it is whole.

`epoch-0003-step-000012-<16 digits>.pt` holds all that going on needs after 3 epochs and 12 steps of the fourth; the digits begin the
SHA-256 of its content. Older versions wrote one `state.pt`; it is read as the oldest, on trust.
"""

from __future__ import annotations

import hashlib
import os
import re
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from core.errors import UnusableRun

if TYPE_CHECKING:
    from collections.abc import Sequence

KEPT = 2
_NAME = re.compile(r"epoch-(\d+)-step-(\d+)-([0-9a-f]{16})\.pt")
_OLDER_VERSION = "state.pt"


@dataclass(frozen=True)
class Checkpoint:
    """One stored position: `epoch` epochs were completed, and `step` steps of the next. `digits` is empty in older versions' files."""

    path: Path
    epoch: int = -1
    step: int = -1
    digits: str = ""

    @property
    def position(self) -> tuple[int, int]:
        return self.epoch, self.step

    @property
    def ends_epoch(self) -> bool:
        """Whether it was stored at an epoch's end, as all of older versions were."""
        return self.step <= 0

    def read(self) -> dict[str, Any]:
        """What was stored, tensors on the CPU.

        Raises:
            UnusableRun: the file is damaged.
        """
        import torch

        try:
            if self.digits and _digits(self.path) != self.digits:
                raise ValueError("its content is not what its name says")
            return torch.load(self.path, map_location="cpu", weights_only=True)
        except Exception as error:  # a damaged pickle fails in any way
            received = f"{self.path.name}, which is damaged ({error})"
            raise UnusableRun("A checkpoint holds what was written.", received, "The one before it serves, where there is one.") from error


def found(folder: Path) -> list[Checkpoint]:
    """Those in `folder`, the newest first, unread."""
    named = [(path, _NAME.fullmatch(path.name)) for path in folder.glob("*.pt")]
    checkpoints = [Checkpoint(path, int(name[1]), int(name[2]), name[3]) for path, name in named if name]
    checkpoints += [Checkpoint(path) for path, _ in named if path.name == _OLDER_VERSION]
    return sorted(checkpoints, key=lambda checkpoint: checkpoint.position, reverse=True)


def write(folder: Path, state: dict[str, Any], epoch: int, step: int) -> None:
    """Store `state`, on the disk when this returns; the one before it stays as well, others go.

    Only the trainer that holds the run may call this: files that a killed one left half written are removed.
    """
    import torch

    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{uuid.uuid4().hex[:8]}.tmp"
    try:
        with open(temporary, "wb") as file:
            hashed = _Hashed(file)
            torch.save(state, hashed)
            file.flush()
            os.fsync(file.fileno())
        written = Checkpoint(folder / f"epoch-{epoch:04}-step-{step:06}-{hashed.digits}.pt", epoch, step, hashed.digits)
        temporary.replace(written.path)
    finally:
        temporary.unlink(missing_ok=True)
    _remove(folder, _not_kept(found(folder), written))


def _not_kept(checkpoints: Sequence[Checkpoint], written: Checkpoint) -> list[Checkpoint]:
    """All but `written` and the one before it. What stands after it is of a training that was given up."""
    before = [other for other in checkpoints if other.position < written.position][: KEPT - 1]
    return [other for other in checkpoints if other != written and other not in before]


def _remove(folder: Path, checkpoints: Sequence[Checkpoint]) -> None:
    for path in (*(checkpoint.path for checkpoint in checkpoints), *folder.glob(".*.tmp")):
        path.unlink(missing_ok=True)


def _digits(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


class _Hashed:
    """A file that is hashed while it is written: reading it again would take as long as writing it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._hash = file, hashlib.sha256()

    def write(self, data: bytes | memoryview) -> int:
        self._hash.update(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()

    @property
    def digits(self) -> str:
        return self._hash.hexdigest()[:16]
