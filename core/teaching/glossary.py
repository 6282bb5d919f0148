"""Every term that teaching mode explains, by its name."""

from __future__ import annotations

from core.errors import UnknownName
from core.teaching import terms_data, terms_heat, terms_results, terms_training
from core.teaching.entry import Term

AREAS: dict[str, tuple[Term, ...]] = {
    "Data": terms_data.ENTRIES,
    "Training": terms_training.ENTRIES,
    "Results": terms_results.ENTRIES,
    "Answers and heat maps": terms_heat.ENTRIES,
}
_BY_NAME = {term.name: term for terms in AREAS.values() for term in terms}


def names() -> tuple[str, ...]:
    """Of all terms, area by area."""
    return tuple(_BY_NAME)


def get(name: str) -> Term:
    """The term called `name`.

    Raises:
        UnknownName: there is none; the nearest are suggested.
    """
    if name not in _BY_NAME:
        raise UnknownName.among("term", name, _BY_NAME)
    return _BY_NAME[name]
