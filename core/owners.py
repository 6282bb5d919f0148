"""Who started a run or brought a data set in, and who may see it: `owner.json` in its folder. Without that file it is the machine's own,
and everybody sees it.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from core import access, settings
from core.errors import BeyondLimit, NotAllowed
from core.files import write_json

Visibility = Literal["shared", "private"]
FILE = "owner.json"
HOMES = ("runs", "datasets")
"""Folders of the artifacts whose folders have owners."""


@dataclass(frozen=True)
class Owner:
    """name: as of `access.Person`, empty for the machine itself. A private thing is seen by its owner and administrators alone."""

    name: str = ""
    visibility: Visibility = "shared"

    def seen_by(self, who: access.Person) -> bool:
        return who.may("manage") or (who.may("browse") and (self.visibility == "shared" or self.is_of(who)))

    def changed_by(self, who: access.Person) -> bool:
        return who.may("manage") or (who.may("train") and self.is_of(who))

    def is_of(self, who: access.Person) -> bool:
        return bool(self.name) and self.name == who.name


NOBODY_KNOWN = Owner("", "private")
"""Of a folder whose file cannot be read: it is kept from all but administrators."""


def of(folder: Path) -> Owner:
    """Whose `folder` is."""
    try:
        values = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Owner()
    except (OSError, ValueError):
        return NOBODY_KNOWN
    known = isinstance(values, dict) and isinstance(values.get("name"), str) and values.get("visibility") in ("shared", "private")
    return Owner(values["name"], values["visibility"]) if known else NOBODY_KNOWN


def claim(folder: Path, visibility: Visibility | None = None) -> None:
    """Make `folder` belong to whoever acts; nothing is written for the machine itself. None: as the settings have it."""
    who = access.person()
    if who.name:
        write_json(folder / FILE, asdict(Owner(who.name, visibility or settings.current().visibility)))


def show_to(folder: Path, visibility: Visibility) -> None:
    """Share `folder`, or make it private.

    Raises:
        NotAllowed: it belongs to somebody else.
    """
    require_own(folder)
    write_json(folder / FILE, asdict(Owner(of(folder).name, visibility)))


def require_own(folder: Path) -> None:
    """For functions that change or remove what somebody has started: the owner may, and administrators.

    Raises:
        NotAllowed: it belongs to somebody else.
    """
    who = access.person()
    if not of(folder).changed_by(who):
        rule = "What somebody has started is changed by that person, or by an administrator."
        raise NotAllowed(rule, f"{folder.name}, which is not of {access.described(who)}", "Ask its owner, or an administrator.")


def require_storage(more: int = 0) -> None:
    """Before something is stored: whoever acts has room left for `more` bytes. The machine itself has no limit.

    Raises:
        BeyondLimit: what is there, and `more`, is over `storage_gb`.
    """
    who, most = access.person(), settings.current().storage_gb
    if not who.name:
        return
    used = used_by(who.name)
    if used + more >= most * 1e9:
        received = f"{used / 1e9:.2f} GB of {who.name}" + (f" and {more / 1e9:.2f} GB more" if more else "")
        raise BeyondLimit(f"One person's runs and data sets hold less than {most:g} GB.", received, "Remove some of them first.")


def used_by(name: str) -> int:
    """Bytes of the runs and data sets of `name`."""
    homes = [settings.artifacts_dir() / home for home in HOMES]
    return sum(_size(folder) for home in homes if home.is_dir() for folder in home.iterdir() if of(folder).name == name)


def _size(folder: Path) -> int:
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):  # temporary files come and go
                total += os.lstat(f"{place}/{name}").st_size
    return total
