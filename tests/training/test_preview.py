"""What the training page shows before anything is trained."""

import pytest
import torch

from core.data import library
from core.errors import InvalidSpec, UnusableData
from core.recipes import fitting
from core.training import preview

TINY = {"image.size": 24, "batch_size": 8, "epochs": 2}


@pytest.fixture
def open_set(make_folder):
    def open_(classes, **options):
        return library.open_dataset(str(make_folder(classes, size=24, name="set", **options)))

    return open_


def test_a_preview_shows_what_the_run_will_do(open_set):
    manifest = open_set({"a": 15, "b": 15}, patients=2)
    shown = preview.preview(fitting.draft(model="alasfoor-cnn22", **TINY), manifest)
    assert shown.counts.to_numpy().sum() == 30
    assert shown.split_kind == "grouped by patient"
    assert shown.batch.shape == (8, 24, 24)
    assert set(shown.labels) <= {"a", "b"}
    assert len(shown.rates) == 2 * shown.steps
    assert shown.recipe.data.name == "set"
    assert shown.training_images == shown.counts["train"].sum()


def test_few_test_images_and_unknown_patients_are_warned_of(open_set):
    shown = preview.preview(fitting.draft(model="alasfoor-cnn22", **TINY), open_set({"a": 15, "b": 15}))
    assert any("Patients are unknown" in warning for warning in shown.warnings)
    assert any("Few test images: a (3), b (3)" in warning for warning in shown.warnings)


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"frozen": True}, "frozen at random values"), ({"copies": {"of": {"a": 2}, "before_split": True}}, "copies of one X-ray")],
)
def test_settings_that_make_figures_worth_less_are_warned_of(changes, message, open_set):
    shown = preview.preview(fitting.draft(model="alasfoor-cnn22", **TINY, **changes), open_set({"a": 15, "b": 15}, patients=2))
    assert any(message in warning for warning in shown.warnings)


def test_what_would_keep_the_training_from_starting_keeps_the_preview_too(open_set):
    with pytest.raises(UnusableData, match="at least two classes"):
        preview.preview(fitting.draft(model="alasfoor-cnn22", **TINY), open_set({"a": 15}))


def test_a_batch_that_is_too_large_is_refused(open_set):
    with pytest.raises(InvalidSpec, match="no larger than the training part"):
        preview.preview(fitting.draft(model="alasfoor-cnn22", **TINY | {"batch_size": 100}), open_set({"a": 15, "b": 15}))


def test_the_time_of_a_training_is_measured(open_set):
    shown = preview.preview(fitting.draft(model="alasfoor-cnn22", **TINY), open_set({"a": 15, "b": 15}))
    assert preview.training_seconds(shown.recipe, 20) > 0


def test_steps_that_take_seconds_are_timed_less_often(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(preview.time, "perf_counter", lambda: now[0])

    def step() -> torch.Tensor:
        now[0] += 5
        return torch.zeros(1)

    assert preview._seconds(step) == 5
    assert now[0] == 10  # one to warm up, and one


def test_a_trunk_that_runs_once_is_timed_apart_from_the_head(monkeypatch):
    recipe = fitting.draft(model="alasfoor-cnn22", **TINY | {"epochs": 10}, frozen=True, frozen_views=3)
    monkeypatch.setattr(preview, "_seconds", lambda work: float(work().requires_grad) or 100.0)  # a step takes 1 s, the trunk 100 s
    assert preview.training_seconds(recipe, 16, "cpu") == 3 * 2 * 100 + 10 * 2 * 1


def test_all_images_are_counted_for_the_memory(open_set):
    assert preview.preview(fitting.draft(model="alasfoor-cnn22", **TINY), open_set({"a": 15, "b": 15})).images == 30
