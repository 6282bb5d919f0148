"""ZIP archives → folders on the disk, all of it or nothing. What is dangerous is refused by name before a byte is written.

Only what an import can use is written: images, tables, MedMNIST files. This module knows files, not data sets or labels.
"""

from __future__ import annotations

import io
import re
import shutil
import stat
import unicodedata
import uuid
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from core import owners, wording
from core.data.cache import FULL
from core.data.images import MAX_BYTES, READABLE
from core.data.members import MAX_RATIO, SMALL, is_folder, is_hidden, leads_out, printable
from core.data.threads import Progress
from core.errors import Problem, UnusableData
from core.settings import artifacts_dir

USED = (*READABLE, ".csv", ".xlsx", ".npz")
"""Suffixes of files that are unpacked."""
_ARCHIVES = (".zip", ".7z", ".rar", ".tar", ".tgz", ".tar.gz")
MAX_FILES = 300_000
MAX_UNPACKED = 64 * 2**30  # bytes, of all files; the largest public set has 45 GB
MAX_LIST = 32 * 2**20  # bytes of the list of files, which zipfile reads whole; about 300,000 files
MAX_SHOWN = 10  # problems that a message names
_TAIL = 2**16 + 22 + 76  # bytes in which an archive ends: the record, its comment, and the two of a large archive before it


@dataclass(frozen=True)
class Unpacked:
    """What became of an archive: number of files written, and name and reason of each that was left out."""

    files: int
    left_out: tuple[tuple[str, str], ...]


def unpack(archive: Path | bytes | BinaryIO, folder: Path, progress: Progress | None = None) -> Unpacked:
    """Write the images and tables of a ZIP `archive` to `folder`, which must not exist. `progress` counts files, and may stop it.

    Files of other kinds, archives, links, and files whose names hold control characters or markup are left out and named; what systems add
    is passed over.

    Raises:
        UnusableData: no archive; damaged, encrypted or too large; paths that lead out or differ in case only in it; no room on the disk.
            All that is wrong is named, and nothing is left of it on the disk.
        BeyondLimit: whoever acts has no room left for it.
    """
    name = printable(archive.name if isinstance(archive, Path) else str(getattr(archive, "name", "the archive")))
    with _opened(archive, name) as (opened, packed):
        members, left_out = _chosen(opened.infolist(), name, packed)
        temporary = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}.tmp")
        needed = sum(member.file_size for member in members)
        owners.require_storage(needed)
        folder.parent.mkdir(parents=True, exist_ok=True)
        if needed > shutil.disk_usage(folder.parent).free:
            raise no_room(folder, needed)
        try:
            for done, member in enumerate(members, 1):
                _write(opened, member, temporary)
                if progress:
                    progress(done, len(members))
            temporary.rename(folder)
        except OSError as error:
            if error.errno in FULL:
                raise no_room(folder) from error
            raise UnusableData("An archive is unpacked to a new folder.", f"{folder}: {error}", "Choose another place or name.") from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return Unpacked(len(members), left_out)


@contextmanager
def _opened(archive: Path | bytes | BinaryIO, name: str) -> Iterator[tuple[zipfile.ZipFile, int]]:
    """The archive and its length in bytes."""
    try:
        stream = archive.open("rb") if isinstance(archive, Path) else io.BytesIO(archive) if isinstance(archive, bytes) else archive
    except OSError as error:
        raise UnusableData("An archive is a file.", f"{name} ({error.strerror})", "Check the path.") from error
    try:
        packed = stream.seek(0, io.SEEK_END)
        if _list_bytes(stream, packed) > MAX_LIST:
            raise _refusal(f"A ZIP archive holds at most {MAX_FILES:,} files.", name, "which holds more")
        try:
            opened = zipfile.ZipFile(stream)
        except Exception as error:  # a damaged list leads zipfile to many errors: BadZipFile, struct.error, UnicodeDecodeError …
            raise _refusal("A ZIP archive must be complete.", name, "which is none, damaged or cut short") from error
        with opened:
            yield opened, packed
    finally:
        if isinstance(archive, Path):
            stream.close()


def _list_bytes(stream: BinaryIO, packed: int) -> int:
    """How long the list of files is said to be: zipfile would read so much into memory."""
    stream.seek(max(0, packed - _TAIL))
    tail = stream.read()
    large, plain = tail.rfind(b"PK\6\6"), tail.rfind(b"PK\5\6")
    if large >= 0:
        return int.from_bytes(tail[large + 40 : large + 48], "little")
    return int.from_bytes(tail[plain + 12 : plain + 16], "little") if plain >= 0 else 0


def _chosen(members: list[zipfile.ZipInfo], name: str, packed: int) -> tuple[list[zipfile.ZipInfo], tuple[tuple[str, str], ...]]:
    """Members to be written, and those left out with the reason. Refuses the whole archive for what is dangerous in it."""
    members = [member for member in members if not is_folder(member.filename)]
    unpacked = sum(member.file_size for member in members)
    if len(members) > MAX_FILES:
        raise _refusal(f"A ZIP archive holds at most {MAX_FILES:,} files.", name, f"which holds {len(members):,}")
    if unpacked > MAX_UNPACKED:
        rule = f"The files of a ZIP archive hold at most {MAX_UNPACKED // 2**30} GiB together."
        raise _refusal(rule, name, f"whose files hold {unpacked / 2**30:,.1f} GiB")
    if unpacked > max(SMALL, MAX_RATIO * packed):
        rule = f"An archive unpacks to at most {MAX_RATIO} times its size."
        raise _refusal(rule, name, f"which claims {unpacked / max(1, packed):,.0f} times")
    problems = [problem for member in members if (problem := _danger(member))] + _collisions(members)
    if problems:
        raise UnusableData.of([*problems[:MAX_SHOWN], *_others(problems[MAX_SHOWN:])])
    visible = [member for member in members if not is_hidden(member.filename)]
    reasons = [_useless(member) for member in visible]
    kept = [member for member, reason in zip(visible, reasons, strict=True) if not reason]
    if not kept:
        raise _refusal("A ZIP archive holds at least one image.", name, "which holds none")
    return kept, tuple((printable(member.filename), reason) for member, reason in zip(visible, reasons, strict=True) if reason)


def _danger(member: zipfile.ZipInfo) -> Problem | None:
    """Why the archive with this member must not be unpacked."""
    limit = MAX_UNPACKED if member.filename.lower().endswith(".npz") else MAX_BYTES
    rules = (
        (leads_out(member.filename), "A file of an archive lies inside of it.", "which points elsewhere"),
        (bool(member.flag_bits & 1), "A ZIP archive has no password.", "which is encrypted"),
        (
            member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED),  # others may ask for any amount of memory
            "Files of a ZIP archive are stored or deflated.",
            "which is packed in another way",
        ),
        (
            member.file_size > limit,
            f"A file of an archive holds at most {limit // 2**20:,} MiB.",
            f"of {member.file_size / 2**20:,.0f} MiB",
        ),
        (
            member.file_size > max(SMALL, MAX_RATIO * member.compress_size),
            f"A file of an archive unpacks to at most {MAX_RATIO} times its packed size.",
            f"which claims {member.file_size / max(1, member.compress_size):,.0f} times",
        ),
    )
    return next((_problem(rule, printable(member.filename), seems) for broken, rule, seems in rules if broken), None)


def _collisions(members: list[zipfile.ZipInfo]) -> list[Problem]:
    """Members that some disks would write to one file."""
    names = [unicodedata.normalize("NFC", member.filename.replace("\\", "/")).casefold() for member in members]
    counts = Counter(names)
    rule, seems = "The names of an archive's files differ in more than capital letters.", "which stands there more than once"
    return [_problem(rule, printable(member.filename), seems) for member, name in zip(members, names, strict=True) if counts[name] > 1]


def _useless(member: zipfile.ZipInfo) -> str:
    """Why a harmless member is not written, or nothing."""
    if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
        return "is a link or a device"
    if member.filename.lower().endswith(_ARCHIVES):
        return "is an archive within the archive: unpack the outer one first"
    if not member.filename.isprintable() or any(char in member.filename for char in "<>"):
        return "its name holds control characters or markup"
    if any(len(part.encode()) > 255 for part in re.split(r"[/\\]", member.filename)):
        return "its name is too long"
    return "" if member.filename.lower().endswith(USED) else "is neither an image nor a table"


def _write(archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> None:
    target = folder / member.filename.replace("\\", "/")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with archive.open(member) as source, open(target, "xb") as file:  # gives file_size bytes at most, and checks their checksum
            shutil.copyfileobj(source, file, 2**20)
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError) as error:
        raise _refusal("A file of an archive must unpack completely.", printable(member.filename), "which is damaged") from error


def _problem(rule: str, name: str, seems: str) -> Problem:
    return Problem(rule, f"{name}, {seems}", "Pack the images anew into a plain ZIP archive, or import them as a folder.")


def _refusal(rule: str, name: str, seems: str) -> UnusableData:
    return UnusableData.of([_problem(rule, name, seems)])


def _others(problems: list[Problem]) -> list[Problem]:
    return (
        [_problem("The same holds for all files of an archive.", f"{len(problems):,} more files", "each with such a fault")]
        if problems
        else []
    )


def no_room(folder: Path, needed: int | None = None) -> UnusableData:
    """The error for files of `needed` bytes in all that do not fit beside `folder`; None: the disk filled up on the way."""
    free = f"{wording.size(shutil.disk_usage(folder.parent).free)} free in {artifacts_dir()}"
    return UnusableData(
        "The files of an archive must fit on the disk.",
        f"{wording.size(needed)} for {free}" if needed else f"a disk that filled up; now {free}",
        "Free some room, or set CXRLAB_ARTIFACTS to a folder on a larger disk.",
    )
