"""The worker: a recipe in, a whole run folder out, whatever happens on the way."""

import re
import shutil

import pytest
import torch

from core.data import library
from core.errors import NotFinite, UnusableData, UnusableRun
from core.evaluation.metrics import evaluate_predictions
from core.training import loop, worker
from tests.training.interruptions import assert_equal_runs


def test_a_run_leaves_a_folder_with_everything_that_the_design_names(make_run):
    run = make_run()
    status = worker.run(run)
    assert status.state == "done"
    assert {path.name for path in run.folder.iterdir()} == {
        *("recipe.json", "environment.json", "status.json", "metrics.jsonl", "split.parquet", "predictions.parquet"),
        *("model.safetensors", "checkpoint", "log.txt", "lock"),
    }
    assert run.environment()["device"] == "cpu"
    assert [row["epoch"] for row in run.metrics() if row["kind"] == "epoch"] == [1, 2, 3]


def test_the_result_in_the_status_is_what_the_stored_predictions_say(make_run):
    run = make_run()
    status = worker.run(run)
    evaluation = evaluate_predictions(run.predictions(), ("a", "b"), "test")
    assert status.result["accuracy"] == evaluation.metrics["accuracy"].value
    assert status.result["images"] == evaluation.images == (run.split()["split"] == "test").sum()


def test_the_weights_kept_are_those_of_the_best_epoch(make_run):
    run = make_run()
    worker.run(run)
    best = [row["epoch"] for row in run.metrics() if row["kind"] == "epoch" and row["best"]][-1]
    assert run.weights_epoch() == run.status().best_epoch == best


def test_equal_recipes_in_reference_mode_give_equal_runs(make_run):
    first, second = make_run(), make_run()
    worker.run(first)
    worker.run(second)
    assert_equal_runs(first, second)


def test_a_cancelled_run_keeps_and_tests_the_best_weights_so_far(make_run):
    run = make_run(epochs=50)
    status = worker.run(run, report=lambda now: run.request_cancel() if now.epoch == 2 else None)
    assert status.state == "cancelled"
    assert status.best_epoch in (1, 2)
    assert status.result["accuracy"] >= 0
    assert run.has_model()
    assert not run.cancel_requested()


def test_a_run_cancelled_before_its_first_epoch_has_no_result_and_says_so(make_run):
    run = make_run()
    (run.folder / "cancel").touch()
    status = worker.run(run)
    assert (status.state, status.result) == ("cancelled", None)
    assert not run.has_predictions()


def test_a_loss_that_is_not_finite_fails_the_run_with_the_epoch_and_the_way_out(make_run):
    run = make_run(**{"optimiser.name": "sgd", "optimiser.lr": 10.0, "optimiser.momentum": 0.99, "schedule.name": "constant", "epochs": 60})
    with pytest.raises(NotFinite, match="Lower the learning rate"):
        worker.run(run)
    status = run.status()
    assert (status.state, status.failure) == ("failed", "not finite")
    assert re.search(r"in epoch \d+, from step \d+ on", status.message)


def test_data_that_is_gone_fails_the_run_with_the_folder_named(make_run):
    run = make_run()
    shutil.rmtree(library.describe("set").root)
    with pytest.raises(UnusableData, match="is gone"):
        worker.run(run)
    assert "is gone" in run.status().message
    assert run.status().failure == "data"


def test_data_that_changed_since_the_recipe_was_made_is_refused(make_run, make_folder):
    run = make_run()
    shutil.rmtree(library.describe("set").root)
    library.open_dataset(str(make_folder({"a": 21, "b": 20}, size=24, patients=2, name="set")))
    with pytest.raises(UnusableData, match="has changed"):
        worker.run(run)


def test_a_run_starts_from_the_weights_of_an_earlier_one_and_says_which(make_run):
    first = make_run()
    worker.run(first)
    second = make_run(weights={"source": "run", "place": first.id}, **{"optimiser.lr": 1e-12})
    worker.run(second)
    before, after = first.weights()["network.conv_1.weight"], second.weights()["network.conv_1.weight"]
    torch.testing.assert_close(after, before, atol=1e-6, rtol=0)
    assert first.id in second.environment()["weights"]["described"]


def test_a_run_that_is_done_is_not_trained_again(make_run):
    run = make_run(epochs=1)
    done = worker.run(run)
    with pytest.raises(UnusableRun, match=r"Received: .*, which is done\. Start a new run with more epochs"):
        worker.run(run)
    assert run.status() == done


def test_a_run_that_another_trainer_holds_is_left_to_it(make_run):
    run = make_run()
    queued = run.status()
    with run.exclusively(), pytest.raises(UnusableRun, match="which another one has"):
        worker.run(run)
    assert run.status() == queued


def test_copies_before_the_split_are_said_wherever_the_split_is(make_run):
    run = make_run(copies={"of": {"a": 2}, "before_split": True})
    worker.run(run)
    assert "copies of one X-ray" in run.split_kind()
    assert run.recipe().cautions
    assert run.predictions()["sample_id"].is_unique


def test_a_frozen_run_changes_its_head_alone(make_run):
    first = make_run()
    worker.run(first)
    second = make_run(weights={"source": "run", "place": first.id}, frozen=True)
    worker.run(second)
    before, after = first.weights(), second.weights()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert all(name.startswith(("network.fc_", "mean", "std")) for name in changed)


def test_weights_that_are_not_those_of_the_recipe_fail_the_run(make_run):
    first = make_run()
    worker.run(first)
    second = make_run(weights={"source": "run", "place": first.id, "sha256": "0" * 64})
    with pytest.raises(UnusableData, match="weights that its recipe names"):
        worker.run(second)


def test_class_weights_by_name_reach_the_loss(make_run):
    plain, weighted = make_run(), make_run(**{"loss.class_weights": {"a": 10.0, "b": 1.0}})
    worker.run(plain)
    worker.run(weighted)
    assert plain.metrics() != weighted.metrics()


def test_an_unexpected_error_stands_in_the_log_with_its_traceback(make_run, monkeypatch):
    run = make_run()
    monkeypatch.setattr(loop, "_step", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        worker.run(run)
    assert "Traceback" in run.log()
    assert (run.status().message, run.status().failure) == ("ZeroDivisionError: division by zero", "other")


def test_metrics_hold_nothing_that_depends_on_the_clock(make_run):
    run = make_run()
    worker.run(run)
    names = {name for row in run.metrics() for name in row}
    assert names == {
        *("kind", "epoch", "step", "steps", "loss", "lr", "best"),
        *("train_loss", "train_accuracy", "validation_loss", "validation_accuracy"),
    }
