"""Something to look at: a synthetic data set, finished runs on it, and the run that trains while people browse."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import processes
from benchmarks.load.plan import Content
from core.errors import CoreError

FINISHED = (("demo", 1), ("demo", 2), ("alasfoor-2020", 3))  # recipe and seed of the finished runs
FINISHED_EPOCHS = 2
ENDLESS = 10_000  # epochs of the run that trains meanwhile, the most that a recipe may have: it is ended with the measurement


def prepare(artifacts: Path, recipe: str, say: Callable[[str], None]) -> Content:
    """Fill the new artifacts folder `artifacts`, and start training `recipe` in the queue; this takes a minute or two.

    Raises:
        CoreError: one of the runs does not end well.
    """
    runs = []
    for name, seed in FINISHED:
        say(f"preparing: {name}, seed {seed}")
        more = ["--seed", str(seed), "--epochs", str(FINISHED_EPOCHS)]
        runs.append(_core(artifacts, "train", "--data", "phantom", "--recipe", name, *more)["run_id"])
    listed = _core(artifacts, "runs", "list")
    papers = {row["paper"] for row in _core(artifacts, "recipes", "list") if row["paper"]}
    training = _core(artifacts, "submit", "--data", "phantom", "--recipe", recipe, "--epochs", str(ENDLESS))["run_id"]
    return Content(
        runs=tuple(runs),
        recorded=tuple(row["run_id"] for row in listed if row["recorded"]),
        training=training,
        data=("phantom",),
        papers=tuple(sorted(papers)),
    )


def picture() -> bytes:
    """An upload: a synthetic chest of 512 × 512 pixels, as PNG."""
    from PIL import Image

    from core.data import phantom

    buffer = io.BytesIO()
    Image.fromarray(phantom.draw(phantom.CLASSES[1], 7, size=512).image).save(buffer, format="PNG")
    return buffer.getvalue()


def _core(artifacts: Path, *arguments: str):
    command = [sys.executable, "-m", "core", *arguments, "--json"]
    done = subprocess.run(
        command, cwd=processes.ROOT, env=processes.environment(CXRLAB_ARTIFACTS=str(artifacts)), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise CoreError("What is looked at is made beforehand.", done.stderr[-4000:], f"Try it by hand: python -m core {arguments[0]}")
    return json.loads(done.stdout)
