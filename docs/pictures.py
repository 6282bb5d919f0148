"""Takes the README's pictures anew: `python docs/pictures.py`, with a browser and the packages of `requirements-dev.txt`.

A network is trained on synthetic chests, another two on planted ones, in an artifacts folder that is thrown away; beside them stand the
runs that came recorded with the project. No X-ray of a person is in any picture. It takes some minutes.
"""

from __future__ import annotations

import io
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
PICTURES = Path(__file__).parent / "pictures"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WIDTH, LARGEST = 1400, 150_000  # pixels; bytes of a picture
PATIENCE = 300_000  # milliseconds


@dataclass(frozen=True)
class Picture:
    """One picture: what is opened, what must be there before it is taken, and how high it is."""

    name: str
    link: str
    seen: str
    height: int
    top: str = ""  # the text that stands highest in the picture; "": that of the page
    act: Callable[[Page], None] | None = None


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"CXRLAB_ARTIFACTS": folder, "CXRLAB_SECRETS": f"{folder}/secrets.toml"}
        Path(os.environ["CXRLAB_SECRETS"]).write_text("")  # the machine's own settings are none of the pictures' business
        pictures = _prepared()
        with _server(folder) as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=next(filter(None, map(shutil.which, BROWSERS))), args=["--no-sandbox", "--disable-background-networking"]
            )
            expect.set_options(timeout=PATIENCE)
            for picture in pictures:
                page = browser.new_page(viewport={"width": WIDTH, "height": picture.height})
                page.set_default_timeout(PATIENCE)
                _take(page, address, picture)
                page.close()
            browser.close()


def _prepared() -> list[Picture]:
    """Train what is shown; the pictures to take of it."""
    sys.path.insert(0, str(ROOT))  # the engine, wherever this is called from
    from core import demo
    from core.data import library
    from core.runs import store
    from core.shortcuts import lab, planting, sets, unmasking
    from core.training import worker

    run = store.create(demo.recipe())
    worker.run(run)
    label, against = lab.pair(library.PHANTOM)
    planted = sets.make(sets.Plan(library.PHANTOM, label, planting.Letter(), against=against))
    twins = [store.create(lab.recipe(name)) for name in (planted.name, planted.clean)]
    for twin in twins:
        worker.run(twin)
        unmasking.unmask(twin, planted)
    test = run.predictions().query("split == 'test' and label != 'Normal'")
    chest = library.open_dataset(library.PHANTOM).root / test["sample_id"].iloc[0]

    def upload(page: Page) -> None:
        page.locator("input[type=file]").first.set_input_files(chest)
        expect(page.get_by_role("button", name="Page (HTML)")).to_be_visible()

    return [
        Picture("home", "/", "Latest runs", 760),
        Picture("run", f"/runs?run={run.id}", "Averages over the classes", 1000, "Test part"),
        Picture("shortcut", f"/shortcut_lab?run={twins[0].id}", "Where it looked", 862, "3 · Unmask"),
        Picture("predict", f"/predict?run={run.id}", "Chest X-rays", 1000, "Answer: ", upload),
        Picture("benchmark", "/benchmark", "What it says", 1000),
    ]


@contextmanager
def _server(artifacts: str) -> Iterator[str]:
    """The app on a free port; yields its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true", f"--server.port={port}"]
    process = subprocess.Popen([*command, f"--secrets.files={artifacts}/secrets.toml"], cwd=ROOT)
    try:
        deadline = time.monotonic() + PATIENCE / 1000
        while not _answers(f"http://127.0.0.1:{port}/_stcore/health"):
            if time.monotonic() > deadline:
                raise TimeoutError("The app did not start.")
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _answers(address: str) -> bool:
    try:
        return urllib.request.urlopen(address, timeout=5).status == 200
    except OSError:
        return False


def _take(page: Page, address: str, picture: Picture) -> None:
    page.goto(address + picture.link)
    expect(page.get_by_text(picture.seen).first).to_be_visible()
    if picture.act:
        picture.act(page)
    for unfinished in ("stSkeleton", "stSpinner"):
        expect(page.get_by_test_id(unfinished)).to_have_count(0)
    page.wait_for_timeout(2000)  # figures are drawn a moment after their page
    if picture.top:
        page.get_by_role("heading", name=picture.top).first.evaluate("heading => heading.scrollIntoView()")
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
    page.wait_for_timeout(1000)
    taken = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    for quality in range(90, 20, -10):
        taken.save(PICTURES / f"{picture.name}.webp", quality=quality, method=6)
        if (PICTURES / f"{picture.name}.webp").stat().st_size <= LARGEST:
            return
    raise ValueError(f"The picture {picture.name} is not to be had in {LARGEST:,} bytes.")


if __name__ == "__main__":
    main()
