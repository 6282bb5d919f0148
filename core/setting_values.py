"""How values of settings are read, from texts of the environment and from a TOML file alike. ValueError says what was received."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

Reader = Callable[[Any], Any]

_DEVICE = re.compile(r"cpu|mps|cuda(:\d{1,3})?")
_EMAIL = re.compile(r"[^@\s,]+@[^@\s,]+")


def shown(value: Any) -> str:
    """A value for people."""
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return str(value).lower() if isinstance(value, bool) else str(value)


def folder(given: Any) -> Path:
    """A folder, which may be still to be made; a file is refused."""
    if not isinstance(given, str) or not given.strip():
        raise ValueError(repr(given))
    path = Path(given).expanduser().resolve()
    if path.exists() and not path.is_dir():
        raise ValueError(f"{path}, which is a file")
    return path


def folders(given: Any) -> tuple[Path, ...]:
    return tuple(folder(each) for each in _listed(given))


def whole(low: int, high: int) -> Reader:
    def read(given: Any) -> int:
        if isinstance(given, bool | float) or not re.fullmatch(r"[+-]?\d{1,18}", str(given)) or not low <= int(given) <= high:
            raise ValueError(repr(given))
        return int(given)

    return read


def number(low: float) -> Reader:
    def read(given: Any) -> float:
        try:
            found = float("nan") if isinstance(given, bool) else float(given)
        except (TypeError, ValueError):
            raise ValueError(repr(given)) from None
        if not low <= found < float("inf"):  # NaN fails as well
            raise ValueError(repr(given))
        return found

    return read


def one_of(*choices: str) -> Reader:
    def read(given: Any) -> str:
        if given not in choices:
            raise ValueError(repr(given))
        return given

    return read


def flag(given: Any) -> bool:
    known = {True: True, False: False, "true": True, "false": False}
    if not isinstance(given, bool | str) or given not in known:
        raise ValueError(repr(given))
    return known[given]


def devices(given: Any) -> tuple[str, ...]:
    """ "auto", or names of devices, each once."""
    found = _listed(given)
    if found != ("auto",) and (not found or len(set(found)) < len(found) or not all(map(_DEVICE.fullmatch, found))):
        raise ValueError(repr(given))
    return found


def emails(given: Any) -> tuple[str, ...]:
    """In small letters, as they are compared."""
    found = _listed(given)
    wrong = [each for each in found if not _EMAIL.fullmatch(each)]
    if wrong:
        raise ValueError(", ".join(map(repr, wrong)))
    return tuple(each.lower() for each in found)


def _listed(given: Any) -> tuple[str, ...]:
    """A list of a file, or a text with commas."""
    parts = given.split(",") if isinstance(given, str) else given
    if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
        raise ValueError(repr(given))
    return tuple(part.strip() for part in parts if part.strip())
