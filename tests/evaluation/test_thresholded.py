"""Zhong's own figures: what an answer above one half counts, and the mean probability of the true class."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.evaluation.intervals import wilson
from core.evaluation.thresholded import tables, thresholded, true_probability
from core.recipes import published

pytestmark = pytest.mark.filterwarnings("error")
LAWS = settings(max_examples=40, deadline=None, derandomize=True)

SURE, UNSURE = (0.9, 0.05), (0.4, 0.3)  # of the answer, and of each other class
BELOW_ONE_HALF = ((1, 0, 0), (3, 10, 8), (1, 10, 10))
"""How many in each cell of Zhong's matrix do not reach one half: 43, 21 of them right, one of COVID-19. The paper gives these sums only."""


def answers(matrix: tuple[tuple[int, ...], ...], unsure: tuple[tuple[int, ...], ...]) -> tuple[np.ndarray, np.ndarray]:
    """Labels and probabilities with these counts (rows true); `unsure` of each cell do not reach one half."""
    labels, shares = [], []
    for true, row in enumerate(matrix):
        for said, images in enumerate(row):
            for number in range(images):
                high, low = UNSURE if number < unsure[true][said] else SURE
                shares.append([high if each == said else low for each in range(len(row))])
                labels.append(true)
    return np.array(labels), np.array(shares)


@pytest.mark.parametrize(("row", "classes"), [("Test", (0, 1, 2)), ("COVID-19 (From Test)", (0,))])
def test_zhong_s_table_3_follows_from_the_answers_that_reach_one_half(row: str, classes: tuple[int, ...]) -> None:
    (matrix,) = published.matrices_of("zhong-2020")
    labels, shares = answers(matrix.by_truth, BELOW_ONE_HALF)
    rows = np.isin(labels, classes)
    found = thresholded(labels[rows], shares[rows])
    (printed,) = [line for line in published.rows("zhong-2020") if line.row == row]
    for name in ("accuracy", "precision", "recall"):
        (figure,) = [one for one in printed.figures if one.metric == name]
        assert abs(getattr(found, name).value - figure.value) <= figure.resolution / 2 + 1e-12, name
    assert found.accuracy.value > found.recall.value  # a right answer below one half counts for the one and not for the other


def test_an_image_below_the_threshold_is_not_called_and_at_it_it_is() -> None:
    labels, shares = np.array([0, 0, 1, 2]), np.array([[0.5, 0.3, 0.2], [0.4, 0.3, 0.3], [0.6, 0.2, 0.2], [0.1, 0.1, 0.8]])
    found = thresholded(labels, shares)
    assert (found.images, found.called, found.right) == (4, 3, 2)
    assert (found.accuracy, found.precision, found.recall) == (wilson(3, 4), wilson(2, 3), wilson(2, 4))


def test_where_nothing_is_called_precision_is_undefined() -> None:
    found = thresholded(np.array([0]), np.array([[0.4, 0.3, 0.3]]))
    assert np.isnan(found.precision.value)
    assert (found.accuracy.value, found.recall.value) == (1, 0)


@given(st.integers(0, 2**32 - 1), st.integers(2, 5))
@LAWS
def test_without_a_threshold_every_class_is_called_and_above_one_half_one_at_most(seed: int, classes: int) -> None:
    rng = np.random.default_rng(seed)
    labels, shares = rng.integers(0, classes, 20), rng.dirichlet(np.ones(classes), 20)
    everything, half = thresholded(labels, shares, 0.0), thresholded(labels, shares)
    assert (everything.called, everything.right) == (20 * classes, 20)
    assert half.right <= half.called <= 20
    assert half.accuracy.value >= half.recall.value


def test_the_mean_probability_of_the_true_class_has_a_normal_interval() -> None:
    labels, shares = np.array([0, 0, 0, 1]), np.array([[0.9, 0.1, 0], [0.6, 0.4, 0], [0.3, 0.7, 0], [0.2, 0.8, 0]])
    first, single, none = true_probability(labels, shares)
    assert (first.low, first.value, first.high) == pytest.approx((0.6 - 1.959964 * 0.3 / 3**0.5, 0.6, 0.6 + 1.959964 * 0.3 / 3**0.5))
    assert single.value == 0.8
    assert np.isnan([single.low, single.high, none.value, none.low, none.high]).all()


def test_zhong_s_table_4_is_as_a_normal_interval_would_be() -> None:
    """Bounds equally far from the mean, and no farther than shares with that mean can scatter; more the paper does not give."""
    (matrix,) = published.matrices_of("zhong-2020")
    for label, images in zip(matrix.labels, map(sum, matrix.by_truth), strict=True):
        (row,) = [line for line in published.rows("zhong-2020") if (line.table, line.row) == ("Table 4", label)]
        mean, low, high = row.figures[0].value, float(row.figures[0].low), float(row.figures[0].high)
        assert high - mean == pytest.approx(mean - low, abs=1.5e-4)
        deviation = (high - low) / 2 / 1.959964 * images**0.5
        assert 0.1 < deviation < (mean * (1 - mean)) ** 0.5


def test_the_tables_for_people_hold_all_images_each_class_and_the_mean_probabilities() -> None:
    table = pd.DataFrame(
        {
            "sample_id": ["1", "2", "3"],
            "label": ["a", "a", "b"],
            "patient_id": "",
            "split": "test",
            "probability_a": [0.9, 0.4, 0.2],
            "probability_b": [0.1, 0.6, 0.8],
        }
    )
    rows, means = tables(table, ("a", "b"))
    assert [(row["images of"], row["n"]) for row in rows] == [("all", "3"), ("a", "2"), ("b", "1")]
    assert rows[0]["Accuracy"].startswith("66.7 % (")
    assert means[0]["mean probability of the true class"].startswith("0.650 (")
    assert means[1]["mean probability of the true class"] == "0.800"
