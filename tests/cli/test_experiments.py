"""Sweeps and experiments on the command line."""

from __future__ import annotations

import json

import pytest

from core.__main__ import main
from core.cli import options
from core.errors import InvalidSpec
from core.jobs import queue, supervisors
from core.runs import store

TINY = ["--image-size", "24", "--epochs", "1", "--batch-size", "8"]


@pytest.fixture
def run_json(capsys):
    def run(*arguments):
        capsys.readouterr()
        code = main([*map(str, arguments), "--json"])
        return code, json.loads(capsys.readouterr().out)

    return run


@pytest.fixture(autouse=True)
def ensured(monkeypatch):
    calls = []
    monkeypatch.setattr(supervisors, "ensure", lambda: calls.append(1))
    return calls


@pytest.fixture
def folder(make_folder):
    return make_folder({"a": 24, "b": 24}, size=24, patients=2, name="set")


def test_one_run_is_answered_with_its_row(run_json, folder):
    code, row = run_json("submit", "--data", folder, "--model", "alasfoor-cnn22", *TINY)
    assert code == 0
    assert row.keys() == {"run_id", "status", "asked", "message", "submitted", "folder"}
    assert row["status"] == "queued"
    assert queue.find(row["run_id"]).experiment_name == ""


def test_several_runs_are_answered_with_their_experiment(run_json, folder, ensured):
    grid = ["--seeds", "0-1", "--folds", "2", "--grid", "optimiser.lr=0.1,0.01", "--grid", "keep=last"]
    code, content = run_json("submit", "--data", folder, "--model", "alasfoor-cnn22", *TINY, *grid, "--name", "trial")
    assert code == 0
    assert (content["experiment"], content["count"], content["seconds"]) == ("trial", 8, None)
    assert [job.run_id for job in queue.jobs()] == content["runs"]
    assert {store.find(run).recipe().optimiser.lr for run in content["runs"]} == {0.1, 0.01}
    assert len(ensured) == 1


def test_recipes_and_models_may_be_given_often_and_a_name_is_found_where_none_is_given(run_json, folder):
    models = ["--model", "alasfoor-cnn22", "--model", "resnet18"]
    _, content = run_json("submit", "--data", folder, *models, "--image-size", "64", "--batch-size", "8", "--unsupervised")
    assert content["count"] == 2
    assert content["experiment"].startswith("sweep-")


def test_a_dry_run_counts_and_estimates_and_queues_nothing(run_json, folder):
    code, content = run_json("submit", "--data", folder, "--model", "alasfoor-cnn22", *TINY, "--seeds", "0,3,7", "--name", "x", "--dry-run")
    assert (code, content["count"], content["runs"]) == (0, 3, [])
    assert content["seconds"] > 0
    assert queue.jobs() == []
    assert store.ids() == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "alasfoor-cnn22", "--seed", "1", "--seeds", "0-4"], "each field once"),
        (["--model", "alasfoor-cnn22", "--seeds", "4-0"], "Seeds are whole numbers"),
        (["--model", "alasfoor-cnn22", "--grid", "optimiser.lr"], "FIELD=VALUE,VALUE"),
        (["--model", "alasfoor-cnn22", "--grid", "optimiser.weigt_decay=0.1,0.2"], "Did you mean"),
        ([], "--recipe or --model at least once"),
    ],
)
def test_a_sweep_that_cannot_be_meant_is_wrong_usage(run_json, folder, arguments, message):
    code, content = run_json("submit", "--data", folder, *arguments)
    assert code == 2
    assert message in content["error"]
    assert queue.jobs() == []


def test_experiments_are_listed_shown_and_cancelled(run_json, folder):
    _, submitted = run_json("submit", "--data", folder, "--model", "alasfoor-cnn22", *TINY, "--seeds", "0-2", "--name", "trial")
    _, listed = run_json("experiments", "list")
    assert [(one["experiment"], one["states"], one["variations"]) for one in listed] == [("trial", {"queued": 3}, 1)]
    _, shown = run_json("experiments", "show", "trial")
    assert {job["run_id"] for job in shown["jobs"]} == set(submitted["runs"])
    assert shown["variations"][0]["interval"] == "No run is done yet."
    code, cancelled = run_json("cancel", "--experiment", "trial")
    assert (code, cancelled["count"], set(cancelled["runs"])) == (0, 3, set(submitted["runs"]))
    assert run_json("experiments", "show", "trial")[1]["states"] == {"cancelled": 3}


def test_a_cross_validation_ends_in_the_interval_of_its_pooled_predictions(run_json, folder):
    sweep = ["--folds", "3", "--name", "trial"]
    _, submitted = run_json("submit", "--data", folder, "--model", "alasfoor-cnn22", *TINY, *sweep)
    outcomes = [run_json("train", "--resume", run)[1] for run in submitted["runs"]]
    _, shown = run_json("experiments", "show", "trial")
    (variation,) = shown["variations"]
    accuracy, n = variation["metrics"]["accuracy"], [outcome["metrics"]["images"] for outcome in outcomes]
    assert (variation["done"], sum(n)) == (3, 48)
    right = sum(outcome["metrics"]["accuracy"] * images for outcome, images in zip(outcomes, n, strict=True))
    assert accuracy["interval"]["value"] == pytest.approx(right / 48)
    assert accuracy["interval"]["low"] < accuracy["interval"]["value"] < accuracy["interval"]["high"]
    assert accuracy["mean"] == pytest.approx(sum(outcome["metrics"]["accuracy"] for outcome in outcomes) / 3)
    assert "bootstrap by patient (24)" in variation["interval"]
    assert "48 images, each once" in variation["interval"]


def test_experiments_are_shown_as_text(capsys, folder):
    assert main(["experiments", "list"]) == 0
    assert "No experiment yet" in capsys.readouterr().out
    main(["submit", "--data", str(folder), "--model", "alasfoor-cnn22", *TINY, "--seeds", "0-1", "--name", "trial"])
    assert "2 runs on 1 device" in capsys.readouterr().out
    main(["train", "--resume", queue.jobs()[0].run_id])
    capsys.readouterr()
    assert main(["experiments", "show", "trial"]) == 0
    text = capsys.readouterr().out
    assert "trial: 1 done, 1 queued" in text
    assert "(1 run)" in text
    assert "One run: 95 % intervals" in text


@pytest.mark.parametrize("arguments", [[], ["x", "--experiment", "y"]])
def test_a_job_or_an_experiment_is_cancelled_never_both(run_json, arguments):
    assert run_json("cancel", *arguments)[0] == 2


def test_an_unknown_experiment_is_wrong_usage(run_json):
    assert run_json("experiments", "show", "trial")[0] == 2
    assert run_json("cancel", "--experiment", "trial")[0] == 2


def test_a_field_is_varied_once():
    with pytest.raises(InvalidSpec, match="given once"):
        options.axes(["epochs=1,2", "epochs=3"])
