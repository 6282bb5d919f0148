"""The paper board: published figures beside ours, told apart by data and by changed settings."""

import pytest

from core.evaluation import board
from core.recipes import catalogue, published
from core.runs.index import Row


def row(recipe="zhong-2020", data="set", accuracy=0.8, differs="", state="done", run_id="run"):
    return Row(
        run_id=run_id, state=state, model="zhong-vgg", data=data, created=0.0, epoch=1, epochs=1, best_epoch=1, image_size=80, seed=0,
        accuracy=accuracy, accuracy_low=accuracy - 0.05, accuracy_high=accuracy + 0.05, loss=0.5, test_images=100, message="",
        recipe=recipe, differs=differs, experiment="", experiment_name="", fold=0, folds=5, seconds=None, metrics={}, costs={},
        owner="", visibility="shared",
    )  # fmt: skip


def line(rows, recipe="zhong-2020"):
    return next(line for line in board.board("zhong-2020", rows) if line.entry.name == recipe and line.comparable)


@pytest.mark.parametrize("paper", [paper.key for paper in catalogue.papers()])
def test_every_published_row_with_a_recipe_stands_on_the_board_of_its_paper(paper):
    lines = board.board(paper, [])
    assert {(line.row.table, line.row.row) for line in lines} == {(row.table, row.row) for row in published.rows(paper) if row.entries}
    assert lines
    assert any(line["Ours: test accuracy"] == "no run yet" for line in board.table(lines))


def test_a_run_stands_beside_its_row_with_interval_and_difference():
    (ours,) = line([row()]).ours
    assert ours.text == "80.0 % (75.0–85.0), n = 100"
    assert line([row()]).difference(ours) == "-7.3"


def test_figures_of_single_classes_or_other_parts_are_shown_but_not_compared():
    lines = {line["Row"]: line for line in board.table(board.board("zhong-2020", [row()]))}
    assert lines["Train"]["Published"].startswith("train: loss 0.986, accuracy 0.9325")
    assert (
        lines["COVID-19"]["Published"] == "test: probability 0.8445 (0.8185–0.8705) [that is mean predicted probability of the true class]"
    )
    assert lines["COVID-19"]["Ours: test accuracy"] == lines["COVID-19"]["Difference (points)"] == ""


def test_what_a_paper_calls_accuracy_and_is_precision_is_called_so():
    lines = {line["Row"]: line for line in board.table(board.board("alasfoor-2020", []))}
    assert "that is precision" in lines["Normal"]["Published"]


def test_several_runs_are_a_mean_with_its_deviation():
    (ours,) = line([row(accuracy=0.8), row(accuracy=0.9)]).ours
    assert ours.text == "85.0 % ± 7.1 (2 runs)"


def test_runs_on_different_data_or_with_changed_settings_are_never_averaged():
    lines = board.table([line([row(differs="weights.source"), row(), row(data="other")])])
    assert [(entry["Ours: data"], entry["Settings changed"]) for entry in lines] == [("set", ""), ("other", ""), ("set", "weights.source")]


def test_a_run_with_changed_settings_has_no_difference():
    (ours,) = line([row(differs="epochs")]).ours
    assert line([row(differs="epochs")]).difference(ours) == ""


def test_runs_that_are_not_done_or_of_another_recipe_are_left_out():
    assert line([row(state="cancelled"), row(recipe="demo"), row(recipe="")]).ours == ()
