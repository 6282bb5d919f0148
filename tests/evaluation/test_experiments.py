"""Experiments: runs of one name, told apart by what varies, with the figures of each variation."""

from __future__ import annotations

import pytest

from core.errors import UnknownName
from core.evaluation import experiments
from core.recipes.recipe import compose
from core.recipes.specs import DataSpec
from core.runs import index, store, ticket

DATA = DataSpec(name="set", sha256="0" * 64, classes=("a", "b"))


def run(accuracy: float | None = 0.8, *, name: str = "trial", state: str = "done", model: str = "alasfoor-cnn22", seed: int = 0, **changes):
    recipe = compose(DATA, model, seed=seed, **{"split.seed": seed}, **changes)
    made = store.create(recipe, before_visible=ticket.Ticket(submitted=1.0, experiment_name=name).write)
    result = {"accuracy": accuracy, "accuracy_low": accuracy - 0.1, "accuracy_high": accuracy + 0.1} if state == "done" else None
    made.write_status(made.status().changed(state=state, result=result))
    return made


def opened(name: str = "trial") -> experiments.Experiment:
    return experiments.open_experiment(name, index.rows())


def test_summaries_count_jobs_by_state_and_leave_out_runs_without_a_name():
    for state in ("done", "done", "failed", "queued"):
        run(state=state, seed=3)
    run(model="resnet18", state="queued")
    run(name="other", model="resnet18")
    run(name="")
    found = {one.name: one for one in experiments.summaries(index.rows())}
    assert set(found) == {"trial", "other"}
    assert found["trial"].states == {"done": 2, "failed": 1, "queued": 2}
    assert found["trial"].states_text == "2 done, 1 failed, 2 queued"
    assert (found["trial"].variations, found["trial"].models) == (2, ("alasfoor-cnn22", "resnet18"))
    assert found["trial"].to_json()["runs"] == 5


def test_runs_that_differ_in_seeds_and_fold_alone_are_one_variation_with_mean_and_deviation():
    for seed, accuracy in enumerate((0.8, 0.9)):
        run(accuracy, seed=seed)
    (variation,) = opened().variations
    assert variation.spread_text("accuracy") == "85.0 % ± 7.1 (2 runs)"
    assert variation.differs == {}
    assert variation.title == "alasfoor-cnn22"
    assert variation.interval_text("accuracy") == "85.0 % (21.5–100.0)"  # 0.85 ± 12.706 · 0.0707 / √2


def test_variations_are_called_by_what_differs_in_the_order_of_submission():
    for model in ("alasfoor-cnn22", "resnet18"):
        for lr in (0.01, 0.1):
            run(model=model, **{"optimiser.lr": lr})
    assert [variation.differs for variation in sorted(opened().variations, key=lambda one: one.title)] == [
        {"model": model, "optimiser.lr": lr} for model in ("alasfoor-cnn22", "resnet18") for lr in (0.01, 0.1)
    ]
    assert {variation.title for variation in opened().variations} >= {"model resnet18, optimiser.lr 0.1"}


def test_networks_are_not_told_apart_by_settings_that_come_with_them():
    run()
    run(model="resnet18")
    assert {tuple(variation.differs) for variation in opened().variations} == {("model",)}


def test_failed_and_waiting_runs_are_counted_and_do_not_enter_the_figures():
    run(0.7)
    run(state="failed", seed=1)
    (variation,) = opened().variations
    content = variation.to_json()
    assert (content["done"], content["failed"]) == (1, 1)
    assert content["metrics"]["accuracy"] == {
        "mean": 0.7,
        "deviation": None,
        "runs": 1,
        "interval": {"value": 0.7, "low": pytest.approx(0.6), "high": pytest.approx(0.8)},
    }


def test_folds_whose_predictions_are_gone_leave_the_mean_and_say_why_there_is_no_interval():
    for fold in (0, 1):
        run(0.7, **{"split.fold": fold, "split.folds": 2})
    (variation,) = opened().variations
    assert variation.spread_text("accuracy") == "70.0 % ± 0.0 (2 runs)"
    assert variation.intervals == {}
    assert variation.sentence.startswith("No interval: predictions.parquet is stored when a run is done.")


def test_what_the_intervals_are_is_said_once_or_for_each_variation_where_they_differ():
    run()
    run(model="resnet18")
    assert opened().sentences == ("One run: 95 % intervals by a bootstrap of its own test images.",)
    run(model="resnet18", seed=1)
    assert [sentence.partition(":")[0] for sentence in opened().sentences] == ["model alasfoor-cnn22", "model resnet18"]


def test_one_run_of_each_variation_is_put_side_by_side_and_all_of_a_single_one():
    first = run(0.7)
    run(0.8, seed=1)
    assert len(opened().to_compare) == 2
    other = run(model="resnet18")
    assert set(opened().to_compare) & {first.id, other.id} >= {other.id}
    assert len(opened().to_compare) == 2


def test_the_document_lists_every_job_with_its_variation():
    run()
    run(model="resnet18", state="queued")
    content = opened().to_json()
    assert (content["experiment"], content["runs"], content["states"]) == ("trial", 2, {"done": 1, "queued": 1})
    assert {(job["state"], job["variation"]) for job in content["jobs"]} == {("done", "model alasfoor-cnn22"), ("queued", "model resnet18")}


def test_a_run_whose_recipe_is_damaged_is_left_out_and_the_others_stay():
    run()
    run(seed=1)
    damaged = run(seed=2)
    index.rows()
    (damaged.folder / "recipe.json").write_text("{")
    assert opened().states == {"done": 3}  # the index knows it still
    assert opened().variations[0].sentence


def test_an_unknown_experiment_is_answered_with_the_nearest():
    run()
    with pytest.raises(UnknownName, match="Did you mean trial"):
        opened("trail")
