"""Uploaded files, single or in ZIP archives → one reading each. Nothing is decoded before it is asked for, and nothing is written.

Only the bytes of the files are held; an archive stays packed. This module knows files, not models or pages.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from core import access
from core.data import doors, images
from core.data.images import XRay
from core.data.members import MAX_RATIO, SMALL, is_folder, is_hidden, leads_out, printable
from core.errors import Problem, UnreadableImage

ACCEPTED = (*images.READABLE, ".zip")
"""Suffixes of files that can be unpacked here."""
MAX_FILES = 5_000  # in one archive; a data set of more is imported as a folder
MAX_UNPACKED = 2 * 2**30  # bytes, of all files of one archive
WAY_OUT = "Upload the images themselves, or pack them anew into a plain ZIP archive."
_CENTRAL = b"PK\1\2"  # starts an archive's entry for a file
_DOCUMENTS = frozenset(("[Content_Types].xml", "mimetype"))  # files by which office documents are known


@dataclass(frozen=True, eq=False)
class Upload:
    """One file that a person gave. Its image is decoded on each call, so that five hundred do not lie in memory at once."""

    name: str  # with the archive it came in: "set.zip/covid/1.png"; no two of one call to `unpack` are alike
    _content: Callable[[], bytes]  # raises UnreadableImage

    def read(self) -> XRay:
        """The image, whose name lacks the folders.

        Raises:
            UnreadableImage: the file is no image, or cannot be had.
        """
        return images.read(self._content(), self.name)

    def outcome(self) -> XRay | Problem:
        """The image, or why there is none: for callers that go on with the next file."""
        try:
            return self.read()
        except UnreadableImage as error:
            return error.problems[0]


def received(files: Iterable[tuple[str, bytes]]) -> list[Upload]:
    """`unpack` for files that came over the network.

    Raises:
        NotAllowed: whoever acts may not ask networks.
        BeyondLimit: a file is larger than the settings allow.
    """
    access.require("predict")
    files = list(files)
    for name, data in files:
        doors.require_size(len(data), printable(name))
    return unpack(files)


def unpack(files: Iterable[tuple[str, bytes]]) -> list[Upload]:
    """An Upload for every file, in the order given; for a ZIP archive one for each file in it, or one that says why it is not opened.

    Folders, hidden files and what macOS and Windows add are passed over; all else is answered for, be it an image or not.
    """
    taken: set[str] = set()
    return [Upload(_unused(name, taken), content) for name, content in _flat(files)]


def of_paths(paths: Iterable[Path]) -> Iterator[Upload]:
    """An Upload for every file, called by its path, and for every file in a ZIP archive; read when it is asked for.

    A file that cannot be read is answered for as any other.
    """
    for path in paths:
        if path.suffix.lower() != ".zip":
            yield Upload(str(path), partial(images.content, path, path.name))
            continue
        try:
            yield from unpack([(path.name, images.content(path, path.name))])
        except UnreadableImage as error:
            yield Upload(str(path), partial(_refuse, error.problems[0]))


def _flat(files: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, Callable[[], bytes]]]:
    for raw, data in files:
        name = printable(re.split(r"[/\\]", raw)[-1]) or "a file without a name"
        if images.kind_of(data, name) != images.ZIP:
            yield name, partial(bytes, data)
            continue
        try:
            archive, members = _opened(data, name)
        except UnreadableImage as error:
            yield name, partial(_refuse, error.problems[0])
            continue
        yield from ((f"{name}/{printable(member.filename)}", partial(_member, archive, member)) for member in members)


def _opened(data: bytes, name: str) -> tuple[zipfile.ZipFile, list[zipfile.ZipInfo]]:
    """An archive and those of its members that are to be answered for. Refuses what is none, and what is too much."""
    if data.count(_CENTRAL) > MAX_FILES:  # before the list is read: it could take minutes, and gigabytes
        raise _refusal(f"A ZIP archive holds at most {MAX_FILES:,} files.", name, "which holds more", "Import it as a folder.")
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except Exception as error:  # a damaged list leads zipfile to many errors: BadZipFile, struct.error, UnicodeDecodeError …
        raise _refusal("A ZIP archive must be complete.", name, "which is damaged or cut short", WAY_OUT) from error
    members = [member for member in archive.infolist() if not is_folder(member.filename) and not is_hidden(member.filename)]
    if any(member.filename in _DOCUMENTS for member in members):
        raise _refusal("An archive holds images.", name, "which is an office document", "Save its pictures as files.")
    if not members:
        raise _refusal("A ZIP archive holds at least one image.", name, "which holds no files", WAY_OUT)
    unpacked = sum(member.file_size for member in members)
    if unpacked > MAX_UNPACKED:
        rule = f"The files of a ZIP archive hold at most {MAX_UNPACKED // 2**30} GiB together."
        raise _refusal(rule, name, f"whose files hold {unpacked / 2**30:,.1f} GiB", "Import it as a folder, or pack fewer images.")
    return archive, members


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """The content of one file of an archive. Refuses by its entry what must not be unpacked."""
    name = printable(member.filename)
    if leads_out(member.filename):
        raise _refusal("A file of an archive lies inside of it.", name, "which points elsewhere", WAY_OUT)
    if member.flag_bits & 1:
        raise _refusal("A ZIP archive has no password.", name, "which is encrypted", "Unpack it with its password first.")
    if name.lower().endswith(".zip"):
        raise _refusal("A ZIP archive holds images, no archives.", name, "an archive within an archive", "Unpack the outer one first.")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # others may ask for any amount of memory
        raise _refusal("Files of a ZIP archive are stored or deflated.", name, "which is packed in another way", WAY_OUT)
    if member.file_size > images.MAX_BYTES:
        rule = f"An image file holds at most {images.MAX_BYTES // 2**20} MiB."
        raise _refusal(rule, name, f"of {member.file_size / 2**20:,.0f} MiB", "Export the image at a smaller size.")
    if member.file_size > max(SMALL, MAX_RATIO * member.compress_size):
        rule = f"A file of an archive unpacks to at most {MAX_RATIO} times its packed size."
        raise _refusal(rule, name, f"which claims {member.file_size / max(1, member.compress_size):,.0f} times", WAY_OUT)
    try:
        return archive.read(member)  # no more than file_size, and its checksum is checked
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError) as error:
        raise _refusal("A file of an archive must unpack completely.", name, "which is damaged", WAY_OUT) from error


def _refuse(problem: Problem) -> bytes:
    raise UnreadableImage.of([problem])


def _refusal(rule: str, name: str, seems: str, way_out: str) -> UnreadableImage:
    return UnreadableImage(rule, f"{name}, {seems}", way_out)


def _unused(name: str, taken: set[str]) -> str:
    """`name`, numbered before its suffix where it is taken; it is taken then."""
    stem, dot, suffix = name.rpartition(".") if "." in name.rpartition("/")[2] else (name, "", "")
    choice, number = name, 1
    while choice in taken:
        number += 1
        choice = f"{stem} ({number}){dot}{suffix}"
    taken.add(choice)
    return choice
