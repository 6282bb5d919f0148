"""What probes found is said with its interval, beside chance, and as a light."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.evaluation import probed
from core.evaluation.predicted import Predicted


def answers(knows: float, images: int = 120) -> Predicted:
    """Of a probe that is right about class “a” with the weight `knows` (1: always, 0: it guesses); a third of the images are “a”."""
    rng = np.random.default_rng(0)
    label = np.where(np.arange(images) % 3 == 0, "a", "b")
    share = np.clip(knows * np.where(label == "a", 0.9, 0.1) + (1 - knows) * rng.random(images), 0, 1)
    columns = {"sample_id": [f"{row}.png" for row in range(images)], "sha256": "", "label": label, "patient_id": "", "split": "test"}
    return Predicted("probe", ("a", "b"), pd.DataFrame(columns | {"probability_a": share, "probability_b": 1 - share}))


@pytest.mark.parametrize(("knows", "light"), [(1.0, "red"), (0.2, "amber"), (0.0, "green")])
def test_the_light_follows_the_lower_bound_of_the_best_probe(knows, light):
    found = probed.read({"border": answers(0.0), "image-size": answers(knows)})
    assert found.light == light
    assert ("width, height" in found.sentence) == (light != "green")


def test_accuracy_stands_beside_the_share_of_the_most_frequent_class():
    (row,) = probed.read({"border": answers(1.0)}).rows
    assert (row["probe"], row["chance"], row["n"]) == ("border", "66.7 %", "120")
    assert row["accuracy"].startswith("100.0 % (")
    assert row["AUC a"].startswith("1.000")
