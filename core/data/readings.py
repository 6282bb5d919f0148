"""Every image file of a folder read once: what it holds, or why it cannot be read. What was read is remembered, so that an import goes on.

`artifacts/datasets/.readings/<key>.jsonl` has a line a file that was read, known by its size and times; a line is lost at worst, and its
file read again. Beside it lie the prepared images of an import that was stopped. This module knows files, not labels.
"""

from __future__ import annotations

import hashlib
import io
import json
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock

import numpy as np
from filelock import FileLock, Timeout

from core.data import cache, images, signatures, threads
from core.data.preparation import Preparation
from core.data.threads import Progress
from core.errors import UnreadableImage
from core.files import replacing
from core.settings import artifacts_dir

_OFTEN = 2.0  # seconds between two notes of what was read: what is lost when the power goes
_DEPTHS = {"1": 1, "I": 32, "F": 32}  # bits, by Pillow's mode; the others have 8, or say it
_PNG_DEPTH = 24  # where a PNG file says it


@dataclass(frozen=True)
class Reading:
    """What one file holds; or `problem`, in full, and `reason`, the same without the file's name: to count by."""

    path: str
    sha256: str = ""  # of the file
    pixels: str = ""  # sha256 of the decoded greys
    mode: str = ""
    size: str = ""  # "width×height"
    depth: int = 0  # bits a channel, of the file
    problem: str = ""
    reason: str = ""
    is_final: bool = True  # False: the file may well be readable the next time


@dataclass(frozen=True)
class _Line:
    """A line of the journal. `stamp` says whether the file is as it was; `prepared` in which file its prepared image lies."""

    reading: Reading
    stamp: str
    prepared: str = ""

    def text(self) -> str:
        return json.dumps({**vars(self), "reading": vars(self.reading)}, ensure_ascii=False) + "\n"


@dataclass
class _Journal:
    """What was read in a folder, on the disk and in memory; filled by several threads."""

    path: Path
    lines: dict[str, _Line]
    found: dict[str, signatures.Signature] = field(default_factory=dict)
    _new: list[_Line] = field(default_factory=list)
    _written: float = field(default_factory=time.monotonic)
    _lock: Lock = field(default_factory=Lock)

    @classmethod
    def of(cls, path: Path) -> _Journal:
        lines = {}
        for text in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
            try:
                values = json.loads(text)
                line = _Line(Reading(**values["reading"]), values["stamp"], values["prepared"])
            except (ValueError, TypeError, KeyError):  # cut short when it was written
                continue
            lines[line.reading.path] = line
        return cls(path, lines)

    def sums(self, paths: list[str]) -> list[str]:
        """The sha256 of those of `paths` that could be read."""
        return [self.lines[path].reading.sha256 for path in paths if not self.lines[path].reading.problem]

    def is_prepared(self, path: str, file: Path) -> bool:
        """Whether the prepared image of `path` lies in `file`, or there is none."""
        line = self.lines[path]
        return bool(line.reading.problem) or (line.prepared == file.name and file.is_file())

    def add(self, line: _Line, signature: signatures.Signature | None, prepared: cache.Prepared | None) -> None:
        with self._lock:
            self._new.append(line)
            self.lines[line.reading.path] = line
            if signature:
                self.found[line.reading.sha256] = signature
            if time.monotonic() - self._written > _OFTEN:
                self.write(prepared)

    def write(self, prepared: cache.Prepared | None) -> None:
        """Append what is new; the images first, as a line vouches for its image."""
        if prepared:
            prepared.flush()
        with open(self.path, "a", encoding="utf-8") as file:
            file.writelines(line.text() for line in self._new)
        self._new.clear()
        self._written = time.monotonic()

    def rewrite(self, paths: list[str]) -> None:
        """Leave only the lines of `paths`, one a file; prepared images have left for the cache."""
        with replacing(self.path) as temporary, open(temporary, "w", encoding="utf-8") as file:
            lines = (self.lines[path] for path in paths if path in self.lines)
            file.writelines(_Line(line.reading, line.stamp).text() for line in lines)


def read_all(root: Path, paths: list[str], data: str, progress: Progress | None = None, also: Preparation | None = None) -> list[Reading]:
    """A Reading for each of `paths` below `root`, in order; only files that are new or changed since they were last read are read.

    Signatures are stored under the name `data`. With `also` the prepared images go to the cache, as `cache.decoded` would put them there.
    `progress` counts all files; what was read before it stopped the work is not read again.

    Raises:
        UnusableData: the disk has no room for the prepared images.
    """
    home = artifacts_dir() / "datasets" / ".readings"
    key = _hash(f"{images.READER_VERSION} {root}")
    with _alone(home / f"{key}.lock", len(paths), progress):
        journal = _Journal.of(home / f"{key}.jsonl")
        stamps = [_stamp(root / path) for path in paths]
        known = [path in journal.lines and journal.lines[path].stamp == stamp != "" for path, stamp in zip(paths, stamps, strict=True)]
        if also is None or (all(known) and cache.path_of(journal.sums(paths), also).is_file()):
            missing = [row for row, is_known in enumerate(known) if not is_known]
            _read_rows(root, paths, stamps, missing, data, journal, progress)
        else:
            file = home / f"{key}-{_hash(f'{also} {paths}')}.npy"
            missing = [row for row, is_known in enumerate(known) if not (is_known and journal.is_prepared(paths[row], file))]
            with cache.preparing(file, also, len(paths)) as prepared:
                _read_rows(root, paths, stamps, missing, data, journal, progress, prepared)
                journal.rewrite(paths)  # first, as lines that vouch for images would be wrong once these move
                prepared.keep([row for row, path in enumerate(paths) if not journal.lines[path].reading.problem])
                prepared.flush()
            target = cache.path_of(journal.sums(paths), also)
            target.parent.mkdir(parents=True, exist_ok=True)
            file.replace(target)
        if missing or len(journal.lines) > len(paths):
            journal.rewrite(paths)
        for left in home.glob(f"{key}-*.npy"):  # of imports that were stopped and then done in another way
            left.unlink()
        return [journal.lines[path].reading for path in paths]


def duplicates(readings: Iterable[Reading]) -> list[tuple[str, list[str]]]:
    """Groups of paths that show the same pixels, each with its kind: "same file", or "same pixels" where the files differ."""
    groups: dict[str, list[Reading]] = defaultdict(list)
    for reading in readings:
        groups[reading.pixels].append(reading)
    return [
        ("same file" if len({reading.sha256 for reading in group}) == 1 else "same pixels", [reading.path for reading in group])
        for group in groups.values()
        if len(group) > 1
    ]


def _read_rows(
    root: Path,
    paths: list[str],
    stamps: list[str],
    rows: list[int],
    data: str,
    journal: _Journal,
    progress: Progress | None,
    prepared: cache.Prepared | None = None,
) -> None:
    def read(row: int) -> None:
        reading, pixels = _read(root, paths[row])
        signature = None if pixels is None else signatures.of(pixels)
        if signature:
            reading = replace(reading, pixels=signature.pixels)
        if prepared and pixels is not None:
            prepared.put(row, pixels)
        in_file = Path(prepared.file.name).name if prepared else ""
        journal.add(_Line(reading, stamps[row] if reading.is_final else "", in_file), signature, prepared)

    def count(done: int, _total: int) -> None:
        if progress:
            progress(len(paths) - len(rows) + done, len(paths))

    if len(rows) < len(paths):
        count(0, len(rows))
    try:
        threads.each(read, rows, count)
    finally:
        journal.write(prepared)
        signatures.store(data, journal.found)


def _read(root: Path, path: str) -> tuple[Reading, np.ndarray | None]:
    """What the file holds, and its pixels where it has any."""
    file = root / path
    try:
        # A file that is too large is refused unread by the latter, which is slower.
        content = file.read_bytes() if file.stat().st_size <= images.MAX_BYTES else images.content(file, file.name)
        xray = images.read(content, file.name)
    except UnreadableImage as error:
        return Reading(path, problem=str(error), reason=error.problems[0].rule), None
    except OSError as error:
        return Reading(path, problem=f"cannot be read: {error.strerror}", reason=f"cannot be read: {error.strerror}", is_final=False), None
    height, width = xray.pixels.shape
    sha256 = hashlib.sha256(content).hexdigest()
    return Reading(path, sha256, mode=xray.mode, size=f"{width}×{height}", depth=_depth(content, xray)), xray.pixels


def _depth(content: bytes, xray: images.XRay) -> int:
    """Bits a channel of the file."""
    if xray.format == "PNG":
        return content[_PNG_DEPTH]
    if xray.format == "DICOM":
        from pydicom import dcmread

        return int(dcmread(io.BytesIO(content), force=True, stop_before_pixels=True, specific_tags=["BitsStored"]).BitsStored)
    return 16 if ";16" in xray.mode else _DEPTHS.get(xray.mode, 8)


@contextmanager
def _alone(lock: Path, total: int, progress: Progress | None) -> Iterator[None]:
    """Wait until no other process reads the same folder; `progress` may end the waiting."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    guard = FileLock(lock)
    while True:
        try:
            guard.acquire(timeout=1)
            break
        except Timeout:
            if progress:
                progress(0, total)
    try:
        yield
    finally:
        guard.release()


def _stamp(file: Path) -> str:
    """What changes whenever the file does; empty where it cannot be looked at."""
    try:
        stat = file.stat()
    except OSError:
        return ""
    return f"{stat.st_size} {stat.st_mtime_ns} {stat.st_ctime_ns}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]
