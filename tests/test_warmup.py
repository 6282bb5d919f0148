"""What the background loads is there afterwards."""

import sys

import pytest

from core import warmup


@pytest.mark.parametrize("names", [warmup.APP, warmup.TRAINING])
def test_what_the_background_names_is_loaded_when_it_is_done(names):
    warmup.start(names).join(timeout=120)
    assert set(names) <= sys.modules.keys()
