"""What must hold before somebody brings a data set in, and whom it belongs to then."""

from __future__ import annotations

import io
from pathlib import Path
from typing import BinaryIO

from core import access, owners, settings
from core.errors import BeyondLimit

MEGABYTE = 2**20  # bytes, as browsers and Streamlit count


def require_import(source: Path | bytes | BinaryIO, name: str = "the upload") -> None:
    """`source`: a file or folder of this machine, or an upload called `name`.

    Raises:
        NotAllowed: whoever acts may not bring a set in, or not name that file or folder.
        BeyondLimit: the upload is too large, or that person's storage is used up.
    """
    access.require("import")
    if isinstance(source, Path):
        require_place(source)
        owners.require_storage()
        return
    size = len(source) if isinstance(source, bytes) else source.seek(0, io.SEEK_END)
    require_size(size, name)
    owners.require_storage(size)


def require_place(path: Path) -> None:
    """For a file or folder that somebody names; what the app itself keeps of data sets may be named by everybody who may import.

    Raises:
        NotAllowed: see `access.require_folder`.
    """
    from core.data import sources

    datasets = settings.artifacts_dir() / "datasets"
    own = [datasets, *(place.resolve() for name in sources.names() if (place := sources.fetched(name)))]
    resolved = path.expanduser().resolve()
    if not any(resolved == place or place in resolved.parents for place in own):
        access.require_folder(path)


def require_size(size: int, name: str) -> None:
    """For one uploaded file of `size` bytes.

    Raises:
        BeyondLimit: it is larger than the settings allow.
    """
    most = settings.current().upload_mb
    if size > most * MEGABYTE:
        way_out = "Upload it in parts, or let an administrator set upload_mb."
        raise BeyondLimit(f"An uploaded file holds at most {most:,} MB.", f"{name} of {size / MEGABYTE:,.1f} MB", way_out)
