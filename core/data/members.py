"""Files inside an archive, judged by their entries alone: names that mislead, sizes that cannot be true."""

from __future__ import annotations

import re

MAX_RATIO = 200  # to 1; X-rays shrink to a half or a tenth, a bomb up to a thousandth
SMALL = 2**20  # bytes; below, a file may shrink as it likes: an empty picture does


def is_folder(path: str) -> bool:
    """Whether the entry `path` is a folder's. zipfile's own question fails for the empty name that a damaged entry may have."""
    return path.endswith("/")


def is_hidden(path: str) -> bool:
    """Whether a system put it there: .DS_Store, __MACOSX/, Thumbs.db … ".." is not hidden: it is answered for."""
    parts = [part for part in re.split(r"[/\\]", path) if part not in ("", ".", "..")]
    return any(part.startswith(".") or part == "__MACOSX" for part in parts) or parts[-1:] in (["Thumbs.db"], ["desktop.ini"])


def leads_out(path: str) -> bool:
    """Whether a member called `path` would lie outside the folder that it is unpacked to."""
    return path.startswith(("/", "\\")) or bool(re.match(r"[A-Za-z]:", path)) or ".." in re.split(r"[/\\]", path)


def printable(name: str) -> str:
    """`name` for a line of text: what cannot be printed as "?", the end of a long one."""
    shown = "".join(char if char.isprintable() else "?" for char in name)
    return shown if len(shown) <= 200 else f"…{shown[-199:]}"
