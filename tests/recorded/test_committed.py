"""The records that the project ships: small enough, whole, and what the document says."""

from pathlib import Path

import pytest

from core.benchmark import counting, document, recorded
from core.benchmark import table as tables
from core.evaluation.metrics import evaluate_predictions
from core.runs import index, kept_weights, store

SHIPPED = Path(__file__).resolve().parents[2] / "artifacts" / "recorded"
IMAGES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".dcm", ".npz", ".npy"}


@pytest.fixture(autouse=True)
def _shipped(monkeypatch):
    monkeypatch.setenv("CXRLAB_RECORDED", str(SHIPPED))


def test_all_records_together_are_small_and_hold_no_image():
    assert 0 < recorded.size(SHIPPED) <= recorded.MOST
    assert not [path for path in SHIPPED.rglob("*") if path.suffix.lower() in IMAGES]


def test_every_record_opens_and_its_figures_are_those_of_its_predictions():
    rows = index.rows()
    assert {row.run_id for row in rows} == {path.name for path in (SHIPPED / "runs").iterdir()}
    for row in rows:
        run = store.find(row.run_id)
        assert (row.state, row.recorded) == ("done", True)
        found = evaluate_predictions(run.predictions(), run.recipe().data.classes, "test").metrics
        again = {name: estimate.value for name, estimate in found.items()}
        assert again == pytest.approx({name: row.metrics[name] for name in again}, abs=recorded.SAME)
        assert run.split()["split"].value_counts()["test"] == row.test_images


def test_one_small_network_is_there_to_answer_uploads():
    (model,) = SHIPPED.glob("runs/*/model.safetensors")
    assert model.stat().st_size <= recorded.LARGEST_WEIGHTS
    assert model.parent.name == tables.stored().answers
    assert kept_weights.epoch_of(model) == store.find(model.parent.name).status().best_epoch
    assert (model.parent / "reference.safetensors").is_file()


def test_rows_whose_augmentation_marks_a_label_say_so():
    marked = [line.recipe for line in tables.stored().lines if "Covid-19 alone augmented" in line.note]
    assert marked == [line.recipe for line in tables.stored().lines if line.recipe.startswith("lacruz-2020-")] != []


def test_the_stored_table_and_the_document_are_what_the_records_give():
    table = counting.count(recorded.rows())
    assert tables.stored() == table
    assert document.written() == document.markdown(table)
