"""Grids of runs: what they come to, what is refused at once, and how they are queued and cancelled as one."""

from __future__ import annotations

import pytest

from core.data import library
from core.errors import CoreError, InvalidSpec, UnknownName
from core.jobs import queue, requests, supervisors, sweeps
from core.recipes import fitting
from core.runs import ticket

TINY = {"image.size": 24, "epochs": 1, "batch_size": 8}


@pytest.fixture
def manifest(make_folder):
    return library.open_dataset(str(make_folder({"a": 24, "b": 24}, size=24, patients=2)))


@pytest.fixture
def ensured(monkeypatch):
    """How often a supervisor was asked for; none is started."""
    calls = []
    monkeypatch.setattr(supervisors, "ensure", lambda: calls.append(1))
    return calls


def sweep(**settings) -> sweeps.Sweep:
    return sweeps.Sweep(**{"name": "trial", "models": ("alasfoor-cnn22",), "changes": TINY} | settings)


def test_a_grid_has_every_combination_seeds_first_folds_together(manifest):
    planned = sweeps.plan(sweep(seeds=(0, 7), folds=2, axes={"optimiser.lr": (0.1, 0.01)}), manifest)
    found = [(run.recipe.seed, run.recipe.optimiser.lr, run.recipe.split.fold) for run in planned.runs]
    assert found == [(seed, lr, fold) for seed in (0, 7) for lr in (0.1, 0.01) for fold in (0, 1)]
    assert {run.recipe.split.seed for run in planned.runs} == {0, 7}
    assert {run.recipe.split.folds for run in planned.runs} == {2}
    assert planned.sweep.count == 8


def test_every_run_is_fitted_as_it_would_be_alone(manifest):
    planned = sweeps.plan(sweep(seeds=(3,)), manifest)
    alone = fitting.fit(fitting.draft(model="alasfoor-cnn22", seed=3, **{"split.seed": 3}, **TINY), manifest)[0]
    assert [run.recipe for run in planned.runs] == [alone]


def test_recipes_and_networks_are_starts_and_an_axis_puts_networks_under_a_recipe(manifest):
    planned = sweeps.plan(sweep(recipes=("demo",), changes={"batch_size": 8}), manifest)
    assert [(run.recipe.name, run.recipe.model) for run in planned.runs] == [("demo", "resnet18"), ("", "alasfoor-cnn22")]
    networks = ("alasfoor-cnn22", "resnet18")
    crossed = sweeps.plan(sweep(recipes=("demo",), models=(), axes={"model": networks}, changes={"batch_size": 8}), manifest)
    assert [(run.recipe.name, run.recipe.model) for run in crossed.runs] == [("demo", name) for name in networks]


def test_combinations_that_come_to_one_recipe_are_one_run(manifest):
    planned = sweeps.plan(sweep(seeds=(1, 1), axes={"keep": ("last", "last", "best-loss")}), manifest)
    assert (len(planned.runs), planned.doubles) == (2, 4)


def test_the_table_names_what_varies(manifest):
    planned = sweeps.plan(sweep(folds=2, axes={"weights": ({"source": "random"}, {"source": "imagenet"})}), manifest)
    first = planned.table()[0]
    assert first == {
        "recipe": "default",
        "model": "alasfoor-cnn22",
        "weights": "{'source': 'random', 'place': '', 'sha256': ''}",
        "seed": "0",
        "fold": "1 of 2",
    }


def test_all_that_does_not_fit_is_said_at_once_with_its_combinations(manifest):
    wanted = sweep(axes={"batch_size": (8, 500), "image.size": (24, 8), "epochs": (0, 1)}, changes={}, seeds=(5,))
    with pytest.raises(InvalidSpec) as refused:
        sweeps.plan(wanted, manifest)
    texts = [str(problem) for problem in refused.value.problems]
    assert len(texts) == 3
    assert any("epochs is at least 1" in text and "batch_size 8, image.size 24, epochs 0, seed 5" in text for text in texts)
    assert any("at least 16 px" in text and "image.size 8" in text for text in texts)
    assert any("no larger than the training part" in text and "in: alasfoor-cnn22, batch_size 500" in text for text in texts)
    assert any("epochs is at least 1" in text and "; and 1 more. Choose" in text for text in texts)


def test_what_fits_nowhere_is_said_so(make_folder):
    few = library.open_dataset(str(make_folder({"a": 15, "b": 2}, size=24)))
    with pytest.raises(CoreError, match=r"Received: b with 2, in all 4 combinations\. Add images"):
        sweeps.plan(sweep(seeds=(0, 1), folds=2), few)


def test_a_seed_whose_split_cannot_be_had_is_named(make_folder):
    few = library.open_dataset(str(make_folder({"a": 15, "b": 5}, size=24)))
    with pytest.raises(CoreError, match=r"0 test, in: alasfoor-cnn22, fold 6/15; .*; and 7 more"):
        sweeps.plan(sweep(folds=15), few)


def test_a_single_combination_is_refused_in_the_words_of_a_single_run(manifest):
    with pytest.raises(InvalidSpec) as refused:
        sweeps.plan(sweep(changes=TINY | {"batch_size": 500}), manifest)
    assert "in:" not in str(refused.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"name": " x "}, "An experiment has a name"),
        ({"name": "", "seeds": (0, 1)}, "An experiment has a name"),
        ({"models": ()}, "starts from recipes or models"),
        ({"folds": 1}, "2 to 50 folds"),
        ({"axes": {"keep": ()}}, "has values"),
        ({"seeds": tuple(range(2001))}, "at most 2,000 runs. Received: 2,001 combinations"),
        ({"seeds": (1,), "axes": {"seed": (2,)}}, "each field once"),
        ({"folds": 5, "changes": {"split.fold": 1}}, "each field once"),
        ({"axes": {"image.size": (8, 16)}, "changes": TINY}, "each field once"),
        ({"axes": {"weights": ({},)}, "changes": {"weights.source": "random"}}, "weights and weights.source"),
        ({"axes": {"model": ("resnet18",)}}, "each field once"),
        ({"axes": {"data.name": ("x",)}}, "varies settings of the recipe"),
    ],
)
def test_a_sweep_that_cannot_be_meant_is_refused(settings, message):
    with pytest.raises(InvalidSpec, match=message):
        sweep(**settings)


def test_all_mistakes_in_a_sweep_are_said_at_once():
    with pytest.raises(InvalidSpec) as refused:
        sweeps.Sweep(name="", folds=77)
    assert len(refused.value.problems) == 3


def test_a_sweep_is_queued_in_order_under_its_name_and_one_supervisor_is_asked_for(manifest, ensured):
    planned = sweeps.plan(sweep(seeds=(0, 1, 2), priority=4, device="cpu"), manifest)
    started = sweeps.submit(planned)
    assert [job.run_id for job in queue.jobs()] == [run.id for run in started]
    assert {(job.experiment_name, job.priority, job.wanted) for job in queue.jobs()} == {("trial", 4, "cpu")}
    assert [run.recipe() for run in started] == [run.recipe for run in planned.runs]
    assert {ticket.of(run).experiment_name for run in started} == {"trial"}
    assert len(ensured) == 1


def test_unsupervised_nobody_is_asked_for(manifest, ensured):
    sweeps.submit(sweeps.plan(sweep(), manifest), supervised=False)
    assert ensured == []


def test_an_experiment_is_cancelled_as_one_and_others_stay(manifest):
    started = sweeps.submit(sweeps.plan(sweep(seeds=(0, 1, 2)), manifest), supervised=False)
    other = requests.start(started[0].recipe(), experiment_name="other", supervised=False)
    queue.claim("here", {"cpu": 1}, "me")
    assert {run.id for run in sweeps.cancel("trial")} == {run.id for run in started}
    assert started[0].cancel_requested()
    assert [run.status().state for run in started[1:]] == ["cancelled", "cancelled"]
    assert [job.run_id for job in queue.jobs() if job.state == "waiting"] == [other.id]


def test_an_experiment_that_has_ended_has_nothing_to_cancel(manifest):
    sweeps.submit(sweeps.plan(sweep(), manifest), supervised=False)
    sweeps.cancel("trial")
    assert sweeps.cancel("trial") == []


def test_an_unknown_experiment_is_answered_with_the_nearest(manifest):
    sweeps.submit(sweeps.plan(sweep(), manifest), supervised=False)
    with pytest.raises(UnknownName, match="Did you mean trial"):
        sweeps.cancel("trail")
