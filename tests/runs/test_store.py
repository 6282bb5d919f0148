"""A run's folder: what is written comes back whole, and only what belongs to a run is opened."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from core.errors import InvalidSpec, UnknownName, UnusableRun
from core.files import replacing, write_json
from core.recipes.recipe import Recipe, compose
from core.recipes.specs import DataSpec
from core.runs import store
from core.runs.status import ProcessMark

DATA = DataSpec(name="set", sha256="0" * 64, classes=("covid", "normal"))
WEIGHTS = {"network.weight": torch.arange(6.0).view(2, 3), "network.count": torch.tensor(7)}


def recipe(**changes: object) -> Recipe:
    return compose(DATA, "alasfoor-cnn22", **{"image.size": 32, **changes})


@pytest.fixture
def run() -> store.Run:
    return store.create(recipe())


def named(run_id: str) -> store.Run:
    """A run with an id of our choice."""
    made = store.create(recipe())
    return store.Run(made.folder.rename(made.folder.with_name(run_id)))


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_new_run_has_its_recipe_and_is_queued(artifacts: Path) -> None:
    run = store.create(recipe(epochs=4))
    assert run.folder == artifacts / "runs" / run.id
    assert run.recipe() == recipe(epochs=4)
    assert (run.status().state, run.status().epochs) == ("queued", 4)
    assert "alasfoor-cnn22" in run.id
    assert files(run.folder) == {"recipe.json", "status.json"}


def test_a_run_that_its_creator_trains_does_not_look_queued_when_that_one_is_gone() -> None:
    run = store.create(recipe(), trained_here=True)
    assert (run.status().state, run.status().process) == ("queued", ProcessMark.of_this())
    gone = ProcessMark.of_this().model_copy(update={"started": 1.0})
    run.write_status(run.status().changed(process=gone))
    assert run.status().state == "interrupted"


def test_of_many_runs_those_with_weights_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named("trained").write_weights(WEIGHTS, 1)
    named("queued")
    monkeypatch.setenv("CXRLAB_RECORDED", str(tmp_path / "recorded"))
    shutil.copytree(store.at("trained").folder, tmp_path / "recorded" / "runs" / "kept")
    assert store.with_models(["trained", "queued", "kept", "never was"]) == {"trained", "kept"}


def test_a_new_run_has_nothing_else_yet(run: store.Run) -> None:
    assert (run.metrics(), run.log(), run.environment(), run.checkpoint(), run.weights_epoch()) == ([], "", {}, None, 0)
    assert not run.has_model()
    assert not run.has_predictions()
    with pytest.raises(UnusableRun, match=r"from the first completed epoch on.*without any"):
        run.weights()
    for table in (run.predictions, run.split):
        with pytest.raises(UnusableRun, match=r"\.parquet is stored.*Choose a run that is done"):
            table()


def test_no_two_runs_share_an_id() -> None:
    assert len({store.create(recipe()).id for _ in range(20)}) == 20


def test_a_run_is_found_by_its_id_and_by_its_only_prefix() -> None:
    first, second = named("20240101-120000-resnet18-aaaa"), named("20240102-120000-resnet18-bbbb")
    assert store.ids() == [second.id, first.id]
    assert store.find(first.id) == first
    assert store.find("20240102") == second


def test_an_id_wins_over_a_longer_one_that_starts_so() -> None:
    short = named("run-1")
    named("run-10")
    assert store.find("run-1") == short


def test_a_prefix_of_several_runs_is_refused_with_their_names() -> None:
    named("20240101-a"), named("20240101-b")
    with pytest.raises(InvalidSpec, match=r"Received: '2024'\. It fits 20240101-b, 20240101-a\."):
        store.find("2024")


def test_an_unknown_run_is_answered_with_the_nearest() -> None:
    named("20240101-resnet18-aaaa")
    with pytest.raises(UnknownName, match=r"Received: '20240101-resnet19-aaaa'\. Did you mean 20240101-resnet18-aaaa\?"):
        store.find("20240101-resnet19-aaaa")


def test_without_runs_an_unknown_run_is_answered_so() -> None:
    with pytest.raises(UnknownName, match="There is no run yet"):
        store.find("x")


@pytest.mark.parametrize("text", ["../x", "..", ".", "", "/", "runs/../../x", "a/../b", "*", "\0", "a" * 200, "ru n"])
def test_an_id_never_leads_out_of_the_runs(text: str, artifacts: Path) -> None:
    named("run-1")
    outside = artifacts / "x"
    shutil.copytree(artifacts / "runs" / "run-1", outside)
    with pytest.raises(UnknownName, match="A run is chosen by its name"):
        store.find(text)


def test_a_folder_without_a_status_is_no_run(artifacts: Path) -> None:
    (artifacts / "runs" / "notes").mkdir(parents=True)
    assert store.ids() == []


def test_metrics_come_back_in_order(run: store.Run) -> None:
    rows = [{"kind": "epoch", "epoch": epoch, "loss": 1 / epoch} for epoch in (1, 2, 3)]
    for row in rows:
        run.append_metrics(row)
    assert run.metrics() == rows


def test_a_last_line_that_is_still_being_written_is_left_out(run: store.Run) -> None:
    run.append_metrics({"epoch": 1})
    with open(run.folder / "metrics.jsonl", "a", encoding="utf-8") as file:
        file.write('{"epoch": 2, "lo')
    assert run.metrics() == [{"epoch": 1}]


def test_rows_after_an_epoch_are_dropped_with_a_half_line(run: store.Run) -> None:
    for epoch in (1, 2, 3):
        run.append_metrics({"epoch": epoch})
    with open(run.folder / "metrics.jsonl", "a", encoding="utf-8") as file:
        file.write('{"epoch": 4')
    run.drop_metrics_after(2)
    run.append_metrics({"epoch": 3, "again": True})
    assert run.metrics() == [{"epoch": 1}, {"epoch": 2}, {"epoch": 3, "again": True}]


def test_metrics_refuse_what_is_no_json(run: store.Run) -> None:
    with pytest.raises(ValueError, match="JSON"):
        run.append_metrics({"epoch": 1, "loss": float("nan")})
    assert run.metrics() == []


def test_weights_come_back_with_their_epoch(run: store.Run) -> None:
    channels_last = torch.arange(24.0).view(1, 2, 3, 4).to(memory_format=torch.channels_last)
    run.write_weights({**WEIGHTS, "conv": channels_last}, epoch=3)
    found = run.weights()
    assert run.weights_epoch() == 3
    assert found.keys() == {*WEIGHTS, "conv"}
    for name, value in {**WEIGHTS, "conv": channels_last}.items():
        torch.testing.assert_close(found[name], value, rtol=0, atol=0)
    run.write_weights(WEIGHTS, epoch=8)
    assert run.weights_epoch() == 8


def test_a_checkpoint_comes_back(run: store.Run) -> None:
    run.write_checkpoint({"epoch": 2, "model": WEIGHTS, "optimiser": {"state": {0: {"step": torch.tensor(4.0)}}}}, epoch=2)
    found = run.checkpoint()
    assert (found["epoch"], found["optimiser"]["state"][0]["step"].item()) == (2, 4.0)
    torch.testing.assert_close(found["model"], WEIGHTS)


def test_predictions_come_back(run: store.Run) -> None:
    shares = np.random.default_rng(0).dirichlet([1, 1], size=5)
    table = pd.DataFrame(
        {"sample_id": list("abcde"), "label": ["covid"] * 5, "patient_id": ["", "p", "p", "q", ""], "split": "test"}
        | {store.PROBABILITY + name: shares[:, i] for i, name in enumerate(DATA.classes)}
    )
    run.write_predictions(table)
    assert run.has_predictions()
    pd.testing.assert_frame_equal(run.predictions(), table, check_dtype=False, rtol=0, atol=0)


@pytest.mark.parametrize(("patients", "kind"), [(["p", ""], "grouped by patient"), (["", ""], "ungrouped (patients unknown)")])
def test_a_split_says_whether_it_knew_patients(run: store.Run, patients: list[str], kind: str) -> None:
    run.write_split(pd.DataFrame({"sample_id": ["a", "b"], "sha256": ["1", "2"], "patient_id": patients, "split": "train"}))
    assert run.split_kind() == kind


def test_a_failed_write_leaves_the_old_file_and_nothing_else(run: store.Run) -> None:
    run.write_weights(WEIGHTS, epoch=1)
    run.write_environment({"device": "cpu"})
    run.append_metrics({"epoch": 1})
    before = files(run.folder)
    shared = torch.zeros(4)
    with pytest.raises(RuntimeError, match="share memory"):
        run.write_weights({"a": shared, "b": shared}, epoch=2)
    with pytest.raises(ValueError, match="JSON"):
        run.write_environment({"device": float("inf")})
    with pytest.raises(AttributeError):
        run.write_checkpoint({"model": lambda: None}, epoch=1)
    assert files(run.folder) == before
    assert (run.weights_epoch(), run.environment()) == (1, {"device": "cpu"})


def test_a_write_cut_off_in_the_middle_is_not_seen(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "a.json"
    write_json(path, {"a": 1})

    def cut_off() -> None:
        with replacing(path) as temporary:
            temporary.write_text('{"a"')
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cut_off()
    assert [item.name for item in path.parent.iterdir()] == ["a.json"]
    assert json.loads(path.read_text()) == {"a": 1}


def test_a_run_copied_to_another_artifacts_folder_opens_there(run: store.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run.write_weights(WEIGHTS, epoch=2)
    run.append_metrics({"epoch": 1})
    run.write_status(run.status().changed(state="done"))
    other = tmp_path / "elsewhere"
    shutil.move(run.folder, other / "runs" / run.id)
    monkeypatch.setenv("CXRLAB_ARTIFACTS", str(other))
    found = store.find(run.id[:15])
    assert found.folder == other / "runs" / run.id
    assert (found.recipe(), found.status().state, found.weights_epoch(), found.metrics()) == (recipe(), "done", 2, [{"epoch": 1}])


def test_a_missing_file_of_a_run_is_named(run: store.Run) -> None:
    (run.folder / "recipe.json").unlink()
    with pytest.raises(UnusableRun, match=r"holds recipe\.json.*restore it"):
        run.recipe()


def test_the_log_shows_its_last_lines(run: store.Run) -> None:
    (run.folder / "log.txt").write_bytes(b"one\ntwo\nthree \xff\n")
    assert run.log(2) == "two\nthree \ufffd"


@pytest.mark.parametrize("what", ["cancel", "pause"])
def test_a_request_stands_until_it_is_withdrawn_and_changes_no_status(run: store.Run, what: str) -> None:
    ask, asked = getattr(run, f"request_{what}"), getattr(run, f"{what}_requested")
    before = run.status()
    ask()
    assert asked()
    assert run.status() == before
    run.withdraw_requests()
    run.withdraw_requests()
    assert not asked()


def test_one_trainer_at_a_time_holds_a_run(run: store.Run) -> None:
    with run.exclusively(), pytest.raises(UnusableRun, match="One trainer works on a run"), run.exclusively():
        pass
    with run.exclusively():
        pass


def test_runs_that_draw_the_same_digits_in_a_second_are_two(monkeypatch):
    drawn = iter(["aaaa", "aaaa", "bbbb"])
    monkeypatch.setattr(store, "uuid", SimpleNamespace(uuid4=lambda: SimpleNamespace(hex=next(drawn))))
    monkeypatch.setattr("core.runs.store.time.strftime", lambda _: "20260101-000000")
    assert [store.create(recipe()).id for _ in range(2)] == ["20260101-000000-alasfoor-cnn22-aaaa", "20260101-000000-alasfoor-cnn22-bbbb"]
