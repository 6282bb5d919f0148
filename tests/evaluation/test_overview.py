"""One table over all runs: figures with bounds, repeats as mean and spread, the best marked, nothing averaged over different data."""

from __future__ import annotations

from math import isnan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.evaluation import overview
from core.evaluation.intervals import Estimate
from core.runs.index import Row

LAWS = settings(max_examples=60, deadline=None, derandomize=True)


def row(run_id: str, accuracy: float | None = 0.8, **changes: object) -> Row:
    metrics = {} if accuracy is None else {"accuracy": accuracy, "accuracy_low": accuracy - 0.1, "accuracy_high": accuracy + 0.1}
    metrics |= {} if accuracy is None else {"loss": 1 - accuracy, "loss_low": 0.0, "loss_high": 2.0}
    values: dict[str, object] = {
        "run_id": run_id, "state": "done", "model": "resnet18", "data": "set", "created": 1.0, "epoch": 3, "epochs": 3, "best_epoch": 2,
        "image_size": 224, "seed": 0, "accuracy": accuracy, "accuracy_low": None, "accuracy_high": None, "loss": None, "test_images": 40,
        "message": "", "recipe": "", "differs": "", "experiment": "e1", "experiment_name": "", "fold": 0, "folds": 5, "seconds": 120.0,
        "metrics": metrics, "costs": {"parameters": 11e6, "peak_memory": 2e9}, "owner": "", "visibility": "shared",
    }  # fmt: skip
    return Row(**(values | changes))


def test_a_line_has_the_run_s_figures_with_their_bounds():
    (line,) = overview.lines([row("a")])
    assert line.name == "a"
    assert line.metrics["accuracy"] == Estimate(0.8, pytest.approx(0.7), pytest.approx(0.9))
    assert line.text("accuracy") == "80.0 % (70.0–90.0)"
    assert line.text("loss") == "0.200 (0.000–2.000)"
    assert line.text("roc_auc") == ""


def test_runs_without_a_test_have_no_line():
    assert overview.lines([row("a", accuracy=None), row("b")])[0].name == "b"


def test_repeats_of_an_experiment_become_mean_and_standard_deviation():
    (line,) = overview.lines([row("a", 0.8, fold=0), row("b", 0.9, fold=1)], "experiment")
    assert line.text("accuracy") == "85.0 % ± 7.1 (2 runs)"
    assert isnan(line.metrics["accuracy"].low)
    assert line.name == "resnet18, 2 runs"


def test_repeats_of_one_recipe_are_told_apart_by_what_they_were_submitted_as():
    rows = [row(f"{name}{fold}", recipe="zhong-2020", experiment=name, experiment_name=name, fold=fold) for name in "xy" for fold in (0, 1)]
    assert [line.name for line in overview.lines(rows, "experiment")] == ["zhong-2020, 2 runs of x", "zhong-2020, 2 runs of y"]


def test_what_is_recorded_is_said_once():
    rows = [row(f"{fold}", recorded=True, experiment_name="x (recorded)", fold=fold) for fold in (0, 1)]
    assert [line["Run"] for line in overview.text_table(overview.lines(rows, "experiment"), [])] == ["resnet18, 2 runs of x (recorded)"]
    assert [line["Run"] for line in overview.text_table(overview.lines(rows), [])] == ["0 (recorded)", "1 (recorded)"]


@pytest.mark.parametrize("by", ["experiment", "model", "recipe", "data"])
def test_nothing_is_averaged_over_different_data_sets(by):
    found = overview.lines([row("a", data="one"), row("b", data="two")], by)
    assert [line.data for line in found] == ["one", "two"]


def test_a_group_of_a_recipe_names_it_and_a_run_without_one_is_grouped_by_its_network():
    found = overview.lines([row("a", recipe="zhong-2020"), row("b", recipe="zhong-2020"), row("c"), row("d")], "recipe")
    assert [line.name for line in found] == ["zhong-2020, 2 runs", "default, resnet18, 2 runs"]


def test_costs_come_in_their_own_units():
    (line,) = overview.lines([row("a")])
    assert {name: line.value(name) for name in ("parameters", "peak_memory", "minutes", "multiply_adds")} == {
        "parameters": pytest.approx(11),
        "peak_memory": pytest.approx(2),
        "minutes": 2,
        "multiply_adds": None,
    }


def test_the_best_is_marked_for_each_metric_low_losses_included():
    found = overview.lines([row("a", 0.8), row("b", 0.9), row("c", 0.9)])
    assert overview.best(found, "accuracy") == {1, 2}
    assert overview.best(found, "loss") == {1, 2}
    assert overview.best(found, "roc_auc") == set()
    texts = overview.text_table(found, ["accuracy"])
    assert [text["Accuracy"].endswith("★") for text in texts] == [False, True, True]


def test_the_best_is_the_best_of_its_data_set_and_nothing_where_it_stands_alone():
    found = overview.lines(
        [row("a", 0.8), row("b", 0.9), row("c", 0.7, data="other"), row("d", 0.99, data="third"), row("e", 0.6, data="other")]
    )
    assert overview.best(found, "accuracy") == {1, 2}


def test_nothing_is_averaged_or_ranked_over_different_parts_of_a_data_set():
    rows = [row("a", 0.9, part="two classes"), row("b", 0.7), row("c", 0.8, part="two classes"), row("d", 0.6, part="≤ 70 x")]
    assert {line.data: len(line.rows) for line in overview.lines(rows, "data")} == {"set · two classes": 2, "set": 1, "set · ≤ 70 x": 1}
    found = overview.lines(rows)
    assert overview.best(found, "accuracy") == {0}  # where one stands alone nothing is best
    assert [line.name for line in overview.ranked(found, "accuracy")] == ["a", "c", "b", "d"]


def test_a_data_set_with_more_runs_comes_first_however_many_probes_another_has():
    probes = [probe(f"{number}", 1.0, "other") for number in range(3)]
    found = [*overview.lines([row("a", 0.5), row("b", 0.6)]), *overview.lines([row("c", 0.9, data="other")]), *probes]
    assert [line.data for line in overview.ranked(found, "accuracy")] == ["set", "set", "other", "other", "other", "other"]


def test_a_probe_on_several_splits_is_one_line_with_mean_and_spread():
    found = overview.pooled([probe("border", 0.7), probe("size", 0.9), probe("border", 0.8), probe("border", 0.8, "other")])
    assert [(line.name, line.data) for line in found] == [
        ("probe: border, 2 splits", "set"),
        ("probe: size", "set"),
        ("probe: border", "other"),
    ]
    assert found[0].text("accuracy") == "75.0 % ± 7.1 (2 runs)"
    assert found[0].images == 40
    assert found[1].text("accuracy") == "90.0 % (80.0–100.0)"


def probe(name: str, accuracy: float, data: str = "set") -> overview.Line:
    return overview.probe_line(name, data, {"accuracy": Estimate(accuracy, accuracy - 0.1, accuracy + 0.1)}, 40)


def test_ranked_puts_the_best_first_and_the_unknown_last():
    found = overview.lines([row("a", 0.7), row("b", 0.9), row("c", 0.8, metrics={})])
    assert [line.name for line in overview.ranked(found, "accuracy")] == ["b", "a", "c"]
    assert [line.name for line in overview.ranked(found, "loss")] == ["b", "a", "c"]


def test_the_table_of_numbers_holds_bounds_and_nothing_for_what_is_unknown():
    found = [*overview.lines([row("a")]), overview.probe_line("image size", "set", {"accuracy": Estimate(0.5, 0.4, 0.6)}, 40)]
    table = overview.table(found, ["accuracy", "parameters"])
    assert table["run"].tolist() == ["a", "probe: image size"]
    assert table["accuracy_high"].tolist() == [pytest.approx(0.9), 0.6]
    assert table["parameters"].isna().tolist() == [False, True]


@given(st.lists(st.tuples(st.floats(0.1, 100), st.floats(0, 1)), min_size=1, max_size=12))
@LAWS
def test_the_front_is_never_empty_and_no_point_on_it_is_beaten(points):
    kept = [point for point, on in zip(points, overview.front(points), strict=True) if on]
    assert kept
    for cost, accuracy in kept:
        assert not any(c < cost and a > accuracy for c, a in points)
    assert max(accuracy for _, accuracy in kept) == max(accuracy for _, accuracy in points)
