"""An audit finds what was planted, says it with its numbers, and survives the way to JSON and back."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data import library
from core.data.audit import Audit, audit, overlap, stored
from core.data.manifest import Manifest

MakeFolder = Callable[..., Path]


def lights(found: Audit) -> dict[str, str]:
    return {finding.name: finding.light for finding in found.findings}


def with_metadata(folder: Path, patient: Callable[[str, int], str], source: Callable[[str], str]) -> Manifest:
    rows = [(path.relative_to(folder).as_posix(), path.parent.name, int(path.stem)) for path in sorted(folder.glob("*/*.png"))]
    with open(folder / "metadata.csv", "w", newline="", encoding="utf-8") as file:
        head = ("path", "label", "patient_id", "source", "view")
        csv.writer(file).writerows([head, *((path, label, patient(label, number), source(label), "") for path, label, number in rows)])
    return library.open_dataset(str(folder))


def test_a_clean_set_is_green(make_folder: MakeFolder) -> None:
    data = with_metadata(make_folder({"a": 40, "b": 40}), lambda label, number: f"{label}{number}", lambda _: "one hospital")
    found = audit(data)
    assert (found.light, set(lights(found).values())) == ("green", {"green"})
    assert (found.images, found.classes, found.patients, found.sources) == (80, {"a": 40, "b": 40}, 80, {"one hospital": 80})


def test_a_source_that_gives_the_label_away_is_red(make_folder: MakeFolder) -> None:
    found = audit(with_metadata(make_folder({"a": 40, "b": 40}), lambda label, number: f"{label}{number}", lambda label: f"from {label}"))
    assert (lights(found)["sources"], found.source_association) == ("red", pytest.approx(1))
    assert found.by_source == {"from a": {"a": 40}, "from b": {"b": 40}}
    (finding,) = (one for one in found.findings if one.name == "sources")
    assert "Every image of a comes from from a" in finding.sentence
    assert len(finding.rows) == 80


def test_patients_in_two_classes_and_in_two_parts_are_named(make_folder: MakeFolder) -> None:
    data = with_metadata(
        make_folder({"a": 30, "b": 30}), lambda label, number: "both" if number == 7 else f"{label}{number}", lambda _: "s"
    )
    assert audit(data).leakage == {
        "patients_in_classes": {"both": ["a", "b"]}, "patients_in_parts": {}, "pairs_across_parts": 0, "split": False,
    }  # fmt: skip
    parts = ["train"] * 59 + ["test"]
    parts[7] = "test"
    found = audit(data, parts=parts)
    assert found.leakage["patients_in_parts"] == {"both": ["test", "train"]}
    assert lights(found)["patients in splits"] == "red"


def test_duplicates_with_two_labels_are_conflicts(make_folder: MakeFolder) -> None:
    folder = make_folder({"a": 30, "b": 30})
    with Image.open(folder / "a" / "000.png") as image:
        image.save(folder / "b" / "twin.bmp")
    found = audit(library.open_dataset(str(folder)), parts=["train"] * 60 + ["test"])
    (pair,) = found.conflicts
    assert (pair.first_path, pair.second_path, pair.kind) == ("a/000.png", "b/twin.bmp", "same pixels")
    assert found.leakage["pairs_across_parts"] == 1
    assert {name for name, light in lights(found).items() if light == "red"} >= {"label conflicts", "duplicates in splits"}


def test_sizes_that_tell_the_classes_apart_are_red(make_folder: MakeFolder) -> None:
    folder = make_folder({"a": 30, "b": 30})
    for path in (folder / "b").iterdir():
        with Image.open(path) as image:
            image.resize((30, 30)).save(path)
    assert lights(audit(library.open_dataset(str(folder))))["image sizes"] == "red"


def test_what_was_left_out_and_small_classes_are_said(make_folder: MakeFolder) -> None:
    found = audit(library.open_dataset(str(make_folder({"a": 30, "b": 3}))), [("b/9.png", "damaged")])
    assert (lights(found)["unreadable"], lights(found)["classes"], lights(found)["patients"]) == ("amber", "red", "amber")
    assert "b/9.png: damaged" in found.text


def test_an_audit_is_kept_for_exactly_this_content_and_comes_back_equal(make_folder: MakeFolder) -> None:
    data = library.open_dataset(str(make_folder({"a": 5, "b": 5}, patients=1)))
    assert stored(data) is None
    found = audit(data, [("x", "y")])
    assert stored(data) == found == Audit.from_json(json.loads(json.dumps(found.to_json())))
    assert stored(Manifest(data.name, data.root, data.table.iloc[1:].reset_index(drop=True))) is None


def test_images_of_one_set_are_found_in_another(make_folder: MakeFolder) -> None:
    first = make_folder({"a": 8}, name="first")
    second = make_folder({"b": 8}, name="second", seed=1)
    pixels = np.asarray(Image.open(first / "a" / "003.png"))
    for name in ("100.bmp", "101.bmp"):
        Image.fromarray(pixels).save(second / "b" / name)
    pairs = overlap(*(library.open_dataset(str(folder)) for folder in (first, second)))
    assert [(pair.first_path, pair.second_path, pair.kind) for pair in pairs] == [
        ("a/003.png", "b/100.bmp", "same pixels"), ("a/003.png", "b/101.bmp", "same pixels"),
    ]  # fmt: skip
