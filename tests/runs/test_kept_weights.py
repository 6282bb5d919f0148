"""Kept weights: damage is said, not loaded."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from core.errors import UnusableRun
from core.runs import kept_weights

WEIGHTS = {"weight": torch.arange(6.0).view(2, 3), "count": torch.tensor(7), "half": torch.ones(3, dtype=torch.bfloat16)}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    kept_weights.write(tmp_path / "model.safetensors", WEIGHTS, 3, tmp_path / "checkpoint" / "before.safetensors")
    return tmp_path / "model.safetensors"


def test_weights_come_back_with_their_epoch(path: Path) -> None:
    torch.testing.assert_close(kept_weights.read(path), WEIGHTS, rtol=0, atol=0)
    assert kept_weights.epoch_of(path) == 3


def test_equal_weights_are_equal_files(path: Path) -> None:
    first = path.read_bytes()
    for _ in range(20):
        kept_weights.write(path, dict(reversed(WEIGHTS.items())), 3, path.parent / "before.safetensors")
        assert path.read_bytes() == first


def test_those_before_are_put_aside(path: Path) -> None:
    before = path.parent / "checkpoint" / "before.safetensors"
    assert not before.exists()
    for epoch in (5, 8):
        kept_weights.write(path, WEIGHTS, epoch, before)
    assert (kept_weights.epoch_of(path), kept_weights.epoch_of(before)) == (8, 5)
    torch.testing.assert_close(kept_weights.read(before), WEIGHTS, rtol=0, atol=0)


def test_those_before_are_copied_where_files_have_no_links(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(kept_weights.os, "link", refuse)
    before = path.parent / "checkpoint" / "before.safetensors"
    kept_weights.write(path, WEIGHTS, 5, before)
    assert (kept_weights.epoch_of(path), kept_weights.epoch_of(before)) == (5, 3)


def test_every_flipped_bit_is_noticed(path: Path) -> None:
    content = path.read_bytes()
    for place in range(0, len(content), 3):
        damaged = bytearray(content)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        try:
            found = kept_weights.read(path)
        except UnusableRun as error:
            assert "which is damaged. Copy the run's folder again" in str(error)  # noqa: PT017  most places, not all: blanks of the header
        else:
            torch.testing.assert_close(found, WEIGHTS, rtol=0, atol=0)
            assert content[place : place + 1] in b' "'


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_truncated_file_is_refused(path: Path, share: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(UnusableRun, match="which is damaged"):
        kept_weights.read(path)
    with pytest.raises(UnusableRun, match="which is damaged"):
        kept_weights.epoch_of(path)


def test_a_file_of_an_older_version_is_read(tmp_path: Path) -> None:
    save_file(WEIGHTS, tmp_path / "old.safetensors", metadata={"epoch": "4"})
    torch.testing.assert_close(kept_weights.read(tmp_path / "old.safetensors"), WEIGHTS, rtol=0, atol=0)
    assert kept_weights.epoch_of(tmp_path / "old.safetensors") == 4
