"""What data sets call their classes, and what this field calls them. It knows names, not images."""

from __future__ import annotations

import re
from collections.abc import Iterable

from core.errors import InvalidSpec, Problem

COVID, NORMAL, OPACITY = "COVID-19", "Normal", "Lung Opacity"
PNEUMONIA, VIRAL, BACTERIAL = "Pneumonia", "Viral Pneumonia", "Bacterial Pneumonia"

SPELLINGS = {
    COVID: ("covid", "covid 19 positive", "covid like", "covid 19 pneumonia", "pneumonia covid 19", "sars cov 2", "corona", "coronavirus"),
    NORMAL: ("normals", "no finding", "no findings", "healthy"),
    PNEUMONIA: ("pneumonias", "other pneumonia", "non covid pneumonia"),
    VIRAL: ("pneumonia viral", "pneumonia virus", "virus", "viral"),
    BACTERIAL: ("pneumonia bacterial", "pneumonia bacteria", "bacteria", "bacterial"),
    OPACITY: ("opacity", "lung opacities", "non covid lung opacity"),
    "Tuberculosis": ("tb", "tuberculose"),
    "Lobar Opacity": (),
    "Diffuse Opacity": (),
}
"""Canonical names, and how else they are written; case and everything but letters and digits are disregarded."""

_KIN = {PNEUMONIA: (VIRAL, BACTERIAL), VIRAL: (PNEUMONIA,), BACTERIAL: (PNEUMONIA,)}
"""What stands in for a name where the set tells kinds of pneumonia apart, or does not, unlike the one who asks."""


def _key(label: str) -> str:
    return re.sub(r"[\W_]", "", label).casefold()


_CANONICAL = {_key(spelling): name for name, spellings in SPELLINGS.items() for spelling in (name, *spellings)}


def canonical(label: str) -> str:
    """The field's name for a data set's `label`; an unknown label is its own."""
    return _CANONICAL.get(_key(label), label)


def resolve(wanted: Iterable[str], labels: Iterable[str]) -> dict[str, str]:
    """Each of `wanted` → the one of a data set's `labels` that it means.

    A label written exactly so comes first, then one of the same canonical name. "Pneumonia" and "Viral Pneumonia" (or "Bacterial
    Pneumonia") stand in for each other where that leaves no choice.

    Raises:
        InvalidSpec: names that the set does not have, or has twice, all of them.
    """
    wanted, labels = list(dict.fromkeys(wanted)), sorted(set(labels))
    found = {name: _candidates(name, labels) for name in wanted}
    taken = [candidates[0] for candidates in found.values() if len(candidates) == 1]
    problems = []
    for name, candidates in found.items():
        if not candidates:
            way_out = "Choose another data set or recipe, or rename the class."
            problems.append(Problem(f"The data set has the class {name}.", f"classes {', '.join(labels)}", way_out))
        elif len(candidates) > 1:
            problems.append(
                Problem(f"One class is meant by {name}.", " and ".join(candidates), "Name the one that is meant as it is written.")
            )
        elif taken.count(candidates[0]) > 1:
            others = ", ".join(labels)
            problems.append(
                Problem(f"{name} has a class to itself.", f"{candidates[0]}, meant twice (of {others})", "Name each class once.")
            )
    if problems:
        raise InvalidSpec.of(problems)
    return {name: candidates[0] for name, candidates in found.items()}


def _candidates(name: str, labels: list[str]) -> list[str]:
    if name in labels:
        return [name]
    for meanings in ((canonical(name),), _KIN.get(canonical(name), ())):
        if found := [label for label in labels if canonical(label) in meanings]:
            return found
    return []
