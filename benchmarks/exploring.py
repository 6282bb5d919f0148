"""What the explorer's page costs at 20,000 images, without drawing: `python -m benchmarks.exploring [--images N] [--size N] [--passes N]`.

Every file is another noise, written and imported in a folder of its own first; what is measured once is timed once, and what each visit of
the page pays is the median of several passes. The thumbnails of a page are read anew in each pass, as by the first visitor.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from PIL import Image

A_PAGE = 24


def main(
    images: Annotated[int, typer.Option(help="Images of the data set.")] = 20_000,
    size: Annotated[int, typer.Option(help="Their side in pixels.")] = 128,
    passes: Annotated[int, typer.Option(help="Times that each part of a visit is timed.")] = 5,
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CXRLAB_ARTIFACTS"] = str(Path(folder) / "artifacts")
        write(Path(folder) / "images", images, size)
        visit(Path(folder) / "images", passes)


def visit(folder: Path, passes: int) -> None:
    from core import figures
    from core.data import exploration, gallery, library

    seconds, record = once(lambda: library.import_folder(folder, "large"))
    typer.echo(f"import of {record.images:,} images: {seconds:.1f} s")
    seconds, manifest = once(lambda: library.open_dataset("large"))
    typer.echo(f"table read, once a server: {1e3 * seconds:.0f} ms")
    seconds, measured = once(lambda: exploration.measure(manifest))
    typer.echo(f"measured, once a data set: {seconds:.1f} s")
    rows = exploration.select(manifest, exploration.Filters("b", "y"))

    def grid() -> None:
        gallery.forget()
        page = exploration.paged(exploration.select(manifest, exploration.Filters("b", "y")), 3, A_PAGE)
        gallery.thumbnails(manifest, page.rows.tolist())

    def numbers() -> None:
        found, classes = exploration.measure(manifest), list(manifest.classes)
        counts = exploration.size_counts(manifest, found.sizes)
        figures.sizes(counts, classes).to_json()
        figures.size_shares(exploration.size_shares(counts, classes)).to_json()
        figures.greys(found.histograms, classes).to_json()
        for mean in exploration.mean_images(found, manifest):
            figures.grey_difference(mean.difference, mean.limit).to_json()

    def one() -> None:
        row = exploration.row_of(manifest, manifest.table["path"].iat[rows[-1]])
        exploration.of_patient(manifest, row)
        exploration.nearest(measured.coarse, row, 6)

    for name, work in (("record", lambda: library.describe("large")), ("grid", grid), ("sizes and greys", numbers), ("one image", one)):
        typer.echo(f"{name}, each visit: {1e3 * statistics.median(once(work)[0] for _ in range(passes)):.0f} ms")


def write(folder: Path, images: int, size: int) -> None:
    """Three classes, two sources, four images a patient, noise of slightly differing sizes."""
    rng = np.random.default_rng(0)
    lines = ["path,label,patient_id,source,view"]
    for label in "abc":
        (folder / label).mkdir(parents=True)
    for number in range(images):
        label = "abc"[number % 3]
        pixels = rng.integers(0, 256, (size - number % 7, size), np.uint8)
        Image.fromarray(pixels).save(folder / label / f"{number}.bmp")
        lines.append(f"{label}/{number}.bmp,{label},{number // 4},{'xy'[number % 2]},PA")
    (folder / "metadata.csv").write_text("\n".join(lines) + "\n")


def once(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


if __name__ == "__main__":
    typer.run(main)
