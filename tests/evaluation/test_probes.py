"""Probes find what betrays a class, find nothing in noise, and are computed once for equal splits."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data import library, splits
from core.data.manifest import Manifest
from core.errors import UnknownName, UnusableData
from core.evaluation import probes
from core.evaluation.comparison import compare
from core.evaluation.metrics import evaluate_predictions
from core.evaluation.predicted import Predicted, of_run
from core.recipes import fitting
from core.runs import store
from core.runs.store import PROBABILITY, Run
from core.training import feeds

MakeFolder = Callable[..., Path]


@pytest.fixture(autouse=True)
def few_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "TREES", 30)


def made_run(manifest: Manifest, **changes: object) -> Run:
    """A run as the trainer leaves it on `manifest`, with equal probabilities for all classes."""
    import torch

    draft = fitting.draft(model="alasfoor-cnn22", **{"image.size": 24, "batch_size": 4, **changes})
    run = store.create(fitting.fit(draft, manifest)[0])
    table = feeds.open_feeds(run.recipe(), manifest, torch.device("cpu")).table
    run.write_split(table)
    answers = table[table["split"] != "train"].drop(columns="sha256").reset_index(drop=True)
    classes = run.recipe().data.classes
    run.write_predictions(answers.assign(**{PROBABILITY + name: 1 / len(classes) for name in classes}))
    return run


def changed(folder: Path, label: str, change: Callable[[Image.Image], Image.Image]) -> Path:
    for path in (folder / label).glob("*.png"):
        with Image.open(path) as image:
            change(image).save(path)
    return folder


def accuracy(found: Predicted) -> float:
    return float(found.right().mean())


def framed(image: Image.Image) -> Image.Image:
    """A white frame, three of 40 pixels wide."""
    pixels = np.full((40, 40), 255, np.uint8)
    pixels[3:-3, 3:-3] = np.asarray(image)[3:-3, 3:-3]
    return Image.fromarray(pixels)


def dotted(image: Image.Image) -> Image.Image:
    """A white centre that neither the border nor the surroundings show."""
    pixels = np.array(image)
    pixels[12:-12, 12:-12] = 255
    return Image.fromarray(pixels)


def test_a_class_of_larger_files_is_found_by_the_image_size_alone(make_folder: MakeFolder) -> None:
    folder = changed(make_folder({"a": 40, "b": 40}), "b", lambda image: image.resize((48, 48)))
    found = probes.for_run(made_run(library.open_dataset(str(folder))))
    assert found.keys() == probes.PROBES.keys() - {"source"}  # no image names one
    assert accuracy(found["image-size"]) == accuracy(found["file"]) == 1


def test_noise_betrays_nothing(make_folder: MakeFolder) -> None:
    found = probes.for_run(made_run(library.open_dataset(str(make_folder({"a": 60, "b": 60})))))
    assert accuracy(found["image-size"]) == 0.5
    assert all(0.2 < accuracy(answers) < 0.8 for answers in found.values())


@pytest.mark.parametrize(
    ("change", "seen_by"),
    [(framed, {"file", "histogram", "border", "centre-blacked-out", "thumbnail"}), (dotted, {"file", "histogram", "thumbnail"})],
)
def test_each_probe_sees_its_part_of_the_image_and_no_other(
    make_folder: MakeFolder, change: Callable[[Image.Image], Image.Image], seen_by: set[str]
) -> None:
    folder = changed(make_folder({"a": 40, "b": 40}, size=40), "b", change)
    found = probes.for_run(made_run(library.open_dataset(str(folder))))
    assert {name for name, answers in found.items() if accuracy(answers) == 1} == seen_by
    assert all(accuracy(found[name]) < 0.9 for name in found.keys() - seen_by)


def test_answers_have_the_form_of_a_run_s_and_are_paired_with_it(make_folder: MakeFolder) -> None:
    run = made_run(library.open_dataset(str(make_folder({"a": 20, "b": 20}, patients=2))))
    table = probes.run("image-size", library.open_dataset(run.recipe().data.name), run.split())
    assert table[["sample_id", "label", "patient_id", "split"]].equals(
        run.split().query("split != 'train'").reset_index(drop=True)[["sample_id", "label", "patient_id", "split"]]
    )
    assert table.filter(like=PROBABILITY).sum(axis=1).to_numpy() == pytest.approx(1)
    pairs = compare([of_run(run), *probes.for_run(run).values()]).pairs
    assert not any(pair.unpaired for pair in pairs)


def test_answers_are_kept_and_shared_by_runs_of_equal_splits(make_folder: MakeFolder, artifacts: Path) -> None:
    manifest = library.open_dataset(str(make_folder({"a": 20, "b": 20})))
    first, same, other = made_run(manifest), made_run(manifest, epochs=3), made_run(manifest, **{"split.fold": 1})
    assert probes.cached(first) == {}
    seen: list[tuple[int, int]] = []
    found = probes.for_run(first, lambda done, total: seen.append((done, total)))
    assert (seen[-1], len(seen)) == ((40, 40), 40)
    assert probes.cached(other) == {}
    kept = probes.cached(same)
    assert all(kept[name].table.equals(found[name].table) for name in found)
    (key,) = probes.stored_keys()
    place = artifacts / "probes" / str(probes.VERSION) / key
    assert {file.name for file in place.iterdir()} == {"about.json", *(f"{name}.parquet" for name in found)}
    assert (probes.stored(key).data, probes.stored(key).answers.keys()) == ("set", found.keys())
    assert probes.cached(first, "validation")["border"].table["split"].unique().tolist() == ["validation"]


def test_figures_are_stored_beside_the_answers_and_computed_where_they_are_not(make_folder: MakeFolder, artifacts: Path) -> None:
    found = probes.for_run(made_run(library.open_dataset(str(make_folder({"a": 20, "b": 20})))))
    (key,) = probes.stored_keys()
    tested = probes.tested(key)
    expected = {name: evaluate_predictions(each.table, each.classes) for name, each in found.items()}
    assert {name: each.metrics for name, each in tested.items()} == {name: each.metrics for name, each in expected.items()}
    assert {(each.data, each.images) for each in tested.values()} == {("set", next(iter(expected.values())).images)}
    about = artifacts / "probes" / str(probes.VERSION) / key / probes.ABOUT
    about.write_text(json.dumps({name: value for name, value in json.loads(about.read_text()).items() if name != "test"}))
    assert probes.tested(key) == tested
    with pytest.raises(UnknownName, match="probed split"):
        probes.tested("other")


def test_equal_seeds_give_equal_answers(make_folder: MakeFolder) -> None:
    manifest = library.open_dataset(str(make_folder({"a": 20, "b": 20})))
    split = made_run(manifest).split()
    assert probes.run("border", manifest, split).equals(probes.run("border", manifest, split))


def test_part_of_a_data_set_and_copies_are_probed_as_they_were_taken(make_folder: MakeFolder) -> None:
    manifest = library.open_dataset(str(make_folder({"a": 20, "b": 20, "c": 5})))
    run = made_run(manifest, **{"subset.labels": ("a", "b"), "copies.of": {"a": 2}, "copies.before_split": True})
    found = probes.for_run(run)["thumbnail"]
    assert found.classes == ("a", "b")
    assert found.table["sample_id"].tolist() == of_run(run).table["sample_id"].tolist()
    assert found.table["sample_id"].str.contains("#").any()


def test_data_that_is_gone_or_changed_is_refused(make_folder: MakeFolder) -> None:
    folder = make_folder({"a": 20, "b": 20})
    run = made_run(library.open_dataset(str(folder)))
    Image.new("L", (30, 30)).save(folder / "a" / "000.png")
    with pytest.raises(UnusableData, match="do not change after the import"):
        probes.for_run(run)
    library.import_folder(folder, run.recipe().data.name)
    with pytest.raises(UnusableData, match="changed since run"):
        probes.for_run(run)
    forgotten = store.create(run.recipe().model_copy(update={"data": run.recipe().data.model_copy(update={"name": "forgotten"})}))
    forgotten.write_split(run.split())
    with pytest.raises(UnknownName, match="forgotten"):
        probes.for_run(forgotten)


def test_an_unknown_probe_is_refused_with_the_nearest(make_folder: MakeFolder) -> None:
    manifest = library.open_dataset(str(make_folder({"a": 5, "b": 5})))
    with pytest.raises(UnknownName, match="Did you mean border"):
        probes.run("boarder", manifest, manifest.table.assign(sample_id="", split=splits.PARTS[0]))


def test_a_probing_that_was_cut_short_counts_for_nothing(make_folder: MakeFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    run = made_run(library.open_dataset(str(make_folder({"a": 20, "b": 20}))))
    with monkeypatch.context() as patch:
        patch.setattr(probes, "write_json", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            probes.for_run(run)
    assert probes.cached(run) == {}
    assert probes.stored_keys() == []
    assert probes.for_run(run).keys() == probes.PROBES.keys() - {"source"}
    with pytest.raises(UnknownName, match="probed split"):
        probes.stored("nothing")


def test_a_probe_that_comes_near_the_network_is_a_caution_beside_its_figures(make_folder: MakeFolder) -> None:
    folder = make_folder({"a": 20}, size=24, name="both")
    make_folder({"b": 20}, size=48, name="large")
    (folder.parent / "large" / "b").rename(folder / "b")
    run = made_run(library.open_dataset(str(folder)))
    assert probes.cautions(run) == ()  # nothing was probed yet
    probes.for_run(run)
    found = "\n".join(probes.cautions(run))
    assert "A probe that sees only width, height and aspect ratio of the file (no pixel)" in found
    assert "AUC of 1.000" in found


def test_the_source_alone_is_probed_where_images_name_one(make_folder: MakeFolder) -> None:
    folder = make_folder({"a": 20, "b": 20}, patients=1)
    table = folder / "metadata.csv"
    lines = [line.replace("made", "one hospital") if line.startswith("a/") else line for line in table.read_text().splitlines()]
    table.write_text("\n".join(lines))
    manifest = library.open_dataset(str(folder))
    assert accuracy(probes.for_data(manifest)["source"]) == 1


def test_a_data_set_s_probes_are_those_of_a_run_with_the_default_split(make_folder: MakeFolder) -> None:
    manifest = library.open_dataset(str(make_folder({"a": 20, "b": 20})))
    found, run = probes.for_data(manifest), made_run(manifest)
    assert probes.cached(run).keys() == found.keys()
    parts = probes.parts_of(run, manifest)
    assert parts == run.split()["split"].tolist()
