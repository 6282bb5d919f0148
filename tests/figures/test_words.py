"""What figures say to those who do not see them: made of what is drawn, short, and there for every figure."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core import figures
from core.figures import words
from core.figures.removal import removal


def epoch(number: int, loss: float, accuracy: float, best: bool = False) -> dict:
    values = {f"{part}_{name}": value for part in ("train", "validation") for name, value in (("loss", loss), ("accuracy", accuracy))}
    return {"kind": "epoch", "epoch": number, "lr": 0.1, "best": best} | values


DRAWN = {
    "classes": (
        lambda: figures.class_counts({"covid": 1200, "normal": 30}),
        "Images a class: covid 1,200; normal 30.",
    ),
    "parts": (
        lambda: figures.part_counts(pd.DataFrame({"train": [8], "test": [2]}, index=["covid"])),
        "Images a class in each part: covid 8 train, 2 test.",
    ),
    "sizes": (
        lambda: figures.sizes(
            pd.DataFrame({"width": [10, 20], "height": [10, 10], "label": "covid", "images": [3, 4]}), ["covid", "normal"]
        ),
        "Widths and heights of the images. covid 7 images, 10 to 20 px wide, 10 px high.",
    ),
    "shares of sizes": (
        lambda: figures.size_shares(pd.DataFrame({"10 × 10": [0.25, 1.0], "others": [0.75, 0.0]}, index=["covid", "normal"])),
        "Share of each class’s images by size. Most frequent: covid others (75.0 %); normal 10 × 10 (100.0 %).",
    ),
    "greys": (
        lambda: figures.greys(np.array([[1.0, 0.0], [0.5, 0.5]]), ["dark", "middle"]),
        "How often each grey stands in the images, by class. Mean grey of 0 to 255: dark 64; middle 128.",
    ),
    "difference": (
        lambda: figures.grey_difference(np.pad([[-9.0]], ((0, 5), (5, 0))), 10),
        "Difference of greys, place by place: -9 to +0, largest in the upper right of the picture.",
    ),
    "probabilities": (
        lambda: figures.shares({"covid": 0.931, "normal": 0.069}),
        "Probability of each class: covid 93.1 %; normal 6.9 %.",
    ),
    "curves": (
        lambda: figures.curves([epoch(1, 2.0, 0.5), epoch(2, 1.0, 0.75, best=True)], epochs=9),
        "Curves over 2 of 9 epochs: training loss from 2 to 1; validation loss from 2 to 1; training accuracy from 50.0 % to 75.0 %; "
        "validation accuracy from 50.0 % to 75.0 %. Best epoch: 2, validation accuracy 75.0 %.",
    ),
    "overlay": (
        lambda: figures.overlay([figures.Series("a", "#000000", [1, 2, 3], [None, 0.9, 0.4], best=(3.0, 0.4))], title="Loss"),
        "Loss of 1 run. a from 0.9 to 0.4, best 0.4 at epoch 3.",
    ),
    "learning rate": (
        lambda: figures.learning_rate(np.array([0.1, 0.2, 0.4, 0.0]), steps=2),
        "Learning rate over 2 epochs: 0.1 at first, highest 0.4 in epoch 2, 0 at last.",
    ),
    "ROC": (
        lambda: figures.roc({"covid": ([0, 1], [0, 1])}, {"covid": (0.2, 0.9)}, {"covid": 0.5}),
        "ROC curves. covid · AUC 0.500, at its threshold sensitivity 90.0 %, specificity 80.0 %.",
    ),
    "precision and recall": (
        lambda: figures.precision_recall({"covid": ([1, 0], [0.3, 1])}, {"covid": (0.9, 0.6)}, prevalence={"covid": 0.3}),
        "Precision-recall curves. covid, at its threshold recall 90.0 %, precision 60.0 %. Guessing has the precision covid 30.0 %.",
    ),
    "reliability": (
        lambda: figures.reliability([np.nan, 0.8], [np.nan, 0.6], [np.nan, 0.5], [np.nan, 0.7], [0, 40], 0.2),
        "Reliability of 40 images, calibration error 20.0 %. of 80.0 % sure 60.0 % are right.",
    ),
    "threshold": (
        lambda: figures.threshold([0.0, 0.5, 1.0], [1, 0.8, 0], [0, 0.7, 1], [0.1, 0.4, np.nan], [np.nan, 0.9, 0.9], 0.48),
        "What a threshold from 0 to 1 gives. At the chosen 0.48: sensitivity 80.0 %; specificity 70.0 %; PPV (precision) 40.0 %; "
        "NPV 90.0 %.",
    ),
    "confusion matrix": (
        lambda: figures.confusion([[7, 3], [0, 10]], ("covid", "normal")),
        "Confusion matrix of 20 images, 17 right (85.0 %). true covid: 7 as covid, 3 as normal; true normal: 10 as normal.",
    ),
    "agreement": (
        lambda: figures.agreement([[1, 0.9, 0.5], [0.9, 1, 0.7], [0.5, 0.7, 1]], ["a", "b", "c"]),
        "Share of images that two runs label alike, least first: a and c 50.0 %; b and c 70.0 %; a and b 90.0 %.",
    ),
    "cross-data": (
        lambda: figures.cross_data([[0.8, np.nan]], [["80.0 %<br>n = 10", ""]], ["a"], ["b", "c"]),
        "Networks by data set that they are tested on. a on b: 80.0 %, n = 10; a on c: nothing.",
    ),
    "spread": (
        lambda: figures.spread({"a": [0.7, 0.9], "b": []}),
        "Spread of accuracy over repeated runs. a 70.0% to 90.0% in 2 runs, mean 80.0%.",
    ),
    "cost": (
        lambda: figures.cost(
            [figures.CostPoint("a", 2, 0.8, 0.7, 0.9, True), figures.CostPoint("b", 5, 0.7, 0.6, 0.8, False)], title="time (s)"
        ),
        "accuracy over time (s): 2 networks, 70.0 % to 80.0 %, at 2 to 5. Pareto front: a 80.0 % at 2. 1 network beaten in both.",
    ),
    "two protocols": (
        lambda: figures.sides(
            [
                figures.Beside("small", (0.8, 0.7, 0.9), (0.7, 0.6, 0.8)),
                figures.Beside("large", (0.9, 0.8, 1), (0.5, 0.4, 0.6)),
                figures.Beside("alone", (0.5, 0.4, 0.6), None),
            ],
            ("random folds", "folds by patient"),
            ("probe: border", 0.6),
        ),
        "Accuracy with random folds and with folds by patient, largest gap first: large 90.0 % and 50.0 %; small 80.0 % and 70.0 %. "
        "1 row under one of them alone. probe: border reaches 60.0 %.",
    ),
    "collapse": (
        lambda: figures.collapse({"marked": [(0.99, 0.9, 1), (0.5, 0.4, 0.6)]}, ["as planted", "absent"], 0.5),
        "Accuracy by where the marker stands. marked: as planted 99.0 %, absent 50.0 %. Chance is 50.0 %.",
    ),
    "removal": (
        lambda: removal(([0, 1], [0.9, 0.1]), ([0, 1], [0.1, 0.9]), [([0, 1], [0.9, 0.5])], [([0, 1], [0.1, 0.7])], "covid"),
        "Probability of covid while places of the image are taken away, hottest first: 90.0 %, 50.0 % at half of the image, 10.0 % at the "
        "end. While they are given back, hottest first: 10.0 %, 50.0 % at half of the image, 90.0 % at the end. In random order, at half "
        "of the image: 70.0 % away, 40.0 % back.",
    ),
    "lines": (
        lambda: figures.lines({"ideal": ([0, 1], [0, 1])}, "called", "found", "xy"),
        "found over called, 0.0 % to 100.0 %. ideal from 0.0 % to 100.0 %.",
    ),
    "bars": (lambda: figures.bars({"a": 0.5}, "accuracy"), "accuracy: a 50.0 %."),
    "groups": (
        lambda: figures.groups({"ill": [1, 3], "well": [0, 1]}, 2, "score", "threshold"),
        "How often each score occurs. Above the threshold, 2: ill 50.0 %; well 0.0 %.",
    ),
    "intervals": (
        lambda: figures.intervals([0.5, 0.9], [0.4, 0.8], [0.6, 1.0], 0.55),
        "2 repeated estimates, 50.0 % to 90.0 %. 1 of their intervals miss the truth, 55.0 %.",
    ),
    "pictures": (
        lambda: figures.pictures({"X-ray": np.eye(2), "Grad-CAM": np.eye(2)}, hot=["Grad-CAM"]),
        "Pictures side by side: X-ray; Grad-CAM as a heat map.",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("draw", "said"), DRAWN.values(), ids=DRAWN.keys())
@pytest.mark.filterwarnings("error")
def test_a_figure_says_what_it_shows_its_range_and_what_stands_out(draw, said: str) -> None:
    assert figures.alt_text(draw()) == said


def test_of_many_things_the_first_are_named_and_the_rest_are_counted() -> None:
    said = figures.alt_text(figures.class_counts({f"class {number}": number for number in range(40)}))
    assert said == "Images a class: class 0 0; class 1 1; class 2 2; class 3 3; class 4 4; class 5 5; and 34 more."


def test_a_matrix_of_many_classes_stays_short() -> None:
    names = [f"class {number}" for number in range(30)]
    assert len(figures.alt_text(figures.confusion(np.ones((30, 30), dtype=int), names))) < 800


def test_gaps_are_no_values() -> None:
    assert words.course([1, 2, 3], [None, np.nan, 0.5]) == "0.5"
    assert words.course([], []) == "no value yet"
    assert words.bounds([np.nan, None]) == "no value"
