"""Records: small, complete, opened like runs, never changed."""

import shutil
import time

import numpy as np
import pandas as pd
import pytest

from core import assessment, cross_data
from core.benchmark import recorded
from core.data import library
from core.errors import UnusableRun
from core.evaluation import board, probes
from core.evaluation.metrics import evaluate_predictions
from core.jobs import estimates, requests
from core.runs import index, store


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_finished_run_has_a_record_that_opens_with_its_figures(made, records):
    rows = index.rows()
    assert {row.run_id for row in rows} == set(made.outcome.written) == {path.name for path in (records / "runs").iterdir()}
    assert all(row.recorded and row.experiment_name.endswith("(recorded)") for row in rows)
    for row in rows:
        run = store.find(row.run_id)
        found = evaluate_predictions(run.predictions(), run.recipe().data.classes, "test").metrics
        assert {name: found[name].value for name in ("accuracy", "loss")} == pytest.approx(
            {name: row.metrics[name] for name in ("accuracy", "loss")}, abs=1e-6
        )
        assert run.metrics()[-1]["epoch"] == 2
        assert len(run.split()) == 72


@pytest.mark.usefixtures("records")
def test_the_index_gives_the_same_rows_when_it_read_them_before():
    assert index.rows() == index.rows()
    assert {type(row.to_json()["recorded"]) for row in index.rows()} == {bool}


def test_records_of_one_split_share_it(records):
    assert len(list((records / "splits").iterdir())) == 4
    assert not list(records.glob("runs/*/split.parquet"))


def test_one_network_of_the_honest_protocol_keeps_its_weights_in_half_precision(made, records):
    (model,) = records.glob("runs/*/model.safetensors")
    assert model.parent.name == made.outcome.answers
    assert made.outcome.answers.startswith("honest-")
    assert {str(value.dtype) for value in store.find(made.outcome.answers).weights().values()} <= {"torch.float16", "torch.int64"}


def test_a_second_recording_writes_nothing(made, monkeypatch):
    monkeypatch.setenv("CXRLAB_ARTIFACTS", str(made.artifacts))
    monkeypatch.setenv("CXRLAB_RECORDED", str(made.records))
    before = contents(made.records)
    again = recorded.record(index.rows(), made.records)
    assert (again.written, set(again.kept), again.answers) == ((), set(made.outcome.written), made.outcome.answers)
    assert contents(made.records) == before


def test_who_looks_while_a_record_is_written_sees_it_afterwards(made, monkeypatch, tmp_path):
    shutil.copytree(made.artifacts, tmp_path / "copy")
    monkeypatch.setenv("CXRLAB_ARTIFACTS", str(tmp_path / "copy"))
    monkeypatch.setenv("CXRLAB_RECORDED", str(tmp_path / "out"))
    write, seen = recorded._write_table, []

    def looked_at(*arguments):
        seen.append(len([row for row in index.rows() if row.recorded]))
        time.sleep(0.02)  # file systems tell times of change so far apart
        write(*arguments)

    monkeypatch.setattr(recorded, "_write_table", looked_at)
    recorded.record(index.rows(), tmp_path / "out")
    assert seen[0] == 0
    assert {row.run_id for row in index.rows() if row.recorded} == set(made.outcome.written)


def test_predictions_that_do_not_give_the_figures_are_not_recorded(made, monkeypatch, tmp_path):
    shutil.copytree(made.artifacts, tmp_path / "copy")
    monkeypatch.setenv("CXRLAB_ARTIFACTS", str(tmp_path / "copy"))
    run = store.find(store.ids()[0])
    status = run.status()
    run.write_status(status.model_copy(update={"result": status.result | {"accuracy": status.result["accuracy"] - 0.1}}))
    with pytest.raises(UnusableRun, match="accuracy"):
        recorded.record(index.rows(), tmp_path / "out")


def test_answers_that_single_precision_would_make_equal_stay_as_they_are(made, monkeypatch, tmp_path):
    shutil.copytree(made.artifacts, tmp_path / "copy")
    monkeypatch.setenv("CXRLAB_ARTIFACTS", str(tmp_path / "copy"))
    monkeypatch.setenv("CXRLAB_RECORDED", str(tmp_path / "out"))
    run = store.find(store.ids()[0])
    table, classes = run.predictions(), run.recipe().data.classes
    names = [f"probability_{name}" for name in classes]
    table[names] = 1 / len(names)
    table[names[0]] += 1e-12 * np.random.default_rng(0).normal(size=len(table))  # ranks that a rounded number does not hold
    table[names[1]] = 1 - table[names[0]] - table[names[2]]
    table.to_parquet(run.folder / "predictions.parquet")
    found = evaluate_predictions(table, classes, "test").metrics
    run.write_status(run.status().model_copy(update={"result": {name: one.value for name, one in found.items()}}))
    recorded.record(index.rows(), tmp_path / "out")
    kinds = [set(pd.read_parquet(path)[names].dtypes.astype(str)) for path in (tmp_path / "out").glob("runs/*/predictions.parquet")]
    assert sorted(kinds, key=str) == [{"float32"}] * 3 + [{"float64"}]


@pytest.mark.usefixtures("records")
@pytest.mark.parametrize("request_", [requests.delete, requests.go_on, requests.cancel, requests.pause, requests.move])
def test_a_recorded_run_is_neither_deleted_nor_stopped_nor_gone_on_with(request_, records):
    before = contents(records)
    with pytest.raises(UnusableRun):
        request_(store.find(store.ids()[0]))
    with pytest.raises(UnusableRun, match="stays as it is"), store.find(store.ids()[0]).exclusively():
        pass
    assert contents(records) == before


def test_answers_about_other_images_are_kept_among_this_machines_files(made, records, artifacts, make_folder):
    before = contents(records)
    other = library.open_dataset(str(make_folder({"COVID-19": 6, "Normal": 6, "Pneumonia": 6}, name="other", seed=1)))
    assert len(assessment.of_data(store.find(made.outcome.answers), other).predictions) == 18
    assert list(artifacts.rglob("assessments/*.parquet"))
    assert contents(records) == before


@pytest.mark.usefixtures("records")
def test_a_record_without_weights_shows_what_they_answered_and_says_that_they_are_gone(made):
    run = store.find(next(name for name in made.outcome.written if name != made.outcome.answers))
    assert assessment.weights_epochs(run) == {"best": run.status().best_epoch}
    assert len(assessment.of_part(run, "test")) == 36
    with pytest.raises(UnusableRun):
        run.weights()


@pytest.mark.usefixtures("records")
def test_across_data_sets_a_record_without_weights_is_not_chosen_and_says_why_it_cannot_be_tested(made, make_folder):
    assert cross_data.newest_of_each(index.rows()) == [made.outcome.answers]
    assert set(cross_data.newest_of_each([row for row in index.rows() if row.run_id != made.outcome.answers])) < set(made.outcome.written)
    folder = make_folder({"COVID-19": 6, "Normal": 6, "Pneumonia": 6}, name="other", seed=1)
    runs = [store.find(made.outcome.answers), store.find(next(name for name in made.outcome.written if name != made.outcome.answers))]
    with_weights, without = cross_data.cells(runs, [str(folder)])
    assert (with_weights.missing, with_weights.text) == (True, "not tested yet")
    assert (without.missing, without.text) == (False, "cannot be tested")
    assert "has not" in without.worth.problem


@pytest.mark.usefixtures("records")
def test_the_probes_of_a_recorded_run_are_there_without_its_images():
    assert "thumbnail" in probes.cached(store.find(store.ids()[0]))


@pytest.mark.usefixtures("records")
def test_the_board_marks_recorded_rows_and_no_time_is_told_by_them():
    lines = board.table(board.board("alasfoor-2020", index.rows()))
    assert any("(recorded)" in line["Ours: data"] for line in lines)
    assert estimates.pace(index.rows()) == {}
