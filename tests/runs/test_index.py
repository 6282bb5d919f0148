"""The index says what the folders say, whatever happened to it."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from core.recipes.recipe import compose
from core.recipes.specs import DataSpec
from core.runs import index, store
from core.runs.status import ProcessMark

DATA = DataSpec(name="set", sha256="0" * 64, classes=("covid", "normal"))


def create(name: str = "", **status: object) -> store.Run:
    run = store.create(compose(DATA, "alasfoor-cnn22", **{"image.size": 32, "seed": 5, "epochs": 4}))
    if name:
        run = store.Run(run.folder.rename(run.folder.with_name(name)))
    if status:
        run.write_status(run.status().changed(**status))
    return run


def states() -> dict[str, str]:
    return {row.run_id: row.state for row in index.rows()}


def test_without_runs_there_are_no_rows() -> None:
    assert index.rows() == []


def test_a_row_says_what_its_folder_says() -> None:
    result = {"accuracy": 0.8, "accuracy_low": 0.7, "accuracy_high": 0.9, "loss": 0.5, "images": 40.0}
    costs = {"parameters": 1000.0, "images_per_second": 50.5}
    run = create(state="done", epoch=4, best_epoch=3, result=result, message="", started=100.0, finished=160.5, costs=costs)
    (row,) = index.rows()
    assert row.to_json() == {
        "run_id": run.id, "state": "done", "model": "alasfoor-cnn22", "data": "set", "created": run.status().created, "epoch": 4,
        "epochs": 4, "best_epoch": 3, "image_size": 32, "seed": 5, "accuracy": 0.8, "accuracy_low": 0.7, "accuracy_high": 0.9,
        "loss": 0.5, "test_images": 40, "message": "", "recipe": "", "differs": "",
        "experiment": run.recipe().experiment, "experiment_name": "", "fold": 0, "folds": 5, "seconds": 60.5,
        "metrics": {"accuracy": 0.8, "accuracy_low": 0.7, "accuracy_high": 0.9, "loss": 0.5}, "costs": costs,
        "owner": "", "visibility": "shared", "recorded": False, "part": "",
    }  # fmt: skip
    assert row.taken == "set"


def test_a_run_without_a_result_has_no_figures() -> None:
    create(state="failed", message="No room.")
    (row,) = index.rows()
    assert (row.accuracy, row.loss, row.test_images, row.message) == (None, None, None, "No room.")


def test_rows_come_newest_first() -> None:
    create("old", state="done", created=1.0)
    create("new", state="done", created=3.0)
    create("middle", state="done", created=2.0)
    assert [row.run_id for row in index.rows()] == ["new", "middle", "old"]


def test_what_every_page_shows_is_looked_up_once_a_second_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    now, looked = [10.1], []
    monkeypatch.setattr(index.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(index, "all_rows", lambda: looked.append(now[0]) or [])
    index.lately()
    now[0] = 10.9
    index.lately()
    now[0] = 11.0
    index.lately()
    assert looked == [10.1, 11.0]


def test_another_artifacts_folder_is_looked_at_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(index.time, "monotonic", lambda: 10.0)
    run = create()
    assert [row.run_id for row in index.lately()] == [run.id]
    monkeypatch.setenv("CXRLAB_ARTIFACTS", str(tmp_path / "another"))
    assert index.lately() == []


def test_a_deleted_index_comes_back(artifacts: Path) -> None:
    create("a", state="done"), create("b")
    before = index.rows()
    for path in artifacts.glob("index.sqlite*"):
        path.unlink()
    assert index.rows() == before


@pytest.mark.parametrize("content", [b"garbage " * 1000, b"SQLite format 3\0" + bytes(range(256)) * 20, b"x"])
def test_a_damaged_index_comes_back(content: bytes, artifacts: Path) -> None:
    create("a", state="done"), create("b")
    before = index.rows()
    (artifacts / "index.sqlite").write_bytes(content)
    assert index.rows() == before
    assert index.rows() == before


def test_an_index_damaged_in_its_middle_comes_back(artifacts: Path) -> None:
    for number in range(40):
        create(f"run-{number}", state="done", message="x" * 500)
    before = index.rows()
    path = artifacts / "index.sqlite"
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    path.write_bytes(content)
    assert index.rows() == before


@pytest.mark.parametrize("table", ["runs (run_id, state, changed)", "runs (run_id)", "jobs (id)"])
def test_an_index_of_another_version_is_made_again(table: str, artifacts: Path) -> None:
    create("a", state="done")
    artifacts.mkdir(exist_ok=True)
    with sqlite3.connect(artifacts / "index.sqlite") as database:
        database.execute(f"CREATE TABLE {table}")
    database.close()
    assert states() == {"a": "done"}


def test_a_removed_folder_disappears_and_a_new_one_appears() -> None:
    removed = create("a", state="done")
    create("b", state="done")
    assert states() == {"a": "done", "b": "done"}
    shutil.rmtree(removed.folder)
    create("c", state="done")
    assert states() == {"b": "done", "c": "done"}


def test_a_changed_status_is_seen() -> None:
    run = create(state="running", process=ProcessMark.of_this())
    assert states() == {run.id: "running"}
    run.write_status(run.status().changed(state="done"))
    assert states() == {run.id: "done"}


def test_what_has_not_changed_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    create("a", state="done")
    before = index.rows()
    monkeypatch.setattr(store.Run, "recipe", lambda _: pytest.fail("read again"))
    assert index.rows() == before


def test_the_table_is_not_opened_again_while_runs_only_train(monkeypatch: pytest.MonkeyPatch) -> None:
    create("a", state="done")
    run = create(state="running", process=ProcessMark.of_this())
    before = index.rows()
    monkeypatch.setattr(index.database, "use", lambda *_, **__: pytest.fail("opened again"))
    assert index.rows() == before
    run.write_status(run.status().changed(epoch=2))
    assert [row.epoch for row in index.rows() if row.run_id == run.id] == [2]


def test_what_another_process_wrote_to_the_table_hides_nothing(artifacts: Path) -> None:
    create("a", state="done"), create("b", state="done")
    before = index.rows()
    with sqlite3.connect(artifacts / "index.sqlite") as database:
        database.execute("DELETE FROM runs WHERE run_id = 'a'")
    database.close()
    assert index.rows() == before


def test_a_record_that_is_written_while_pages_are_looked_at_appears(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CXRLAB_RECORDED", str(tmp_path / "recorded"))
    assert states() == {}
    shutil.copytree(create("a", state="done").folder, tmp_path / "recorded" / "runs" / "kept")
    assert states() == {"a": "done", "kept": "done"}
    shutil.rmtree(tmp_path / "recorded" / "runs" / "kept")
    assert states() == {"a": "done"}


def test_a_live_run_whose_trainer_died_is_interrupted_though_no_file_changed() -> None:
    run = create(state="running", process=ProcessMark.of_this())
    assert states() == {run.id: "running"}
    stamp = (run.folder / "status.json").stat()
    mark = ProcessMark.of_this().model_copy(update={"started": 1.0})
    run.write_status(run.status().changed(process=mark))
    os.utime(run.folder / "status.json", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert states() == {run.id: "interrupted"}


@pytest.mark.parametrize("file", ["status.json", "recipe.json"])
@pytest.mark.parametrize("content", ["{", "", "[]", '{"created": "soon"}', "\x00\x00"])
def test_a_damaged_run_is_named_and_hides_no_other(file: str, content: str) -> None:
    create("good", state="done")
    broken = create("broken", state="done")
    (broken.folder / file).write_text(content)
    assert states() == {"good": "done", "broken": "damaged"}
    assert next(row for row in index.rows() if row.run_id == "broken").message


def test_a_damaged_run_that_was_mended_lives_again() -> None:
    run = create("a", state="done")
    recipe = (run.folder / "recipe.json").read_text()
    (run.folder / "recipe.json").unlink()
    (row,) = index.rows()
    assert row.state == "damaged"
    assert "holds recipe.json" in row.message
    (run.folder / "recipe.json").write_text(recipe)
    assert states() == {"a": "done"}
