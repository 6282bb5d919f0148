"""Resident memory of a training beyond the mapped cache of decoded images, sampled while it runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks import machine, processes
from core.errors import TrainingFailed

GRAIN = 28  # spots a side of a drawn picture
CLASSES = 4
TOLD = 2000  # images between two words of progress
EVERY = 0.5  # seconds between two samples
GIBIBYTE = 2**30


@dataclass(frozen=True)
class Sample:
    """Bytes that lie in memory, of a process and its children. `cache` of it maps files of the cache's folder."""

    resident: int
    cache: int

    @property
    def beyond(self) -> int:
        return self.resident - self.cache


def run(images: int, size: int, model: str, device: str, say: Callable[[str], None]) -> dict[str, Any]:
    """Train `model` for one epoch on `images` pictures of `size` pixels.

    Raises:
        TrainingFailed: the training did not end well.
    """
    with tempfile.TemporaryDirectory(prefix="cxrlab-memory-") as place:
        folder, artifacts, log = Path(place) / "images", Path(place) / "artifacts", Path(place) / "log"
        draw(folder, images, size, say)
        command = [sys.executable, "-m", "core", "train", "--data", str(folder), "--model", model, "--image-size", str(size)]
        command += ["--epochs", "1", "--device", device, "--json"]
        begun = time.perf_counter()
        with open(log, "wb") as out, open(f"{log}.err", "wb") as err:
            env = processes.environment(CXRLAB_ARTIFACTS=str(artifacts))
            process = subprocess.Popen(command, stdout=out, stderr=err, env=env, cwd=processes.ROOT)
            samples = list(_watch(process, artifacts / "cache"))
        if process.returncode:
            raise TrainingFailed("The training ends well.", processes.last_lines(log), "Try it with fewer --images.")
        seconds = time.perf_counter() - begun
        accuracy = json.loads(log.read_text(encoding="utf-8"))["metrics"]["accuracy"]
    peak = max(samples, key=lambda sample: sample.beyond)
    say(f"{images:,} images: {peak.beyond / GIBIBYTE:.2f} GiB resident beyond {peak.cache / GIBIBYTE:.2f} GiB of mapped cache")
    result: dict[str, Any] = {
        "kind": "memory",
        "machine": machine.describe(sys.executable),
        "device": device,
        "images": images,
        "size": size,
    }
    result |= {"model": model, "seconds": seconds, "samples": len(samples), "accuracy": accuracy}
    return result | {"beyond": peak.beyond, "cache": peak.cache, "resident": max(sample.resident for sample in samples)}


def draw(folder: Path, images: int, size: int, say: Callable[[str], None]) -> None:
    """`images` PNGs of `size` pixels in class folders, each of random soft spots.

    They are quick to draw, and no two are alike: among chests made of few others, the search for copies would go on for an hour.
    """
    from PIL import Image

    for number in range(images):
        spots = Image.fromarray(np.random.default_rng(number).integers(0, 256, (GRAIN, GRAIN), dtype=np.uint8))
        path = folder / f"class {number % CLASSES + 1}" / f"{number:06}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        spots.resize((size, size), Image.Resampling.BICUBIC).save(path, compress_level=1)
        if number % TOLD == 0:
            say(f"writing images: {number:,} of {images:,}")


def sampled(maps: Iterable[str], cache: Path) -> Sample:
    """The lines of one /proc/PID/smaps → what is resident, and how much of it maps files in the folder `cache`."""
    resident = mapped = 0
    inside = False
    for line in maps:
        first, _, rest = line.partition(" ")
        if not first.endswith(":"):  # a mapping's head: addresses, rights, offset, device, inode, path
            inside = f"{cache}{os.sep}" in rest
        elif first == "Rss:":
            kilobytes = int(rest.split()[0])
            resident += 1024 * kilobytes
            mapped += 1024 * kilobytes * inside
    return Sample(resident, mapped)


def _watch(process: subprocess.Popen[bytes], cache: Path) -> Iterable[Sample]:
    """Samples until the process has ended; its children count with it."""
    while process.poll() is None:
        try:
            found = psutil.Process(process.pid)
            parts = [_of(item.pid, cache) for item in (found, *found.children(recursive=True))]
            yield Sample(sum(part.resident for part in parts), sum(part.cache for part in parts))
        except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
            pass  # it ended between the question and the answer
        time.sleep(EVERY)


def _of(pid: int, cache: Path) -> Sample:
    with open(f"/proc/{pid}/smaps", encoding="utf-8", errors="replace") as maps:
        return sampled(maps, cache)
