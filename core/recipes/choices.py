"""What may be chosen for a field of a recipe, as its spec says: for forms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from core.recipes.recipe import Recipe


@dataclass(frozen=True)
class Choice:
    """`kind`: bool, int, float or str. `low`, `high`: of a number, of the kind, None where there is no end; an end itself may be refused.

    `options`: of a field that takes one of a few names.
    """

    kind: type
    low: float | None = None
    high: float | None = None
    options: tuple[str, ...] = ()


def of(field: str) -> Choice:
    """`field`: dotted, one that takes a single name, number or truth value.

    Raises:
        KeyError: no such field.
        TypeError: it takes something else.
    """
    *parents, last = field.split(".")
    spec: Any = Recipe
    for parent in parents:
        spec = spec.model_fields[parent].annotation
    found = spec.model_fields[last]
    if get_origin(found.annotation) is Literal:
        return Choice(str, options=get_args(found.annotation))
    if found.annotation not in (bool, int, float, str):
        raise TypeError(f"{field} takes a {found.annotation}, not a single value")
    return Choice(found.annotation, _end(found, "ge", "gt"), _end(found, "le", "lt"))


def _end(found: Any, *names: str) -> float | None:
    ends = [getattr(limit, name) for limit in found.metadata for name in names if hasattr(limit, name)]
    return found.annotation(ends[0]) if ends else None
