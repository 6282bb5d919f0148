"""Values of a recipe's fields as people write them, on the command line and in forms."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from core.errors import InvalidSpec

MOST_SEEDS = 10_000  # of one range


def value(text: str) -> Any:
    """JSON, or else the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def values(text: str) -> tuple[Any, ...]:
    """ "0.1, 0.01" → (0.1, 0.01); "sgd,adam" → ("sgd", "adam"). Commas within JSON lists and objects divide nothing."""
    try:
        return tuple(json.loads(f"[{text}]"))
    except ValueError:
        return tuple(value(part.strip()) for part in text.split(",") if part.strip())


def assignments(texts: Iterable[str]) -> dict[str, Any]:
    """["head.hidden=256"] → {"head.hidden": 256}; a value that is no JSON is a text.

    Raises:
        InvalidSpec: a text without a field's name or an equals sign.
    """
    found = {}
    for text in texts:
        name, equals, assigned = text.partition("=")
        if not name.strip() or not equals:
            raise InvalidSpec("A field is set as FIELD=VALUE.", repr(text), "Write for example optimiser.weight_decay=0.01.")
        found[name.strip()] = value(assigned.strip())
    return found


def seeds(text: str) -> tuple[int, ...]:
    """ "0-4" → (0, 1, 2, 3, 4); "0,3,7" → (0, 3, 7); also both together.

    Raises:
        InvalidSpec: something else, or a range of more than `MOST_SEEDS`.
    """
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()) or int(last or first) < int(first):
            raise InvalidSpec("Seeds are whole numbers from 0 on.", repr(text), "Write them as 0-4 or 0,3,7.")
        if int(last or first) - int(first) >= MOST_SEEDS:
            raise InvalidSpec(f"A range has at most {MOST_SEEDS:,} seeds.", repr(part), "Give a shorter range.")
        found += range(int(first), int(last or first) + 1)
    return tuple(dict.fromkeys(found))
