"""A packed data set → a folder of images of its own, whole or not at all: ZIP archives of any layout, and the files of MedMNIST.

Beside the folder stands `origin.json`: what it came from, so that the same file is known again, and what of it was left out.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import uuid
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from core.data import archives
from core.data.cache import FULL
from core.data.layouts import medmnist
from core.data.layouts.files import scan
from core.data.threads import Progress
from core.errors import UnusableData
from core.files import write_json


@dataclass(frozen=True)
class Origin:
    """sha256: of the packed file. left_out: names and reasons; notes: for people."""

    sha256: str
    left_out: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


def name_of(packed: Path | bytes | BinaryIO) -> str:
    """The file's own name, without folders and suffix."""
    return Path(packed if isinstance(packed, Path) else str(getattr(packed, "name", "uploaded"))).stem


def sha256_of(packed: Path | bytes | BinaryIO) -> str:
    """The hash of the packed file's content.

    Raises:
        UnusableData: it cannot be read.
    """
    try:
        if isinstance(packed, Path):
            with packed.open("rb") as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise UnusableData("A data set is a folder, a CSV, a ZIP or an .npz.", f"{packed} ({error.strerror})", "Check the path.") from error
    if isinstance(packed, bytes):
        return hashlib.sha256(packed).hexdigest()
    packed.seek(0)
    return hashlib.file_digest(packed, "sha256").hexdigest()


def origin_of(folder: Path) -> Origin | None:
    """What `folder` was written from; None where it was not, or not to its end."""
    record = _record(folder)
    if not (folder.is_dir() and record.is_file()):
        return None
    values = json.loads(record.read_text(encoding="utf-8"))
    return Origin(values["sha256"], tuple((name, reason) for name, reason in values["left_out"]), tuple(values["notes"]))


def write(packed: Path | bytes | BinaryIO, sha256: str, folder: Path, progress: Progress | None = None) -> Origin:
    """Unpack to `folder`, which is replaced where it stands there. `progress` counts files or images; it may raise to stop.

    Raises:
        UnusableData: see `archives.unpack` and `medmnist.write`.
    """
    work = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}.tmp")
    work.mkdir(parents=True)
    try:
        ready, origin = work / "images", Origin(sha256)
        if _is_medmnist(packed):
            origin = Origin(sha256, (), medmnist.write(packed, name_of(packed), ready, progress))
        else:
            origin = Origin(sha256, archives.unpack(packed, ready, progress).left_out)
            if not scan(ready) and len(inner := sorted(ready.rglob("*.npz"))) == 1:
                origin = Origin(sha256, origin.left_out, medmnist.write(inner[0], inner[0].stem, work / "drawn", progress))
                ready = work / "drawn"
        shutil.rmtree(folder, ignore_errors=True)
        ready.rename(folder)
        write_json(_record(folder), asdict(origin))
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise archives.no_room(folder) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return origin


def _is_medmnist(packed: Path | bytes | BinaryIO) -> bool:
    try:
        with zipfile.ZipFile(io.BytesIO(packed) if isinstance(packed, bytes) else packed) as archive:
            return "train_images.npy" in archive.NameToInfo
    except Exception:  # a damaged list leads zipfile to many errors; what is wrong is said where it is unpacked
        return False


def _record(folder: Path) -> Path:
    return folder.with_name("origin.json")
