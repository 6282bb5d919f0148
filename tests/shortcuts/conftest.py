"""A small data set with a marker on one class, as the lab plants it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from core.data import library
from core.shortcuts import sets
from core.shortcuts.planting import Letter


@pytest.fixture
def source(make_folder: Callable[..., Path]) -> str:
    """A registered set of 3 classes, 2 images a patient."""
    return library.import_folder(make_folder({"a": 20, "b": 20, "c": 12}, size=40, patients=2), "plain").name


@pytest.fixture
def planted(source: str) -> sets.Planted:
    return sets.make(sets.Plan(source, "a", Letter(size=0.3), against=("b",)))
