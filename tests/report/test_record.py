"""What is taken from a run's folder, what is said to be missing, and what never leaves this machine."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from core import wording
from core.recipes.recipe import COPIES_CAUTION, Recipe
from core.report import record
from core.runs.store import Run
from tests.report.conftest import CLASSES


def test_a_finished_run_lacks_nothing(make_run: Callable[..., Run]) -> None:
    found = record.gather(make_run())
    assert found.missing == ()
    assert found.title == "ResNet-18 on my set"
    assert found.evaluation.images == 12
    assert (found.epochs_done, found.unknown_patients, found.split_kind) == (2, 0, "grouped by patient")


def test_a_run_that_failed_says_what_it_lacks(make_run: Callable[..., Run]) -> None:
    found = record.gather(make_run(finished=False))
    assert found.evaluation is found.split is found.split_kind is None
    assert [text.partition(":")[0] for text in found.missing] == ["The split", "Figures of the test part", "The environment"]
    assert found.cautions == ("State of the run: failed; 0 epochs of 3 completed.",)


def test_damaged_predictions_are_named_and_not_evaluated(make_run: Callable[..., Run]) -> None:
    run = make_run()
    run.write_predictions(run.predictions().assign(label="another"))
    found = record.gather(run)
    assert found.evaluation is None
    assert "'another'" in found.missing[0]


@pytest.mark.parametrize(
    ("settings", "caution"),
    [
        ({"synthetic": True}, wording.SYNTHETIC_NOTE),
        ({"patients": False}, record.UNGROUPED_CAUTION),
        ({"patients": False, "copies": {"of": dict.fromkeys(CLASSES, 2), "before_split": True}}, COPIES_CAUTION),
    ],
)
def test_every_reason_for_doubt_is_a_caution(make_run: Callable[..., Run], settings: dict[str, object], caution: str) -> None:
    assert record.gather(make_run()).cautions == ()
    assert record.gather(make_run(**settings)).cautions == (caution,)


def test_what_only_the_caller_knows_comes_first(make_run: Callable[..., Run]) -> None:
    assert record.gather(make_run(synthetic=True), ["A probe is better."]).cautions == ("A probe is better.", wording.SYNTHETIC_NOTE)


def test_older_runs_without_labels_in_their_split_are_read(make_run: Callable[..., Run]) -> None:
    run = make_run()
    run.write_split(pd.DataFrame(run.split()).drop(columns="label"))
    assert record.gather(run).missing == ()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("The file /home/me/x.png is damaged.", "The file …/x.png is damaged."),
        ("'/a/b/c/w.pt'", "'…/w.pt'"),
        (r"C:\Users\me\w.pt", "…/w.pt"),
        ("images/s and/or a/b/c, https://host/a/b", "images/s and/or a/b/c, https://host/a/b"),
    ],
)
def test_folders_are_cut_from_texts(text: str, shown: str) -> None:
    assert record.without_folders(text) == shown


@pytest.mark.parametrize("place", ["/home/me/my weights/first.pt", r"C:\Users\me\my weights\first.pt"])
def test_a_file_of_first_weights_is_called_by_its_name(make_run: Callable[..., Run], place: str) -> None:
    run = make_run(weights={"source": "file", "place": place})
    found = record.gather(run)
    assert found.recipe.weights.place == "first.pt"
    assert found.recipe_id == run.recipe().id


def test_settings_hold_every_field_of_the_recipe(make_run: Callable[..., Run]) -> None:
    recipe = make_run().recipe()
    found = record.settings(recipe)
    assert found["optimiser.lr"] == recipe.optimiser.lr
    assert {name.partition(".")[0] for name in found} == set(Recipe.model_fields)
