"""What tests of the worker share."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from core.data import library
from core.recipes import fitting
from core.runs import store

TINY = {"image.size": 24, "epochs": 3, "batch_size": 8, "reference": True}


@pytest.fixture
def make_run(make_folder: Callable[..., object]) -> Callable[..., store.Run]:
    """Queued runs of the 22-layer CNN on one small random data set, each trained in a second: four steps an epoch."""
    manifest = library.open_dataset(str(make_folder({"a": 20, "b": 20}, size=24, patients=2, name="set")))

    def make(**changes: object) -> store.Run:
        return store.create(fitting.fit(fitting.draft(model="alasfoor-cnn22", **(TINY | changes)), manifest)[0])

    return make
