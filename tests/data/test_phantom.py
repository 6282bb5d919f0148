"""The synthetic phantom: the same from a seed, true to its masks, and without a shortcut to the class."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_score

from core.data.phantom import CLASSES, Phantom, draw, write
from core.data.phantom_anatomy import Frame
from core.errors import InvalidSpec, UnknownName

OPACITIES = CLASSES[1:]


def same(one: Phantom, other: Phantom) -> bool:
    return all(np.array_equal(getattr(one, field.name), getattr(other, field.name)) for field in fields(Phantom))


def files(folder) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_classes_are_these_four_in_this_order():
    assert CLASSES == ("Normal", "Lobar opacity", "Diffuse opacity", "COVID-like")


@settings(max_examples=25, deadline=None)
@given(
    label=st.sampled_from(CLASSES),
    patient=st.integers(0, 10_000),
    view=st.integers(0, 1),
    seed=st.integers(0, 2**40),
    size=st.integers(32, 96),
)
def test_any_phantom_is_a_valid_image_with_masks_of_its_shape(label, patient, view, seed, size):
    phantom = draw(label, patient, view, seed=seed, size=size)
    assert phantom.image.shape == phantom.lesion.shape == phantom.lungs.shape == (size, size)
    assert phantom.image.dtype == np.uint8
    assert phantom.lesion.dtype == phantom.lungs.dtype == bool
    assert phantom.image.std() > 20
    assert 0.08 < phantom.lungs.mean() < 0.6
    assert not (phantom.lesion & ~phantom.lungs).any()
    assert phantom.lesion.any() == (label != "Normal")


@settings(max_examples=25, deadline=None)
@given(
    scale=st.floats(0.5, 2), angle=st.floats(-1, 1), shift=st.tuples(st.floats(-0.3, 0.3), st.floats(-0.3, 0.3)), size=st.integers(32, 96)
)
def test_a_frame_leads_from_pixels_to_the_body_and_back(scale, angle, shift, size):
    frame = Frame(size, scale, angle, shift)
    x, y = frame.grid()
    rows, columns = np.indices((size, size)) + 0.5
    there_and_back = frame.pixels(np.stack([x.ravel(), y.ravel()], axis=1))
    np.testing.assert_allclose(there_and_back, np.stack([columns.ravel(), rows.ravel()], axis=1), atol=1e-2)


@pytest.mark.parametrize("label", CLASSES)
def test_the_same_seed_draws_the_same_phantom(label):
    assert same(draw(label, 5, seed=3, size=96), draw(label, 5, seed=3, size=96))


def test_seed_patient_and_view_each_change_the_image():
    first = draw("Normal", 5, size=64).image
    for other in (draw("Normal", 5, seed=1, size=64), draw("Normal", 6, size=64), draw("Normal", 5, 1, size=64)):
        assert not np.array_equal(first, other.image)


def test_drawing_leaves_the_global_generator_alone():
    np.random.seed(0)
    expected = np.random.random()
    np.random.seed(0)
    draw("COVID-like", 0, size=32)
    assert np.random.random() == expected


def test_a_patient_has_the_same_lungs_whatever_the_label():
    lungs = [draw(label, 7, size=96).lungs for label in CLASSES]
    assert all(np.array_equal(lungs[0], other) for other in lungs)


def test_a_lobar_opacity_is_one_sided_and_the_others_are_in_both_lungs():
    for patient in range(6):
        sides = {}
        for label in OPACITIES:
            lesion = draw(label, patient, size=128).lesion
            _, columns = np.nonzero(draw("Normal", patient, size=128).lungs)
            middle = int(columns.mean())  # between the lungs, within the width of the mediastinum
            sides[label] = min(lesion[:, :middle].sum(), lesion[:, middle:].sum()) / lesion.sum()
        assert sides["Lobar opacity"] < 0.02
        assert min(sides["Diffuse opacity"], sides["COVID-like"]) > 0.05


@pytest.mark.parametrize("label", OPACITIES)
def test_the_lesion_stands_out_brighter_than_the_same_place_without_it(label):
    gains = []
    for patient in range(8):
        ill, healthy = draw(label, patient, size=128), draw("Normal", patient, size=128)
        elsewhere = ill.lungs & ~ill.lesion
        gain = ill.image.astype(float) - healthy.image
        gains.append(gain[ill.lesion].mean() - gain[elsewhere].mean())  # exposure differs between the two, the same everywhere
    assert min(gains) > 2
    assert np.mean(gains) > 10


def test_intensities_and_borders_do_not_tell_the_class():
    images, labels = [], []
    for patient in range(160):
        labels.append(patient % len(CLASSES))
        images.append(draw(CLASSES[labels[-1]], patient, size=64).image)
    pixels = np.stack(images).astype(float)
    flat = pixels.reshape(len(pixels), -1)
    intensities = np.column_stack([flat.mean(1), flat.std(1), np.percentile(flat, (1, 5, 25, 50, 75, 95, 99), axis=1).T])
    borders = np.concatenate([pixels[:, 0], pixels[:, -1], pixels[:, :, 0], pixels[:, :, -1]], axis=1)
    for features in (intensities, borders):
        forest = RandomForestClassifier(50, random_state=0)
        assert cross_val_score(forest, features, labels, cv=4).mean() < 0.48  # chance is 0.25; wider than measured on the full set


def test_the_written_folder_holds_images_masks_and_metadata(tmp_path):
    steps = []
    write(tmp_path / "set", per_class=5, size=48, seed=2, progress=lambda done, total: steps.append((done, total)))
    table = pd.read_csv(tmp_path / "set" / "metadata.csv")
    assert list(table.columns) == ["path", "label", "patient_id", "source", "view"]
    assert steps == [(done, 20) for done in range(1, 21)]
    assert table["label"].value_counts().to_dict() == dict.fromkeys(CLASSES, 5)
    assert set(table["source"]) == {"synthetic"}
    assert set(table["view"]) == {"PA"}
    assert len(files(tmp_path / "set")) == 2 * 20 + 1
    for row in table.itertuples():
        name = row.path.split("/")[1]
        patient, view = name.removesuffix(".png").rsplit("-", 1)
        phantom = draw(row.label, int(patient.removeprefix("SYN-")), int(view), seed=2, size=48)
        assert (phantom.patient_id, row.path.split("/")[0]) == (row.patient_id, row.label)
        image = Image.open(tmp_path / "set" / row.path)
        assert image.mode == "L"
        assert np.array_equal(np.asarray(image), phantom.image)
        assert np.array_equal(np.asarray(Image.open(tmp_path / "set" / "masks" / name)), phantom.lesion * np.uint8(255))


def test_every_patient_is_of_one_class_and_some_have_two_images(tmp_path):
    write(tmp_path / "set", per_class=24, size=32)
    patients = pd.read_csv(tmp_path / "set" / "metadata.csv").groupby("patient_id")
    assert (patients["label"].nunique() == 1).all()
    assert set(patients.size()) == {1, 2}
    assert (patients.size() == 1).mean() > 0.5


def test_a_larger_set_keeps_the_images_of_a_smaller_one(tmp_path):
    write(tmp_path / "small", per_class=3, size=32)
    write(tmp_path / "large", per_class=6, size=32)
    small, large = files(tmp_path / "small"), files(tmp_path / "large")
    del small["metadata.csv"]
    assert small.items() <= large.items()


def test_an_interrupted_write_leaves_nothing(tmp_path):
    def stop(done: int, _total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "set", per_class=4, size=32, progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_files_in_it_is_not_written_over(tmp_path):
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(InvalidSpec, match="new or empty folder"):
        write(tmp_path, per_class=1, size=32)
    assert files(tmp_path) == {"note.txt": b"mine"}


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "set").mkdir()
    write(tmp_path / "set", per_class=1, size=32)
    assert (tmp_path / "set" / "metadata.csv").is_file()


def test_an_unknown_label_is_answered_with_the_nearest():
    with pytest.raises(UnknownName, match="Did you mean COVID-like"):
        draw("covid-like", 0)


@pytest.mark.parametrize("size", [0, 31, 1025])
def test_an_impossible_size_is_refused_with_the_rule(size, tmp_path):
    with pytest.raises(InvalidSpec, match=rf"32 to 1024 pixels a side\. Received: {size}\. Choose"):
        draw("Normal", 0, size=size)
    with pytest.raises(InvalidSpec, match="32 to 1024"):
        write(tmp_path / "set", size=size)


def test_impossible_counts_are_refused_with_the_rule(tmp_path):
    with pytest.raises(InvalidSpec, match=r"at least one image a class. Received: 0\. Give"):
        write(tmp_path / "set", per_class=0)
    for wrong in ({"patient": -1}, {"patient": 0, "view": -1}, {"patient": 0, "seed": -1}):
        with pytest.raises(InvalidSpec, match=r"counted from 0\. Received: -1"):
            draw("Normal", **wrong)
    assert not (tmp_path / "set").exists()
