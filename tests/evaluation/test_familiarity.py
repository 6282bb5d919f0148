"""Pictures unlike the training images are flagged and others are not; the nearest training images are found; the file is small and safe."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.numpy import save_file

from core.data import batches, images, phantom, plausibility
from core.errors import UnusableRun
from core.evaluation import familiarity
from core.evaluation.familiarity import FEWEST, IMAGES, Familiarity, Reference, chosen, descriptor, fit
from core.models import classifier
from core.models.features import features
from tests import strangers

SIZE = 32
TRAINING, VALIDATION, HELD_OUT = 80, 60, 60
Extract = Callable[[np.ndarray], np.ndarray]


@pytest.fixture(scope="module")
def chests() -> np.ndarray:
    count = TRAINING + VALIDATION + HELD_OUT
    drawn = (phantom.draw(phantom.CLASSES[number % 4], number, size=64).image for number in range(count))
    return np.stack([images.fit(image, SIZE) for image in drawn])


@pytest.fixture(scope="module")
def extract() -> Extract:
    """Features of an untrained network: a training would not make the test harder."""
    torch.manual_seed(0)
    model = classifier.create("alasfoor-cnn22", 4, SIZE, "train").eval()
    return lambda pictures: features(model, model.layer("relu_4"), batches.to_unit(torch.from_numpy(pictures)))


@pytest.fixture(scope="module")
def reference(chests: np.ndarray, extract: Extract) -> Reference:
    found = extract(chests)
    ids, labels = [f"é{number}.png" for number in range(TRAINING)], [phantom.CLASSES[number % 4] for number in range(TRAINING)]
    held_out = slice(TRAINING, TRAINING + VALIDATION)
    return fit(ids, labels, found[:TRAINING], chests[:TRAINING], found[held_out], chests[held_out])


def random_parts(images_each: int = FEWEST, width: int = 6) -> tuple[list[str], list[str], np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    values = [rng.normal(size=(images_each, width)).astype(np.float32) for _ in range(2)]
    pictures = [rng.integers(0, 256, (images_each, 16, 16), np.uint8) for _ in range(2)]
    return [str(number) for number in range(images_each)], ["a"] * images_each, values[0], pictures[0], values[1], pictures[1]


def judged(reference: Reference, extract: Extract, pictures: np.ndarray) -> list[Familiarity]:
    return [reference.judge(*pair) for pair in zip(extract(pictures), pictures, strict=True)]


def test_of_pictures_that_are_no_chests_95_in_100_are_flagged(reference: Reference, extract: Extract) -> None:
    greys = {name: np.asarray(Image.fromarray(picture).convert("L")) for name, picture in strangers.pictures().items()}
    found = judged(reference, extract, np.stack([images.fit(grey, SIZE) for grey in greys.values()]))
    implausible = [bool(plausibility.findings(grey)) for grey in greys.values()]
    missed = [name for name, one, flagged in zip(greys, found, implausible, strict=True) if not (one.flagged or flagged)]
    assert len(greys) >= 200
    assert len(missed) <= 0.05 * len(greys), missed


def test_of_chests_held_out_at_most_5_in_100_are_flagged(reference: Reference, extract: Extract, chests: np.ndarray) -> None:
    assert sum(one.flagged for one in judged(reference, extract, chests[-HELD_OUT:])) <= 0.05 * HELD_OUT


@pytest.mark.parametrize("change", [lambda x: 255 - x, lambda x: x[::-1], np.rot90], ids=["inverted", "upside down", "turned"])
def test_chests_that_no_longer_lie_as_they_should_are_flagged(
    reference: Reference, extract: Extract, chests: np.ndarray, change: Callable[[np.ndarray], np.ndarray]
) -> None:
    changed = np.stack([change(chest) for chest in chests[-20:]])
    assert all(one.flagged for one in judged(reference, extract, changed))


def test_what_the_network_alone_finds_strange_is_flagged_and_says_so(reference: Reference, extract: Extract, chests: np.ndarray) -> None:
    found = reference.judge(extract(chests[:1])[0] + 100, chests[0])
    assert found.flagged
    assert found.picture < 1 < found.network
    assert "excites the network" in found.sentence


def test_features_that_are_no_numbers_are_flagged(reference: Reference, chests: np.ndarray) -> None:
    assert reference.judge(np.full(len(reference.mean), np.nan, np.float32), chests[0]).flagged


def test_a_familiar_picture_is_said_to_be_one(reference: Reference, extract: Extract, chests: np.ndarray) -> None:
    found = reference.judge(extract(chests[:1])[0], chests[0])
    assert not found.flagged
    assert found.score == max(found.picture, found.network) < Familiarity.threshold
    assert "as like the training images" in found.sentence


def test_the_nearest_image_of_a_training_image_is_itself(reference: Reference, extract: Extract, chests: np.ndarray) -> None:
    for number, values in enumerate(extract(chests[:10])):
        first, *others = reference.nearest(values, 4)
        assert (first.sample_id, first.label) == (f"é{number}.png", phantom.CLASSES[number % 4])
        assert first.similarity == pytest.approx(1, abs=1e-3)
        assert [other.similarity for other in others] == sorted((other.similarity for other in others), reverse=True)


def test_no_more_images_are_near_than_there_are(reference: Reference, extract: Extract, chests: np.ndarray) -> None:
    assert len(reference.nearest(extract(chests[:1])[0], 10_000)) == TRAINING


def test_a_stored_reference_says_the_same(reference: Reference, extract: Extract, chests: np.ndarray, tmp_path: Path) -> None:
    reference.save(tmp_path / "reference.safetensors")
    loaded = Reference.load(tmp_path / "reference.safetensors")
    values = extract(chests[-1:])[0]
    assert loaded.judge(values, chests[-1]) == reference.judge(values, chests[-1])
    assert loaded.nearest(values) == reference.nearest(values)
    assert [path.name for path in tmp_path.glob("reference*")] == ["reference.safetensors"]


def test_the_largest_reference_stays_under_5_megabytes(tmp_path: Path) -> None:
    widest, name = 4_032, "Viral Pneumonia/" + "x" * 80 + ".png"  # features of nasnetalarge
    shapes = {"mean": (widest,), "components": (64, widest), "variances": (65,), "limits": (2,)}
    arrays = {key: np.zeros(shape, np.float32) for key, shape in shapes.items()}
    halves = {"pictures": np.zeros((IMAGES, 192), np.float16), "directions": np.zeros((IMAGES, 64), np.float16)}
    Reference((name,) * IMAGES, ("Viral Pneumonia",) * IMAGES, **arrays, **halves).save(tmp_path / "reference.safetensors")
    assert (tmp_path / "reference.safetensors").stat().st_size < 5e6


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnusableRun, match=r"without reference\.safetensors"):
        Reference.load(tmp_path / "reference.safetensors")


@pytest.mark.parametrize("content", [b"", b"no safetensors at all", b"\x80\x04pickled"])
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "reference.safetensors").write_bytes(content)
    with pytest.raises(UnusableRun, match="damaged"):
        Reference.load(tmp_path / "reference.safetensors")


def test_a_file_of_another_version_is_refused(tmp_path: Path) -> None:
    save_file({"mean": np.zeros(2, np.float32)}, tmp_path / "reference.safetensors", metadata={"version": "0"})
    with pytest.raises(UnusableRun, match="of version 0"):
        Reference.load(tmp_path / "reference.safetensors")


def test_features_of_another_network_are_refused(reference: Reference, chests: np.ndarray) -> None:
    other = np.zeros(len(reference.mean) + 1, np.float32)
    with pytest.raises(UnusableRun, match="one run"):
        reference.judge(other, chests[0])
    with pytest.raises(UnusableRun, match="one run"):
        reference.nearest(other)


def test_a_reference_is_loaded_and_asked_without_torch(reference: Reference, tmp_path: Path) -> None:
    reference.save(tmp_path / "reference.safetensors")
    script = (
        "import sys, numpy as np; from pathlib import Path; from core.evaluation.familiarity import Reference\n"
        f"r = Reference.load(Path({str(tmp_path / 'reference.safetensors')!r}))\n"
        "r.judge(r.mean, np.zeros((32, 32), np.uint8)); r.nearest(r.mean)\n"
        "sys.exit(bool({'torch', 'sklearn', 'scipy', 'pandas'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).resolve().parents[2], check=False).returncode == 0


@pytest.mark.parametrize(("part", "said"), [(2, "training"), (4, "validation")])
def test_too_few_images_are_refused(part: int, said: str) -> None:
    parts = list(random_parts())
    parts[part] = parts[part][1:]
    with pytest.raises(UnusableRun, match=f"{FEWEST - 1} {said} images"):
        fit(*parts)


def test_features_that_are_not_finite_are_refused() -> None:
    parts = random_parts()
    parts[4][3, 2] = np.inf
    with pytest.raises(UnusableRun, match="finite"):
        fit(*parts)


def test_maps_that_no_training_image_excites_do_no_harm_until_one_does() -> None:
    parts = random_parts()
    parts[2][:, 0] = parts[4][:, 0] = 0
    reference = fit(*parts)
    excited = reference.mean + np.float32([1, 0, 0, 0, 0, 0])
    assert reference.judge(reference.mean, parts[3][0]).network < 1 < reference.judge(excited, parts[3][0]).network


def test_fitting_twice_gives_the_same() -> None:
    one, other = fit(*random_parts()), fit(*random_parts())
    for name in familiarity._ARRAYS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 99), st.floats(0.3, 1), st.integers(0, 100))
def test_a_descriptor_is_a_unit_vector_that_exposure_and_contrast_hardly_change(patient: int, contrast: float, offset: int) -> None:
    chest = phantom.draw("Normal", patient, size=48).image
    changed = (chest * contrast * (1 - offset / 255) + offset).astype(np.uint8)
    assert np.linalg.norm(descriptor(chest)) == pytest.approx(1, abs=1e-5)
    assert descriptor(chest) @ descriptor(changed) > 0.98


@pytest.mark.parametrize("size", [1, 16, 80, 331])
def test_a_descriptor_has_one_length_for_every_image_size(size: int) -> None:
    assert descriptor(np.full((size, size), 7, np.uint8)).shape == (192,)
    assert np.isfinite(descriptor(np.zeros((size, size), np.uint8))).all()


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(FEWEST, 300), st.floats(0.5, 0.99), st.integers(0, 1000))
def test_of_further_distances_no_more_lie_beyond_the_limit_than_promised(count: int, quantile: float, seed: int) -> None:
    """By exchangeability the rank of one more draw is uniform; over all draws of one sample left out, the share can be counted."""
    distances = np.random.default_rng(seed).random(count + 1)
    beyond = np.mean([distances[i] > familiarity._limit(np.delete(distances, i), quantile) for i in range(count + 1)])
    assert beyond <= max(1 - quantile, 1 / (count + 1)) + 1e-9


def test_each_row_is_chosen_once_and_no_more_than_are_kept() -> None:
    np.testing.assert_array_equal(chosen(np.array([5, 3, 5, 1])), [1, 3, 5])
    many = chosen(np.repeat(np.arange(3 * IMAGES), 2))
    assert len(many) == len(np.unique(many)) == IMAGES
    np.testing.assert_array_equal(many, chosen(np.arange(3 * IMAGES)))
