"""Image files below a folder: quick for a hundred thousand of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from core.data.images import READABLE

NOT_CLASSES = frozenset(("masks", "mask", "__macosx"))
"""Folders that stand beside images in known sets and hold none: learning from masks has happened."""


def scan(folder: Path) -> list[str]:
    """Image files below `folder`, relative, with /, sorted. Hidden files and folders are passed over, links to folders not followed."""
    return sorted(_below(str(folder), ""))


def _below(folder: str, prefix: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _below(entry.path, f"{prefix}{entry.name}/")
            elif entry.name.lower().endswith(READABLE) and entry.is_file():
                yield prefix + entry.name


def beside_images(path: str) -> bool:
    """Whether `path` lies in a folder that stands beside images and holds none."""
    return any(part.lower() in NOT_CLASSES for part in path.split("/")[:-1])
