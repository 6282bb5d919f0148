"""Rows of metrics stay whole, whatever became of the writer of the last one."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.runs import metric_rows


@pytest.fixture
def path(tmp_path: Path) -> Path:
    for step in (1, 2):
        metric_rows.append(tmp_path / "metrics.jsonl", {"epoch": 1, "step": step})
    return tmp_path / "metrics.jsonl"


@pytest.mark.parametrize("rest", [b'{"epoch": 1, "st', b"{", b"\0" * 200, b"\xff\xfe", b""])
def test_a_line_that_was_cut_off_spoils_neither_reading_nor_the_next_line(path: Path, rest: bytes) -> None:
    with open(path, "ab") as file:
        file.write(rest)
    assert [row["step"] for row in metric_rows.read(path)] == [1, 2]
    metric_rows.append(path, {"epoch": 1, "step": 3})
    assert [row["step"] for row in metric_rows.read(path)] == [1, 2, 3]
    assert len(path.read_bytes().splitlines()) == 3


def test_a_file_of_nothing_but_half_a_line_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"epo')
    metric_rows.append(path, {"epoch": 1})
    assert metric_rows.read(path) == [{"epoch": 1}]


def test_rows_after_a_step_are_dropped(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    rows = [{"epoch": epoch, "step": step} for epoch in (1, 2, 3) for step in (4, 8)] + [
        {"epoch": epoch, "kind": "epoch"} for epoch in (1, 2, 3)
    ]
    for row in rows:
        metric_rows.append(path, row)
    metric_rows.drop_after(path, 1, 4)
    assert metric_rows.read(path) == [
        {"epoch": 1, "step": 4},
        {"epoch": 1, "step": 8},
        {"epoch": 2, "step": 4},
        {"epoch": 1, "kind": "epoch"},
    ]
    metric_rows.drop_after(path, 0, 0)
    assert metric_rows.read(path) == []


def test_of_a_file_that_has_grown_only_the_new_lines_are_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    metric_rows.read(path)
    metric_rows.append(path, {"epoch": 1, "step": 3})
    parsed = []
    monkeypatch.setattr(metric_rows.json, "loads", lambda text: parsed.append(text) or {"step": 3})
    assert [row["step"] for row in metric_rows.read(path)] == [1, 2, 3]
    assert len(parsed) == 1


def test_a_file_that_was_written_anew_is_read_anew(path: Path) -> None:
    metric_rows.read(path)
    path.write_text('{"epoch": 7, "step": 1}\n{"epoch": 7, "step": 2}\n{"epoch": 7, "step": 3}\n')  # longer, under the same inode
    assert [row["epoch"] for row in metric_rows.read(path)] == [7, 7, 7]
    path.write_text('{"epoch": 8}\n')
    assert metric_rows.read(path) == [{"epoch": 8}]
    path.unlink()
    assert metric_rows.read(path) == []


def test_the_list_that_was_read_is_the_readers_own(path: Path) -> None:
    metric_rows.read(path).clear()
    assert len(metric_rows.read(path)) == 2


def test_few_files_are_remembered(tmp_path: Path) -> None:
    for number in range(20):
        metric_rows.append(tmp_path / f"{number}.jsonl", {"epoch": number})
        assert metric_rows.read(tmp_path / f"{number}.jsonl") == [{"epoch": number}]
    assert len(metric_rows._known) == metric_rows._KEPT
