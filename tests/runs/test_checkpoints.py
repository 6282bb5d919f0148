"""Checkpoints: the two newest stay, and what is damaged is never taken for whole."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch

from core.errors import UnusableRun
from core.recipes.recipe import compose
from core.recipes.specs import DataSpec
from core.runs import checkpoints, store


def state(number: int) -> dict[str, object]:
    return {"epoch": number, "model": {"weight": torch.full((1000,), float(number))}}


def written(folder: Path, *positions: tuple[int, int]) -> None:
    for number, (epoch, step) in enumerate(positions):
        checkpoints.write(folder, state(number), epoch, step)


def positions(folder: Path) -> list[tuple[int, int]]:
    return [stored.position for stored in checkpoints.found(folder)]


def test_the_two_newest_stay(tmp_path: Path) -> None:
    written(tmp_path, (1, 0), (2, 0), (2, 30), (3, 0))
    assert positions(tmp_path) == [(3, 0), (2, 30)]
    assert [stored.read()["epoch"] for stored in checkpoints.found(tmp_path)] == [3, 2]
    assert len(list(tmp_path.iterdir())) == 2


def test_a_name_carries_the_hash_of_the_content(tmp_path: Path) -> None:
    written(tmp_path, (12, 345))
    (path,) = tmp_path.iterdir()
    assert path.name == f"epoch-0012-step-000345-{hashlib.sha256(path.read_bytes()).hexdigest()[:16]}.pt"


def test_what_stands_after_the_newest_is_of_a_training_that_was_given_up(tmp_path: Path) -> None:
    written(tmp_path, (5, 0), (6, 0), (1, 0))
    assert positions(tmp_path) == [(1, 0)]


def test_the_same_position_stored_again_replaces_what_stood_there(tmp_path: Path) -> None:
    written(tmp_path, (1, 0), (2, 0), (2, 0))
    assert [stored.read()["epoch"] for stored in checkpoints.found(tmp_path)] == [2, 0]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.999])
def test_a_truncated_checkpoint_is_refused(tmp_path: Path, share: float) -> None:
    written(tmp_path, (1, 0))
    (stored,) = checkpoints.found(tmp_path)
    content = stored.path.read_bytes()
    stored.path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(UnusableRun, match=r"epoch-0001.*damaged.*The one before it serves"):
        stored.read()


@pytest.mark.parametrize("place", [0, 700, 3000, -1])
def test_one_flipped_bit_is_noticed(tmp_path: Path, place: int) -> None:
    written(tmp_path, (1, 0))
    (stored,) = checkpoints.found(tmp_path)
    content = bytearray(stored.path.read_bytes())
    content[place] ^= 1
    stored.path.write_bytes(content)
    with pytest.raises(UnusableRun, match="its content is not what its name says"):
        stored.read()


def test_an_older_version_s_checkpoint_is_the_oldest_and_goes_with_the_second_new_one(tmp_path: Path) -> None:
    torch.save(state(7), tmp_path / "state.pt")
    (older,) = checkpoints.found(tmp_path)
    assert older.read()["epoch"] == 7
    assert older.ends_epoch
    written(tmp_path, (8, 0))
    assert [stored.path.name for stored in checkpoints.found(tmp_path)][1:] == ["state.pt"]
    written(tmp_path, (9, 0))
    assert positions(tmp_path) == [(9, 0), (8, 0)]


def test_an_older_version_s_checkpoint_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state.pt").write_bytes(b"half of a file")
    with pytest.raises(UnusableRun, match=r"state\.pt, which is damaged"):
        checkpoints.found(tmp_path)[0].read()


def test_a_failed_write_leaves_the_others_and_no_rest(tmp_path: Path) -> None:
    written(tmp_path, (1, 0))
    with pytest.raises(AttributeError):
        checkpoints.write(tmp_path, {"model": lambda: None}, 2, 0)
    assert positions(tmp_path) == [(1, 0)]
    assert len(list(tmp_path.iterdir())) == 1


def test_what_a_killed_trainer_left_half_written_is_removed_with_the_next(tmp_path: Path) -> None:
    (tmp_path / ".0123abcd.tmp").write_bytes(b"half")
    written(tmp_path, (1, 0))
    assert [path.suffix for path in tmp_path.iterdir()] == [".pt"]


def test_a_run_gives_the_newest_whole_checkpoint_and_its_log_names_the_damaged_one(caplog: pytest.LogCaptureFixture) -> None:
    run = store.create(compose(DataSpec(name="set", sha256="", classes=("a", "b")), "alasfoor-cnn22", **{"image.size": 32}))
    for epoch in (1, 2):
        run.write_checkpoint(state(epoch), epoch)
    newest = run.checkpoints()[0].path
    newest.write_bytes(newest.read_bytes()[:-100])
    assert run.checkpoint()["epoch"] == 1
    assert f"{newest.name}, which is damaged" in caplog.text
    run.checkpoints()[1].path.unlink()
    assert run.checkpoint() is None
    assert run.has_checkpoint()
