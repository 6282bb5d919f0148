"""The documents are carried out word for word, in a copy of the engine, so that they cannot become untrue unnoticed."""

from __future__ import annotations

import http.server
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from core.teaching.walks import TOURS

ROOT = Path(__file__).resolve().parents[1]
PAGES = re.findall(r'title="([^"]+)"', (ROOT / "pages" / "parts.py").read_text(encoding="utf-8"))
BLOCK = re.compile(r"^```(python|bash)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def section(title: str) -> str:
    text = (ROOT / "docs" / "developers.md").read_text(encoding="utf-8")
    return text.partition(f"## {title}\n")[2].partition("\n## ")[0]


@pytest.fixture
def follow(tmp_path, artifacts, make_folder):
    """Carry out a section: write its files, insert its lines, run its commands; gives what the commands said."""
    scratch = tmp_path / "copy"
    shutil.copytree(ROOT / "core", scratch / "core", ignore=shutil.ignore_patterns("__pycache__"))
    environment = os.environ | {"CXRLAB_ARTIFACTS": str(artifacts), "PYTHONPATH": str(scratch)}

    def run(command: str) -> str:
        words = [sys.executable if word == "python" else word for word in shlex.split(command)]
        done = subprocess.run(words, cwd=scratch, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def follow_(title: str, **replaced: str) -> list[str]:
        text, said, end = section(title), [], 0
        for block in BLOCK.finditer(text):
            before, content = text[end : block.start()], block[2]
            end = block.end()
            for old, new in replaced.items():
                content = content.replace(old, new)
            new_file = re.search(r"New file `([^`]+)`:\s*$", before)
            place = re.search(r"[Ii]n `([^`]+)`, after the line `([^`]+)`:\s*$", before)
            if block[1] == "bash":
                said += [run(line) for line in content.splitlines()]
            elif new_file:
                (scratch / new_file[1]).write_text(content, encoding="utf-8")
            else:
                assert place, f"It is not said where this belongs:\n{content}"
                file, line = scratch / place[1], place[2] + "\n"
                assert file.read_text(encoding="utf-8").count(line) == 1
                file.write_text(file.read_text(encoding="utf-8").replace(line, line + content), encoding="utf-8")
        return said

    folder = make_folder({"a": 40, "b": 40}, size=64, name="mine")
    run(f"python -m core data import {shlex.quote(str(folder))} --name mine")
    return follow_


@pytest.mark.parametrize("title", ["Add a model", "Add a recipe", "Add a data source"])
def test_each_is_under_twenty_lines_of_instructions(title):
    lines = [line for line in BLOCK.sub("", section(title)).splitlines() if line.strip()]
    assert 0 < len(lines) < 20
    assert BLOCK.search(section(title))


def test_a_model_is_added_as_written(follow):
    (said,) = follow("Add a model")
    assert "tiny-cnn" in said
    assert "test accuracy" in said


def test_a_recipe_is_added_as_written(follow, artifacts):
    _, shown = follow("Add a recipe")
    assert (artifacts / "recipes" / "gentle.json").is_file()
    assert '"lr": 0.0003' in shown


@pytest.fixture
def address(tmp_path, make_folder) -> Iterator[str]:
    """Where a server on this machine gives a ZIP archive of two class folders."""
    folder = make_folder({"Normal": 2, "Pneumonia": 2}, name="publisher/images")
    shutil.make_archive(str(tmp_path / "served" / "set"), "zip", folder.parent)
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path / "served"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/set.zip"
        server.shutdown()


def test_a_data_source_is_added_as_written_but_for_its_address(follow, address):
    (said,) = follow("Add a data source", **{"https://example.org/my-set.zip": address})
    assert "my-set" in said
    assert "Pneumonia" in said


@pytest.mark.parametrize("document", ["users", "teachers"])
def test_pages_and_tours_are_called_as_in_the_app(document):
    text = (ROOT / "docs" / f"{document}.md").read_text(encoding="utf-8")
    assert '"Try it: two-minute demo"' in (ROOT / "pages" / "_demo.py").read_text(encoding="utf-8")
    known = {
        *PAGES,
        "Teaching mode",
        "Try it: two-minute demo",
        "Draw",
        *(tour.title for tour in TOURS),
        "Guide › Replay",
        "Guide › Beat the network",
    }
    named = {re.sub(r"\s+", " ", name) for name in re.findall(r"(?<!\*)\*([^*]+)\*(?!\*)", text)}
    assert len(named) > 5
    assert named <= known
    if document == "teachers":
        assert named >= {tour.title for tour in TOURS}


def test_the_readme_names_every_document():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert all(f"docs/{file.name}" in readme for file in (ROOT / "docs").glob("*.md"))
