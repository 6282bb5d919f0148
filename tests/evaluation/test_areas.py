"""Areas under many weightings: equal to scikit-learn's on the images as often as they are drawn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from core.evaluation import areas
from core.evaluation.resampling import figures

LAWS = settings(max_examples=40, deadline=None, derandomize=True)
pytestmark = pytest.mark.filterwarnings("error")


@given(seed=st.integers(0, 2**32 - 1), images=st.integers(1, 40), decimals=st.integers(0, 3))
@LAWS
def test_areas_equal_scikit_learn_s_on_repeated_images_ties_and_absent_classes_included(seed: int, images: int, decimals: int) -> None:
    rng = np.random.default_rng(seed)
    positive, scores = rng.random(images) < 0.4, rng.random(images).round(decimals)
    weights = rng.integers(0, 3, (images, 5))
    found = areas.RocAuc.of(positive, scores).areas(weights.astype(float))
    for area, times in zip(found, weights.T, strict=True):
        truth = np.repeat(positive, times)
        if truth.any() and not truth.all():
            assert area == pytest.approx(roc_auc_score(truth, np.repeat(scores, times)), abs=1e-12)
        else:
            assert np.isnan(area)


@given(seed=st.integers(0, 2**32 - 1), classes=st.integers(2, 4))
@LAWS
def test_the_mean_over_classes_is_the_one_of_all_figures(seed: int, classes: int) -> None:
    rng = np.random.default_rng(seed)
    labels, shares = rng.integers(0, classes, 12), rng.dirichlet(np.ones(classes), 12).round(1)
    weights = rng.integers(0, 2, (8, 12)) + np.eye(8, 12, dtype=int)
    rankings = [areas.RocAuc.of(labels == number, shares[:, number]) for number in range(classes)]
    expected = figures(labels, shares, weights, ("roc_auc",))["roc_auc"]
    np.testing.assert_allclose(areas.macro(rankings, weights.T.astype(float)), expected, atol=1e-12)
