"""What every test shares: an artifacts folder of its own, small data sets, and the real X-rays where they are."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Browser

if "PYTEST_XDIST_WORKER" in os.environ:
    # Before torch: more threads than cores wait for each other many times as long as they work.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
REAL_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(autouse=True)
def artifacts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh folder for runs, data sets and caches, and no records; nothing is written beside the package."""
    folder = tmp_path / "artifacts"
    monkeypatch.setenv("CXRLAB_ARTIFACTS", str(folder))
    monkeypatch.setenv("CXRLAB_SECRETS", str(tmp_path / "secrets.toml"))  # the machine's own settings are none of the tests' business
    monkeypatch.setenv("CXRLAB_RECORDED", str(tmp_path / "recorded"))
    return folder


@pytest.fixture
def make_folder(tmp_path: Path) -> Callable[..., Path]:
    """Make `tmp_path/name` with random greyscale PNGs in class folders; with `patients` (images a patient) also a metadata.csv."""

    def make(classes: dict[str, int], *, size: int = 24, patients: int | None = None, name: str = "set", seed: int = 0) -> Path:
        folder, rng, rows = tmp_path / name, np.random.default_rng(seed), []
        for label, images in classes.items():
            (folder / label).mkdir(parents=True)
            for i in range(images):
                Image.fromarray(rng.integers(0, 256, (size, size), np.uint8)).save(folder / label / f"{i:03}.png")
                rows.append((f"{label}/{i:03}.png", label, f"{label}-{i // (patients or 1)}", "made", "PA"))
        if patients:
            with open(folder / "metadata.csv", "w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([("path", "label", "patient_id", "source", "view"), *rows])
        return folder

    return make


@pytest.fixture
def real_data() -> Path:
    """The folder of real X-rays; the test is skipped where it is missing."""
    if not REAL_DATA.is_dir():
        pytest.skip("the real X-rays are not beside the repository")
    return REAL_DATA


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a browser; without one these tests are skipped, and in CI they fail."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        message = f"No browser found; looked for {', '.join(BROWSERS)}. On Debian: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return path


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """One for all tests: two at once cannot be driven from one thread."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-quic", "--disable-background-networking"]
        )
        yield browser
        browser.close()
