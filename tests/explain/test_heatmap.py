"""A heat map as data."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.explain.heatmap import HeatMap


def test_enlarging_keeps_the_place_and_the_range() -> None:
    values = np.zeros((4, 4), np.float32)
    values[1, 2] = 5.0
    scaled = HeatMap(values, "gradcam").scaled(40, 80)
    assert scaled.shape == (40, 80)
    assert (scaled.min(), scaled.max()) == (0, pytest.approx(1, abs=0.05))
    row, column = np.unravel_index(scaled.argmax(), scaled.shape)
    assert (row // 10, column // 20) == (1, 2)


def test_a_common_scale_lets_a_weak_map_look_weak() -> None:
    weak = HeatMap(np.full((2, 2), 0.5, np.float32), "gradcam")
    assert weak.scaled(4, 4).max() == pytest.approx(1)
    assert weak.scaled(4, 4, top=2.0).max() == pytest.approx(0.25)
    assert not weak.scaled(4, 4, top=0.0).any()


@given(st.integers(0, 10_000), st.floats(-3, 3))
@settings(max_examples=40, deadline=None, derandomize=True)
def test_evidence_for_and_against_are_the_two_sides_of_one_map(seed: int, shift: float) -> None:
    signed = (np.random.default_rng(seed).normal(size=(3, 5)) + shift).astype(np.float32)
    found, turned = HeatMap.of(signed, "gradcam", class_index=0), HeatMap.of(-signed, "gradcam", class_index=0)
    assert (found.values >= 0).all()
    np.testing.assert_array_equal(found.values - turned.values, signed)
    assert (found.peak, found.against) == (turned.against, turned.peak)


def test_a_map_names_no_layer_and_no_class_that_its_method_does_not_read() -> None:
    signed = np.ones((2, 2))
    assert HeatMap.of(signed, "occlusion", "layer4", 1).layer == ""
    assert HeatMap.of(signed, "eigencam", "layer4", 1).class_index is None
    kept = HeatMap.of(signed, "gradcam", "layer4", 1, "covid")
    assert (kept.layer, kept.class_index, kept.label) == ("layer4", 1, "covid")
