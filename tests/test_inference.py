"""A stored run answers: by its own recipe, the same in every thread, and about images that it has not seen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import wording
from core.data import images, library
from core.data.images import XRay
from core.data.manifest import Manifest
from core.errors import UnknownName, UnusableRun
from core.inference import Predictor
from core.models import classifier
from core.recipes.recipe import compose
from core.recipes.specs import DataSpec
from core.runs import store
from core.runs.store import PROBABILITY, Run

CLASSES = ("covid", "normal", "pneumonia")
GREY = np.random.default_rng(0).integers(0, 256, (50, 70), np.uint8)


def make_run(*, synthetic: bool = False, **changes: object) -> Run:
    """A run as if trained: random weights, normalised by made-up values, stored as the trainer stores them."""
    data = DataSpec(name="set", sha256="0" * 64, classes=CLASSES, synthetic=synthetic)
    run = store.create(compose(data, "alasfoor-cnn22", **{"image.size": 32, "image.resize": "pad", "batch_size": 4, **changes}))
    torch.manual_seed(3)
    model = classifier.create("alasfoor-cnn22", 3, 32, "train")
    model.mean.fill_(0.4)
    model.std.fill_(0.05)
    run.write_weights(model.state_dict(), epoch=1)
    return run


def direct(run: Run, prepared: np.ndarray) -> list[float]:
    """Probabilities by hand, from the stored weights."""
    model = classifier.create("alasfoor-cnn22", 3, 32, "train").eval()
    model.load_state_dict(run.weights())
    with torch.no_grad():
        logits = model(torch.from_numpy(prepared / np.float32(255))[None, None])
    return torch.softmax(logits.double(), dim=1)[0].tolist()


@pytest.fixture
def run() -> Run:
    return make_run()


@pytest.fixture
def predictor(run: Run) -> Predictor:
    return Predictor(run)


def xray(pixels: np.ndarray = GREY, *warnings: str) -> XRay:
    return XRay(pixels, "scan.png", "L", "PNG", warnings)


@pytest.fixture
def manifest(make_folder: Callable[..., Path]) -> Manifest:
    return library.open_dataset(str(make_folder({"covid": 5, "normal": 6})))


def test_an_answer_equals_a_direct_pass_through_the_stored_weights(run: Run) -> None:
    answer = Predictor(run).answer(xray())
    assert answer.probabilities == pytest.approx(dict(zip(CLASSES, direct(run, answer.prepared), strict=True)), abs=1e-6)
    assert answer.label == max(answer.probabilities, key=answer.probabilities.get)


@given(st.integers(0, 2**32 - 1), st.integers(1, 80), st.integers(1, 80))
@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_probabilities_add_up_to_1(predictor: Predictor, seed: int, height: int, width: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)
    shares = predictor.answer(xray(pixels)).probabilities
    assert sum(shares.values()) == pytest.approx(1, abs=1e-12)
    assert all(0 <= share <= 1 for share in shares.values())


@pytest.mark.parametrize("resize", images.RESIZES)
def test_an_image_is_prepared_as_the_recipe_says(resize: images.Resize) -> None:
    answer = Predictor(make_run(**{"image.resize": resize})).answer(xray())
    np.testing.assert_array_equal(answer.prepared, images.fit(GREY, 32, resize))


def test_normalisation_comes_with_the_weights(run: Run) -> None:
    model = Predictor(run).model
    assert (model.mean.item(), model.std.item()) == (pytest.approx(0.4), pytest.approx(0.05))


def test_a_model_of_synthetic_images_says_so_before_all_else() -> None:
    assert Predictor(make_run()).answer(xray(GREY, "Odd.")).warnings == ("Odd.",)
    assert Predictor(make_run(synthetic=True)).answer(xray(GREY, "Odd.")).warnings == (wording.SYNTHETIC_NOTE, "Odd.")


def test_a_run_without_a_model_is_refused(run: Run) -> None:
    (run.folder / "model.safetensors").unlink()
    with pytest.raises(UnusableRun, match=r"kept from the first completed epoch on.*Choose another run"):
        Predictor(run)


def test_loading_a_model_leaves_the_global_generator_alone(run: Run) -> None:
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    Predictor(run)
    torch.testing.assert_close(torch.rand(3), expected, rtol=0, atol=0)


def test_a_heat_map_has_a_value_for_each_place_of_the_layer(predictor: Predictor) -> None:
    prepared = predictor.answer(xray()).prepared
    maps = {label: predictor.heat_map(prepared, label).values for label in CLASSES}
    assert all(values.shape == (4, 4) and (values >= 0).all() for values in maps.values())
    assert any(values.any() for values in maps.values())


def test_a_heat_map_of_an_unknown_class_or_method_is_refused(predictor: Predictor) -> None:
    prepared = predictor.answer(xray()).prepared
    with pytest.raises(UnknownName, match=r"A class is chosen by its name\. Received: 'Covid'\. Did you mean covid\?"):
        predictor.heat_map(prepared, "Covid")
    with pytest.raises(UnknownName, match="heat-map method"):
        predictor.heat_map(prepared, "covid", "x-ray-vision")


def test_an_answer_given_meanwhile_does_not_disturb_a_heat_map(predictor: Predictor) -> None:
    prepared = predictor.answer(xray()).prepared
    expected = {label: predictor.heat_map(prepared, label).values for label in CLASSES}
    answers = []
    other = Thread(target=lambda: answers.append(predictor.answer(xray(255 - GREY))))

    def meanwhile(*_: object) -> None:
        if other.ident is None:  # once, when the heat map's own pass has begun
            other.start()
            other.join(timeout=1)  # an answer that waits for its turn comes after the map

    handle = predictor.model.network.conv_1.register_forward_pre_hook(meanwhile)
    found = {label: predictor.heat_map(prepared, label).values for label in CLASSES}
    handle.remove()
    other.join()
    for label in CLASSES:
        np.testing.assert_array_equal(found[label], expected[label])
    assert answers[0].probabilities == predictor.answer(xray(255 - GREY)).probabilities


def test_predictions_have_the_stored_form_and_equal_single_answers(predictor: Predictor, manifest: Manifest) -> None:
    rows, seen = np.array([0, 3, 4, 8, 10]), []
    table = predictor.predict(manifest, rows, lambda done, total: seen.append((done, total)))
    assert list(table.columns) == ["sample_id", "label", "patient_id", "split", *(PROBABILITY + name for name in CLASSES)]
    assert table["sample_id"].tolist() == manifest.table["path"].iloc[rows].tolist()
    assert table["label"].tolist() == manifest.table["label"].iloc[rows].tolist()
    assert set(table["split"]) == {"external"}
    assert seen[-2:] == [(4, 5), (5, 5)]
    for number, row in enumerate(rows):
        answer = predictor.answer(images.read(manifest.paths()[row]))
        assert table.loc[number, [PROBABILITY + name for name in CLASSES]].tolist() == pytest.approx(
            list(answer.probabilities.values()), abs=1e-5
        )
