"""The table of methods: whole, and cheap to read."""

from __future__ import annotations

import subprocess
import sys

import pytest

from core.errors import UnknownName
from core.explain.methods import METHODS, refuse_unknown


def test_every_method_says_what_it_shows_its_limit_and_its_source() -> None:
    assert len({method.title for method in METHODS.values()}) == len(METHODS)
    for name, method in METHODS.items():
        assert name == name.lower()
        assert method.shows.endswith(".")
        assert method.limit.endswith(".")
        assert method.source
        assert method.unit


def test_methods_by_many_passes_are_marked_slow() -> None:
    assert [name for name, method in METHODS.items() if method.slow] == ["scorecam", "ablationcam", "occlusion"]


def test_a_method_that_is_none_is_refused_with_the_nearest() -> None:
    for name in METHODS:
        refuse_unknown(name)
    with pytest.raises(UnknownName, match=r"Received: 'occulsion'\. Did you mean occlusion"):
        refuse_unknown("occulsion")


def test_names_and_pictures_are_had_without_torch_or_the_library() -> None:
    modules = "core.explain.methods, core.explain.cam, core.explain.overlay, core.explain.checks, core.explain.places"
    heavy = {"torch", "pytorch_grad_cam", "matplotlib", "scipy", "sklearn", "cv2"}
    code = f"import sys, {modules}, core.explain.truth, core.explain.faithfulness; print(sorted({heavy} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
