"""A source's name → a folder or file on this machine, ready for the import."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from core import access, owners
from core.data.sources import arranging, composed, kaggle, transfer
from core.data.sources.catalogue import SOURCES, source
from core.data.sources.spec import Archive, Composed, Drawn, Kaggle, MedMnist, Source
from core.data.sources.transfer import DownloadFailed, Progress
from core.errors import UnusableData
from core.files import write_json
from core.settings import artifacts_dir

if TYPE_CHECKING:
    from core.data.library import Dataset

WAIT = 0.5  # seconds between two looks whether another process is through


def fetch(name: str, progress: Progress | None = None) -> Path:
    """Fetch a source; what is here already is not fetched again. Two processes that fetch the same source take turns.

    Args:
        progress: called with (done, in all, or 0 where that is unknown): bytes, or images of a composed set. It may raise to stop; the
            next call goes on from there.

    Returns:
        The folder or file for `library.import_folder` and its kin: in `artifacts/downloads/<name>/`, or in the cache of kagglehub or
        medmnist.

    Raises:
        UnknownName: no such source.
        DownloadFailed: see `transfer.download`; the message names the address and the way by hand.
        UnusableData: a composed set whose parts are not imported.
        NotAllowed, BeyondLimit: whoever acts may not bring data sets in, or has no room left.
    """
    access.require("import")
    owners.require_storage()
    spec, folder = source(name), _home() / name
    with _turn(folder, progress):
        path = _fetch(spec, folder, progress)
        write_json(folder / "fetched.json", {"path": str(path)})
    return path


def fetched(name: str) -> Path | None:
    """Where a source was fetched to; None where it was not, or is gone."""
    try:
        path = Path(json.loads((_home() / name / "fetched.json").read_text(encoding="utf-8"))["path"])
    except (OSError, ValueError, KeyError):
        return None
    return path if path.exists() else None


def origin(record: Dataset) -> Source | None:
    """The source that an imported set came from, where it was fetched by this app."""
    return next((spec for spec in SOURCES if _came_from(record, spec)), None)


def _came_from(record: Dataset, spec: Source) -> bool:
    if isinstance(spec.way, Drawn):
        return record.synthetic and record.name == spec.name
    path = fetched(spec.name)
    if path is None or path.is_dir():
        return path is not None and path.resolve() == Path(record.root)
    return record.name == spec.name  # the import writes a file's images out, so that only the name is left to know it by


def _fetch(spec: Source, folder: Path, progress: Progress | None) -> Path:
    match spec.way:
        case Archive() as way:
            return _archive(way, folder, progress)
        case Kaggle() as way:
            return _kaggle(way, folder, progress)
        case MedMnist() as way:
            return _medmnist(way, folder, progress)
        case Composed() as way:
            return composed.build(way, folder / "data", progress)
        case Drawn():
            from core.data import library

            return Path(library.make_phantom(progress).root)


def _archive(way: Archive, folder: Path, progress: Progress | None) -> Path:
    from core.data import archives

    data = folder / "data"
    if not data.is_dir():
        manual = f"Or download it by hand from {way.url}, unpack it, and import the folder."
        packed = folder / "archive.zip"
        transfer.download(way.url, packed, progress, size=way.bytes, sha256=way.sha256, md5=way.md5, manual=manual)
        if not zipfile.is_zipfile(packed):
            packed.unlink()
            raise DownloadFailed("The address gives a ZIP archive.", f"{way.url}, which gave something else", manual)
        try:
            archives.unpack(packed, data, _unchanged(packed.stat().st_size, progress))
        except UnusableData as error:
            if not _is_damaged(packed):
                raise
            packed.unlink()
            received, way_out = f"{way.url}: {error.problems[0].received}", f"Try again: it starts anew. {manual}"
            raise DownloadFailed("An archive arrives undamaged.", received, way_out) from error
        packed.unlink()
    inner = data / way.inner
    if not inner.is_dir():
        raise DownloadFailed("The archive holds the folder that is imported.", f"{way.url} without {way.inner}", f"Look into {data}.")
    if not way.table:
        return inner
    return data if (data / "metadata.csv").is_file() else arranging.arrange(way.table, data, inner)


def _unchanged(size: int, progress: Progress | None) -> Progress | None:
    """Unpacking goes on under the last figure of the download: it can be stopped, and its files are not mistaken for bytes."""
    return progress and (lambda _done, _total: progress(size, size))


def _is_damaged(packed: Path) -> bool:
    try:
        with zipfile.ZipFile(packed) as archive:
            return archive.testzip() is not None
    except (zipfile.BadZipFile, zlib.error, EOFError):
        return True


def _kaggle(way: Kaggle, folder: Path, progress: Progress | None) -> Path:
    root = kaggle.download(way, progress)
    if not way.table:
        return root
    data = folder / "data"
    if not (data / "metadata.csv").is_file():  # the table is written last
        shutil.rmtree(data, ignore_errors=True)
        for file in arranging.files(way.table, root):
            composed.place(root / file, data / "images" / file)
        arranging.arrange(way.table, data, data / "images")
    return data


def _medmnist(way: MedMnist, folder: Path, progress: Progress | None) -> Path:
    from medmnist.info import DEFAULT_ROOT, INFO

    suffix = "" if way.pixels == 28 else f"_{way.pixels}"
    url, md5 = INFO[way.flag][f"url{suffix}"], INFO[way.flag][f"MD5{suffix}"]
    own = Path(DEFAULT_ROOT or "") / way.file
    if own.is_file():
        with own.open("rb") as file:
            if hashlib.file_digest(file, "md5").hexdigest() == md5:
                return own
    manual = f"Or download it by hand from {url}, and import the file."
    return transfer.download(url, folder / way.file, progress, md5=md5, manual=manual)


@contextmanager
def _turn(folder: Path, progress: Progress | None) -> Iterator[None]:
    """One process at a time; waiting can be stopped as fetching can."""
    from filelock import FileLock, Timeout

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise transfer.no_room(error, artifacts_dir(), "making the folder for downloads", "") from error
    lock = FileLock(folder / ".lock")
    while True:
        try:
            lock.acquire(timeout=WAIT)
            break
        except Timeout:
            if progress:
                progress(0, 0)
    try:
        yield
    finally:
        lock.release()


def _home() -> Path:
    return artifacts_dir() / "downloads"
