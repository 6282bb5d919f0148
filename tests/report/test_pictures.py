"""Figures as files: what a browser draws, and what is said where none can."""

from __future__ import annotations

import io
from pathlib import Path

import psutil
import pytest
from choreographer.errors import ChannelClosedError
from kaleido import Kaleido
from PIL import Image

from core import figures
from core.errors import CoreError
from core.report import pictures

FIGURE = figures.confusion([[5, 1], [2, 9]], ["covid", "normal"])


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Make the browser a script that does as it is told."""

    def make(command: str) -> None:
        script = tmp_path / "browser"
        script.write_text(f"#!/bin/sh\n{command}\n")
        script.chmod(0o755)
        monkeypatch.setenv("BROWSER_PATH", str(script))

    return make


def test_a_png_has_the_size_that_was_asked_for_and_is_white(chromium: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER_PATH", chromium)
    template = FIGURE.layout.template
    image = Image.open(io.BytesIO(pictures.png(FIGURE, width=400, height=300, scale=2)))
    assert (image.format, image.size) == ("PNG", (800, 600))
    assert image.convert("RGB").getpixel((2, 2)) == (255, 255, 255)
    assert FIGURE.layout.template == template


def test_an_svg_keeps_text_as_text(chromium: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER_PATH", chromium)
    drawn = pictures.svg(FIGURE, width=400).decode()
    assert drawn.startswith("<svg")
    assert f'width="400" height="{FIGURE.layout.height}"' in drawn
    assert ">covid" in drawn


def test_without_a_browser_a_person_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER_PATH", "/nowhere/chromium")
    with pytest.raises(CoreError, match=r"Install Chromium.*camera"):
        pictures.png(FIGURE)


def test_a_browser_that_ends_at_once_is_an_error(stand_in) -> None:
    stand_in("exit 3")
    with pytest.raises(CoreError, match="starts and draws"):
        pictures.svg(FIGURE)


def test_a_browser_that_ends_before_it_is_asked_is_an_error(stand_in, monkeypatch: pytest.MonkeyPatch) -> None:
    async def closed(_browser: Kaleido, _command: str) -> None:
        raise ChannelClosedError("closed")

    monkeypatch.setattr(Kaleido, "send_command", closed)
    stand_in("exec sleep 5")
    with pytest.raises(CoreError, match=r"no picture \(ChannelClosedError\)"):
        pictures.svg(FIGURE)


def test_a_browser_that_never_answers_is_ended(stand_in, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "LIMIT", 0.5)
    monkeypatch.setattr(pictures, "CLOSING", 0.5)
    stand_in("exec sleep 987654")
    with pytest.raises(CoreError, match=r"within 0\.5 s"):
        pictures.png(FIGURE)
    assert not [process for process in psutil.process_iter(["cmdline"]) if "987654" in (process.info["cmdline"] or [])]
