"""A file is written whole or not at all; a table is read anew when it has changed."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from core.files import read_table, replacing, write_json, write_text


def test_a_block_that_ends_well_gives_the_file_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.bin"
    with replacing(path) as temporary:
        temporary.write_bytes(b"new")
        assert not path.exists()
        assert temporary.parent == path.parent  # a rename is atomic within one file system only
    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("stop", [RuntimeError, KeyboardInterrupt])
def test_a_failing_block_leaves_the_old_file_and_no_temporary(tmp_path: Path, stop: type[BaseException]) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")

    def write_half() -> None:
        with replacing(path) as temporary:
            temporary.write_bytes(b"half")
            raise stop

    with pytest.raises(stop):
        write_half()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_block_that_writes_nothing_fails_and_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with pytest.raises(FileNotFoundError), replacing(path):
        pass
    assert path.read_bytes() == b"old"


def test_two_writers_of_one_file_do_not_share_a_temporary(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    with replacing(path) as one, replacing(path) as two:
        one.write_bytes(b"one")
        two.write_bytes(b"two")
        assert one != two
    assert path.read_bytes() == b"one"  # whose block ends last
    assert list(tmp_path.iterdir()) == [path]


def test_text_is_utf8(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "größer – 肺\n")
    assert (tmp_path / "a.txt").read_bytes() == "größer – 肺\n".encode()


def test_json_is_readable_and_ends_with_a_line_break(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"name": "Ärzte", "n": [1, None, 0.5]})
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert json.loads(text) == {"name": "Ärzte", "n": [1, None, 0.5]}
    assert "Ärzte" in text
    assert text.endswith("}\n")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object()])
def test_what_is_no_json_is_refused_and_the_old_file_stays(tmp_path: Path, value: object) -> None:
    write_json(tmp_path / "a.json", 1)
    with pytest.raises((ValueError, TypeError)):
        write_json(tmp_path / "a.json", {"value": value})
    assert json.loads((tmp_path / "a.json").read_text()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_table_is_read_once_until_its_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, read = tmp_path / "a.parquet", []
    original = pd.read_parquet
    monkeypatch.setattr(pd, "read_parquet", lambda file: read.append(file) or original(file))
    pd.DataFrame({"a": [1, 2]}).to_parquet(path)
    for _ in range(2):
        assert read_table(path)["a"].tolist() == [1, 2]
    pd.DataFrame({"a": [1, 2, 3]}).to_parquet(path)
    assert read_table(path)["a"].tolist() == [1, 2, 3]
    assert len(read) == 2


def test_who_changes_a_table_changes_nobody_elses(tmp_path: Path) -> None:
    pd.DataFrame({"a": [1, 2]}).to_parquet(tmp_path / "a.parquet")
    table = read_table(tmp_path / "a.parquet")
    table.loc[0, "a"] = 9
    assert read_table(tmp_path / "a.parquet")["a"].tolist() == [1, 2]
