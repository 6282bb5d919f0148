"""Tables of a run's record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from core import wording
from core.report import contents, record
from core.runs.store import Run


def test_every_metric_of_the_evaluation_is_a_row(make_run: Callable[..., Run]) -> None:
    found = record.gather(make_run())
    rows = {row[0]: row[1] for row in contents.metrics(found).texts}
    assert list(rows) == [wording.METRICS[name] for name in found.evaluation.metrics]
    accuracy = found.evaluation.metrics["accuracy"]
    assert rows["Accuracy"] == wording.percent_interval(accuracy.value, accuracy.low, accuracy.high)


def test_images_are_counted_by_class_and_part(make_run: Callable[..., Run]) -> None:
    table = contents.images(record.gather(make_run()))
    assert list(table.columns) == ["class", "train", "validation", "test", "all"]
    assert table.texts[0] == ["COVID-19", "12", "4", "4", "20"]
    assert table.texts[-1] == ["all", "36", "12", "12", "60"]
    assert table.notes == ("Split grouped by patient: 30 patients.",)


def test_without_labels_images_are_counted_by_part(make_run: Callable[..., Run]) -> None:
    found = record.gather(make_run())
    older = replace(found, split=found.split.drop(columns="label"))
    assert contents.images(older).texts == [["all", "36", "12", "12", "60"]]


def test_images_of_unknown_patients_are_counted(make_run: Callable[..., Run]) -> None:
    found = record.gather(make_run())
    partly = found.split.assign(patient_id=[""] * 3 + list(found.split["patient_id"][3:]))
    assert contents.images(replace(found, split=partly)).notes == ("Split grouped by patient: 29 patients; 3 images of unknown patients.",)


def test_settings_that_differ_from_the_entry_are_named(make_run: Callable[..., Run]) -> None:
    assert contents.differences(record.gather(make_run())).texts == [["epochs", "8", "3"]]
    assert contents.differences(record.gather(make_run(epochs=8))) is None


def test_comparisons_stand_beside_this_run(make_run: Callable[..., Run]) -> None:
    found = record.gather(make_run())
    assert contents.comparisons(found) is None
    table = contents.comparisons(replace(found, comparisons={"border pixels": found.evaluation}))
    assert [row[:2] for row in table.texts] == [["this run", "12"], ["border pixels", "12"]]
    assert table.texts[0][2:] == table.texts[1][2:]
    without = contents.comparisons(replace(found, evaluation=None, comparisons={"border pixels": found.evaluation}))
    assert [row[0] for row in without.texts] == ["border pixels"]


def test_epochs_whose_weights_were_kept_are_marked(make_run: Callable[..., Run]) -> None:
    table = contents.epochs(record.gather(make_run()))
    assert [row[0] for row in table.texts] == ["1 ★", "2"]
    assert table.texts[1][4] == ""  # a loss that was not finite


def test_the_environment_names_versions_and_no_folder(make_run: Callable[..., Run]) -> None:
    rows = dict(contents.environment(record.gather(make_run())).texts)
    assert rows["packages"] == "torch 2.15.0, numpy 2.3.1"
    assert rows["device"] == "two cores"
    assert rows["weights"].startswith("described …/first.pt, loaded 12")


def test_a_run_that_never_trained_has_no_tables_but_its_recipe(make_run: Callable[..., Run]) -> None:
    found = record.gather(make_run(finished=False))
    made = (
        contents.metrics,
        contents.classes,
        contents.averages,
        contents.confusion,
        contents.epochs,
        contents.images,
        contents.environment,
    )
    assert [make(found) for make in made] == [None] * len(made)
    assert ["model", "resnet18"] in contents.settings(found).texts
