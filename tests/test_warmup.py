"""What the background loads is there afterwards."""

import sys

from core import warmup


def test_what_the_background_names_is_loaded_when_it_is_done():
    warmup.start().join(timeout=120)
    assert set(warmup.HEAVY) <= sys.modules.keys()
