"""What the background loads is there afterwards."""

import gc
import sys

import pytest

from core import warmup


@pytest.mark.parametrize("names", [warmup.APP, warmup.TRAINING])
def test_what_the_background_names_is_loaded_when_it_is_done(names):
    warmup.start(names).join(timeout=120)
    assert set(names) <= sys.modules.keys()


def test_searches_for_garbage_leave_out_what_a_lasting_process_has_loaded():
    frozen = gc.get_freeze_count()
    try:
        warmup.start(("core.wording",), lasting=True).join(timeout=120)
        assert gc.get_freeze_count() > frozen
    finally:
        gc.unfreeze()


def test_a_process_that_ends_soon_searches_as_usual():
    frozen = gc.get_freeze_count()
    warmup.start(("core.wording",)).join(timeout=120)
    assert gc.get_freeze_count() == frozen
