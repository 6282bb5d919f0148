"""`data import`: one verb for folders, tables, archives and public sets, with the report as JSON."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from core.__main__ import main


@pytest.fixture
def imported(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, dict]]:
    """Run `data import` with --json; its exit status and document."""

    def run(*arguments: object) -> tuple[int, dict]:
        code = main(["data", "import", *map(str, arguments), "--json"])
        return code, json.loads(capsys.readouterr().out)

    return run


def test_cohens_collection_counts_frontal_x_rays_in_and_the_rest_out(imported, real_data: Path) -> None:
    code, report = imported(real_data / "cohen-mini")
    assert code == 0
    assert report["images"] == 42
    assert report["reasons"] == {"not an X-ray: CT": 8, "a lateral view: L": 8}
    assert len(report["dropped"]) == 16
    assert {"depths", "duplicates", "classes", "patients", "sources", "modes", "sizes", "notes"} <= report.keys()


def test_a_zip_and_a_table_are_imported_by_the_same_verb(imported, make_folder: Callable[..., Path], tmp_path: Path) -> None:
    folder = make_folder({"a": 2, "b": 1}, patients=1)
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as archive:
        for path in folder.rglob("*.*"):
            archive.write(path, path.relative_to(folder))
    assert imported(tmp_path / "packed.zip")[1]["patients"] == 3
    assert imported(folder / "metadata.csv", "--name", "mine")[1]["name"] == "mine"


@pytest.mark.parametrize(("source", "code", "message"), [("no/where", 2, "Check the path"), ("radiogrphy", 2, "public set")])
def test_what_is_not_there_is_wrong_usage(imported, source: str, code: int, message: str) -> None:
    found, document = imported(source)
    assert found == code
    assert message in document["error"]


def test_text_says_what_was_left_out_and_how_long_it_takes(make_folder: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_folder({"a": 2, "b": 1, "masks": 2})
    (folder / "b" / "copy.png").write_bytes((folder / "a" / "000.png").read_bytes())
    assert main(["data", "import", str(folder)]) == 0
    captured = capsys.readouterr()
    assert "left out, 2 files: stands in a masks folder" in captured.out
    assert "same file: a/000.png, b/copy.png" in captured.out
    assert "4 of 4" in captured.err
