"""An answer to take away says all that must stand beside it; many networks are counted and averaged by what they mean."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from core import answers, wording
from core.answers import Voice, chorus
from core.data.images import XRay
from core.inference import Predictor
from core.models import classifier
from core.recipes.recipe import compose
from core.recipes.specs import DataSpec
from core.report import answer as answer_page
from core.runs import store
from core.runs.store import Run

GREY = np.random.default_rng(0).integers(0, 256, (40, 60), np.uint8)


@pytest.fixture
def run() -> Run:
    """A run as if trained, with random weights."""
    data = DataSpec(name="phantom", sha256="0" * 64, classes=("a", "b"), synthetic=True)
    made = store.create(compose(data, "alasfoor-cnn22", **{"image.size": 32}))
    made.write_weights(classifier.create("alasfoor-cnn22", 2, 32, "train").state_dict(), epoch=1)
    return made


def voice(label: str, **probabilities: float) -> Voice:
    shares = {name.replace("_", " "): share for name, share in probabilities.items()}
    return Voice("run", "resnet18", label, shares, (), np.zeros((4, 4, 3), np.uint8), 1.0)


def test_a_record_holds_the_answer_the_map_and_every_reason_to_doubt(run: Run):
    predictor = Predictor(run)
    xray = XRay(GREY, "scan.png", "L", "PNG", ("Odd.",))
    answer = replace(predictor.answer(xray), doubts=("No chest.",))
    heat = predictor.heat_map(answer.prepared, answer.label)
    found = answers.record(run, predictor, xray, answer, heat)
    assert (found.image, found.label, found.probabilities) == ("scan.png", answer.label, answer.probabilities)
    assert found.findings == ("No chest.",)
    assert wording.SYNTHETIC_NOTE in found.warnings
    assert "Odd." in found.warnings
    assert (found.method, found.explained) == ("Grad-CAM", answer.label)
    assert (found.threshold, found.temperature) == (None, None)
    assert Image.open(BytesIO(found.heat_map)).size == (32, 32)
    assert "Not a medical device" in answer_page.page([found])


def test_a_record_can_do_without_a_map(run: Run):
    predictor = Predictor(run)
    xray = XRay(GREY, "scan.png", "L", "PNG", ())
    found = answers.record(run, predictor, xray, predictor.answer(xray))
    assert (found.heat_map, found.method, found.explained, found.peak) == (b"", "", "", "")


def test_one_network_is_asked_and_mapped(run: Run):
    found = answers.voice(Predictor(run), XRay(GREY, "scan.png", "L", "PNG", ()))
    assert found.label in found.probabilities
    assert found.picture.shape == (32, 32, 3)


def test_votes_are_counted_and_said():
    found = chorus(
        [
            voice("Normal", Normal=0.9, Pneumonia=0.1),
            voice("Normal", Normal=0.7, Pneumonia=0.3),
            voice("Pneumonia", Normal=0.2, Pneumonia=0.8),
        ]
    )
    assert found.sentence == "2 of 3 networks answer Normal, 1 Pneumonia."
    assert found.mean == {"Normal": pytest.approx(0.6), "Pneumonia": pytest.approx(0.4)}
    assert (found.averaged, found.agree) == (3, False)


def test_only_networks_that_know_the_same_classes_are_averaged():
    found = chorus(
        [voice("Normal", Normal=0.9, Pneumonia=0.1), voice("COVID", COVID=1.0, Normal=0.0), voice("Normal", Normal=0.7, Pneumonia=0.3)]
    )
    assert found.averaged == 2
    assert found.mean == {"Normal": pytest.approx(0.8), "Pneumonia": pytest.approx(0.2)}


def test_one_mind_is_called_so():
    assert chorus([voice("Normal", Normal=1.0)]).sentence == "The network answers Normal."
    assert chorus([voice("Normal", Normal=1.0)] * 2).sentence == "All 2 networks answer Normal."
