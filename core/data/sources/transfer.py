"""One file over HTTP, whole or not at all: it goes on where it stopped, is checked, and says how far it is. Knows nothing of data sets."""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from core import wording
from core.errors import CoreError

if TYPE_CHECKING:
    import requests

Progress = Callable[[int, int], None]
"""Called with (bytes done, bytes in all, or 0 where the server does not say); it may raise to stop the work, which goes on next time."""

CHUNK = 2**18  # bytes between two calls of the progress
ATTEMPTS = 5  # of a connection that breaks; each that brought something starts the count anew
PAUSE = 1.0  # seconds before a connection is taken up again
TIMEOUT = (15, 60)  # seconds to connect, and without a byte


class DownloadFailed(CoreError):
    """A file that could not be fetched, or is not what its publisher says."""


class _Broken(Exception):
    """The connection ended before the file did."""


def download(
    url: str, target: Path, progress: Progress | None = None, *, size: int | None = None, sha256: str = "", md5: str = "", manual: str = ""
) -> Path:
    """Fetch `url` to the file `target`; a file that is there already is taken as whole.

    What was fetched stays in `target.part` until it is whole, so that a later call goes on; a server that cannot go on starts anew.

    Args:
        size, sha256, md5: what the file must have, where that is published.
        manual: what a person can do instead; ends every message.

    Raises:
        DownloadFailed: no connection, no such file, not the published file, or no room; with the address, and `manual`.
    """
    if target.is_file():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    try:
        _fetch(url, part, progress, manual)
        _check(url, part, size, {"sha256": sha256, "md5": md5}, manual)
        part.replace(target)
    except OSError as error:  # those of the network are told of where they happen
        raise no_room(error, target.parent, f"fetching {url}", manual) from error
    _note(part).unlink(missing_ok=True)
    return target


def no_room(error: OSError, folder: Path, work: str, manual: str) -> DownloadFailed:
    """The error for a disk that is full, or cannot be written to."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        received = f"{wording.size(shutil.disk_usage(folder).free)} free in {folder}, {work}"
        way_out = f"Make room and try again; it goes on where it stopped. {manual}"
        return DownloadFailed("The disk must have room for what is fetched.", received, way_out.rstrip())
    received = f"{folder}, {work}: {error.strerror}"
    return DownloadFailed("The folder for downloads can be written to.", received, f"Check it. {manual}".rstrip())


def _fetch(url: str, part: Path, progress: Progress | None, manual: str) -> None:
    """Fill `part`; a connection that breaks is taken up again."""
    left, before = ATTEMPTS, -1
    while True:
        try:
            _session(url, part, progress, manual)
            return
        except _Broken as error:
            size = part.stat().st_size if part.is_file() else 0
            left = ATTEMPTS - 1 if size > before >= 0 else left - 1
            before = size
            if left <= 0:
                rule = "A download needs a connection that holds."
                way_out = f"Check the network and try again; it goes on where it stopped. {manual}".rstrip()
                raise DownloadFailed(rule, f"{url}: {error}", way_out) from error
            time.sleep(PAUSE)


def _session(url: str, part: Path, progress: Progress | None, manual: str) -> None:
    """One request: the whole file, or what `part` lacks of it."""
    import requests

    try:
        with requests.get(url, headers=_headers(part), stream=True, timeout=TIMEOUT) as response:
            if response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                if _total(response) == part.stat().st_size:
                    return
                part.unlink()  # longer than the file, which has changed: anew
                raise _Broken("the file has changed on the server")
            if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise _Broken(f"the server answers {response.status_code} {response.reason}")
            if not response.ok:
                received = f"{url}, and the server answers {response.status_code} {response.reason}"
                raise DownloadFailed("The file is where its publisher put it.", received, manual)
            _write(response, part, progress)
    except requests.RequestException as error:
        raise _Broken(_short(error)) from error


def _headers(part: Path) -> dict[str, str]:
    """Ask for the rest only where the server can tell that the file is still the same one."""
    headers = {"Accept-Encoding": "identity"}  # else the sizes would be those of something else
    if part.is_file() and (have := part.stat().st_size) and (mark := _mark_of(part)):
        headers |= {"Range": f"bytes={have}-", "If-Range": mark}
    return headers


def _write(response: requests.Response, part: Path, progress: Progress | None) -> None:
    go_on = response.status_code == HTTPStatus.PARTIAL_CONTENT
    done, total = part.stat().st_size if go_on else 0, _total(response)
    if total and shutil.disk_usage(part.parent).free < total - done:
        raise OSError(errno.ENOSPC, f"{wording.size(total)} are needed")
    if not go_on:
        etag = response.headers.get("ETag", "")
        mark = "" if etag.startswith("W/") else etag  # a weak one does not tell bytes apart
        _note(part).write_text(json.dumps({"mark": mark or response.headers.get("Last-Modified", "")}), encoding="utf-8")
    with part.open("ab" if go_on else "wb") as file:
        for chunk in response.iter_content(CHUNK):
            file.write(chunk)
            done += len(chunk)
            if progress:
                progress(done, total)
    if total and done < total:
        raise _Broken(f"it ended after {done:,} of {total:,} bytes")


def _total(response: requests.Response) -> int:
    """Bytes of the whole file; 0 where the server does not say."""
    if "Content-Range" in response.headers:
        whole = response.headers["Content-Range"].rpartition("/")[2]
        return int(whole) if whole.isdigit() else 0
    return int(response.headers.get("Content-Length", 0))


def _check(url: str, part: Path, size: int | None, hashes: dict[str, str], manual: str) -> None:
    """Refuse, and remove, what is not the published file."""
    found = part.stat().st_size
    problem = f"{found:,} bytes instead of {size:,}" if size is not None and found != size else ""
    for algorithm, wanted in hashes.items():
        if wanted and not problem:
            with part.open("rb") as file:
                digest = hashlib.file_digest(file, algorithm).hexdigest()
            problem = "" if digest == wanted.lower() else f"{algorithm} {digest} instead of {wanted}"
    if problem:
        part.unlink()
        _note(part).unlink(missing_ok=True)
        raise DownloadFailed(
            "What was fetched is what was published.", f"{url}: {problem}", f"Try again: it starts anew. {manual}".rstrip()
        )


def _note(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _mark_of(part: Path) -> str:
    try:
        return json.loads(_note(part).read_text(encoding="utf-8"))["mark"]
    except (OSError, ValueError, KeyError):
        return ""


def _short(error: Exception) -> str:
    """The inner reason of a network error: the outer ones repeat the address."""
    while error.args and isinstance(error.args[0], Exception):
        error = error.args[0]
    reason = getattr(error, "reason", None)
    text = str(reason if isinstance(reason, Exception) else error)
    return text.rpartition(": ")[2] or type(error).__name__
