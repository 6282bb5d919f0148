"""What importing and caching a folder costs beside decoding alone: `python -m benchmarks.importing FOLDER [--size N] [--passes N]`.

Decoding alone is Pillow's, of the same files, by as many threads. The import reads, hashes, decodes, signs and prepares every image, and
writes manifest, report and cache; each pass starts with empty artifacts. Passes alternate; times are medians. `share` is decoding ÷
import, by the clock and by the processor's time, which other programs disturb less. The memory is the highest of the process, mapped
files included.
"""

from __future__ import annotations

import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from PIL import Image

from core.data import layouts, library, threads
from core.data.preparation import Preparation


def main(
    folder: Annotated[Path, typer.Argument(help="A data set.")],
    size: Annotated[int, typer.Option(help="Pixels of the cached square.")] = 224,
    passes: Annotated[int, typer.Option(help="Times that each is timed.")] = 3,
) -> None:
    files = [folder / path for path in layouts.find(folder).rows["path"]]
    import_once(folder, size)  # imports modules and warms the disk's cache
    decoding, importing = [], []
    for _ in range(passes):
        decoding.append(timed(lambda: threads.each(decode, files)))
        importing.append(timed(lambda: import_once(folder, size)))
    (wall_alone, cpu_alone), (wall, cpu) = median(decoding), median(importing)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    for line in (
        f"{len(files):,} images, {os.cpu_count()} cores",
        f"decoding alone {wall_alone:.2f} s ({len(files) / wall_alone:,.0f} images/s), processor {cpu_alone:.2f} s",
        f"import and cache at {size} px {wall:.2f} s ({len(files) / wall:,.0f} images/s), processor {cpu:.2f} s",
        f"share {wall_alone / wall:.0%} by the clock, {cpu_alone / cpu:.0%} by the processor; highest memory {peak:,.0f} MiB",
    ):
        typer.echo(line)


def decode(file: Path) -> int:
    with Image.open(file) as image:
        return np.asarray(image).size


def import_once(folder: Path, size: int) -> None:
    with tempfile.TemporaryDirectory() as artifacts:
        os.environ["CXRLAB_ARTIFACTS"] = artifacts
        library.import_folder(folder, also=Preparation(size))


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock and of the processor."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def median(seconds: list[tuple[float, float]]) -> tuple[float, float]:
    wall, cpu = zip(*seconds, strict=True)
    return statistics.median(wall), statistics.median(cpu)


if __name__ == "__main__":
    typer.run(main)
