"""How long an audit's search for copies takes on a large set whose signatures are kept, and how much memory.

    python -m benchmarks.auditing FOLDER [--images 20000]

FOLDER is a data set. Pictures are made from its thumbnails, each a mixture of three of them, until there are enough: alike as chests are,
and more alike where two mixtures share a picture, so that a set of as many X-rays has fewer candidates. Nothing else runs meanwhile.
"""

from __future__ import annotations

import resource
import time

import numpy as np
import typer

from core.data import duplicates, library, signatures
from core.data.signatures import SIDE, Signatures


def mixed(thumbs: np.ndarray, images: int, seed: int = 0) -> Signatures:
    """`images` mixtures of three of `thumbs` each."""
    rng, made = np.random.default_rng(seed), np.empty((images, SIDE, SIDE), np.uint8)
    for row in range(images):
        chosen = thumbs[rng.choice(len(thumbs), 3, replace=False)]
        made[row] = np.tensordot(rng.dirichlet((4, 4, 4)), chosen, axes=1).round()
    hashes = np.array([signatures.perceptual_hash(thumb) for thumb in made], dtype=np.uint64)
    size = np.full(images, 1024)
    return Signatures(np.arange(images).astype("U64"), hashes, made, size, size)


def main(folder: str, images: int = 20_000) -> None:
    kept = signatures.of_manifest(library.open_dataset(folder))
    for name, given in (("the set itself", kept), (f"{images:,} mixtures", mixed(kept.thumb, images))):
        wall, processor = time.perf_counter(), time.process_time()
        found = duplicates.find(given)
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        typer.echo(
            f"{name}: {len(given):,} images, {len(found.near):,} near pairs, {wall:.1f} s ({processor:.1f} s of the processor), "
            f"peak {peak:.2f} GiB"
        )


if __name__ == "__main__":
    typer.run(main)
