"""Planted data sets: what is written, that it is made once, and that its clean twin is the same but for the marker."""

import numpy as np
import pandas as pd
import pytest

from core.data import library, phantom, splits
from core.errors import InvalidSpec, UnknownName
from core.shortcuts import planting, sets
from core.shortcuts.planting import Border, Letter


def metadata(name):
    return pd.read_csv(library.describe(name).root + "/metadata.csv", dtype=str, keep_default_na=False)


def test_the_planted_set_differs_from_its_twin_by_the_marker_alone(planted):
    for row in metadata(planted.name).itertuples():
        clean, image = sets.read(planted.clean, row.path), sets.read(planted.name, row.path)
        expected = planting.plant(clean, planted.marker) if row.planted == "yes" else clean
        assert (image == expected).all()
        assert (row.planted == "yes") == (row.label == "a")


def test_patients_and_origins_are_kept(planted, source):
    table, origin = metadata(planted.name), library.open_dataset(source).table.set_index("path")
    assert (table["patient_id"].to_numpy() == origin.loc[table["original"], "patient_id"].to_numpy()).all()
    assert set(table["label"]) == {"a", "b"}  # c was not kept


def test_both_sets_are_split_alike(planted):
    how = {"folds": 5, "fold": 0, "validation_folds": 5, "seed": 0}
    marked, clean = (splits.split(library.open_dataset(name), **how).part for name in (planted.name, planted.clean))
    assert (marked == clean).all()


def test_the_same_planting_is_made_once_and_another_one_shares_the_twin(planted, source):
    written = library.describe(planted.name).imported
    assert sets.make(sets.Plan(source, "a", Letter(size=0.3), against=("b",))) == planted
    assert library.describe(planted.name).imported == written
    other = sets.make(sets.Plan(source, "a", Border(), against=("b",)))
    assert other.name != planted.name
    assert other.clean == planted.clean
    assert sets.every() == sorted([planted, other], key=lambda each: each.name)
    assert sets.sources() == ["phantom", source]


def test_a_share_is_drawn_by_patient_and_by_its_seed(source):
    found = [sets.make(sets.Plan(source, "a", Letter(), 0.4, ("b",), seed=seed)) for seed in (0, 0, 1)]
    carriers = [sets.marked(each) for each in found]
    assert found[0].marked == 8
    assert carriers[0] == carriers[1] != carriers[2]
    table = metadata(found[0].name)
    assert (table[table["label"] == "a"].groupby("patient_id")["planted"].nunique() == 1).all()


def test_a_large_class_is_cut_and_the_set_says_so(source):
    planted = sets.make(sets.Plan(source, "a", Letter(), against=("b",), per_class=10))
    assert planted.images == 20
    assert planted.left_out == {"a": 10, "b": 10}
    (note, *_) = library.describe(planted.name).notes
    assert note.startswith("Planted for teaching")
    assert "left out: 10 of “a”, 10 of “b”" in note


def test_large_images_are_reduced_and_keep_their_aspect(make_folder):
    from PIL import Image

    folder = make_folder({"a": 5, "b": 5}, size=30, name="large")
    Image.fromarray(np.zeros((600, 800), np.uint8)).save(folder / "a" / "000.png")
    planted = sets.make(sets.Plan(library.import_folder(folder, "large").name, "a", Letter()))
    assert sets.read(planted.clean, "00000.png").shape == (288, 384)


def test_the_lesions_of_a_phantom_come_along(artifacts):
    folder = artifacts / "datasets" / "phantom" / "images"
    phantom.write(folder, per_class=6, size=48)
    library.import_folder(folder, "phantom", synthetic=True)
    planted = sets.make(sets.Plan("phantom", "COVID-like", Letter(), against=("Normal",)))
    manifest = library.open_dataset(planted.name)
    assert manifest.synthetic
    assert all((manifest.root / "masks" / path).is_file() for path in manifest.table["path"])


@pytest.mark.parametrize(
    ("change", "error"),
    [({"label": "z"}, UnknownName), ({"against": ("z",)}, UnknownName), ({"against": ("a",)}, InvalidSpec), ({"share": 0.0}, InvalidSpec)],
)
def test_what_cannot_be_planted_is_refused_and_nothing_is_written(source, change, error):
    with pytest.raises(error):
        sets.make(sets.Plan(**{"source": source, "label": "a", "marker": Letter(), "against": ("b",)} | change))
    assert [each.name for each in library.datasets()] == [source]


def test_an_undrawn_phantom_is_previewed_with_the_images_it_will_have():
    pairs = sets.samples(sets.Plan("phantom", "Lobar opacity", Border()), 2)
    assert len(pairs) == 2
    assert (pairs[0][0] == phantom.draw("Lobar opacity", 1).image).all()
    assert not library.is_registered("phantom")


def test_another_set_is_no_planted_one(source):
    assert sets.known(source) is None
    assert sets.known("nothing") is None
