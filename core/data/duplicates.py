"""Which images of a data set show the same picture: the same pixels, or a copy that was resized, recompressed, relit, cropped or mirrored.

Frontal chest X-rays look alike, so no single number tells a copy. A perceptual hash gives candidates; a linear model of small shifts and
crops (tangent distance: Simard, LeCun & Denker, NIPS 1992) sorts most of them out; the rest are laid over each other (Lucas & Kanade,
IJCAI 1981; Baker & Matthews, IJCV 2004) and compared by the correlation of their detail, ever finer. Two exposures of one patient that
differ in nothing but noise pass for a copy. What has no detail, or fewer pixels than `SMALLEST`, is compared by its pixels alone.

What was found is kept by data set in `artifacts/duplicates/`, which may be deleted. This module knows nothing of labels or patients.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.data import alignment, signatures, threads
from core.data.images import READER_VERSION
from core.data.manifest import COPY
from core.data.signatures import Signatures
from core.data.threads import Progress
from core.files import replacing
from core.settings import artifacts_dir

if TYPE_CHECKING:
    from core.data.manifest import Manifest

VERSION = 1  # stored with what was found: raise it whenever other pairs would be found
CORRELATION = 0.90  # of the detail at 64 px, aligned: copies of real X-rays reach 0.94 and more, other images of theirs at most 0.84
SMALLEST = 32  # pixels of the shorter side: what is smaller has too little detail to tell a copy by
HAMMING = 16  # bits of 64 in which the perceptual hashes of candidates differ at most
TANGENT = 0.955  # what the linear model must explain of the other picture's detail
COARSE = 0.92  # correlation at 32 px, aligned
SETTLED = 0.98  # of the detail at 64 px: what agrees so far as it lies is not aligned; among many copies of one picture all pairs are asked
_BATCH = 256  # pairs aligned at once: they stay in the processor's cache


@dataclass(frozen=True, eq=False)
class Duplicates:
    """What was found among some images.

    picture: a number an image; images with the same pixels share it. int [rows]
    near: numbers of two pictures that are near copies, the smaller first. int [pairs, 2]
    correlation: of the aligned detail of the two, at most 1. float [pairs]
    mirrored: whether one is like the other in a mirror. bool [pairs]
    """

    picture: np.ndarray
    near: np.ndarray
    correlation: np.ndarray
    mirrored: np.ndarray

    @cached_property
    def first(self) -> dict[int, int]:
        """The first row of every picture."""
        numbers, rows = np.unique(self.picture, return_index=True)
        return dict(zip(numbers.tolist(), rows.tolist(), strict=True))

    @property
    def same(self) -> np.ndarray:
        """Rows with the same pixels: the first of them with each other. int [pairs, 2]"""
        firsts = np.array([self.first[number] for number in self.picture.tolist()], dtype=np.int64)
        rows = np.flatnonzero(firsts != np.arange(len(firsts)))
        return np.stack([firsts[rows], rows], axis=1)

    @property
    def near_rows(self) -> np.ndarray:
        """The first row of each of two near pictures, the smaller row first. int [pairs, 2]"""
        rows = np.array([[self.first[a], self.first[b]] for a, b in self.near.tolist()], dtype=np.int64).reshape(-1, 2)
        return np.sort(rows, axis=1)

    @property
    def ties(self) -> np.ndarray:
        """Enough pairs of rows to reach every copy of an image from it, step by step. int [pairs, 2]"""
        return np.concatenate([self.same, self.near_rows])


def find(images: Signatures) -> Duplicates:
    """All copies among `images`. Memory grows with the images (about 8 kB each), not with their pairs."""
    _, first, picture = np.unique(images.pixels, return_index=True, return_inverse=True)
    short = np.minimum(images.width, images.height)[first]
    usable = np.flatnonzero((short >= SMALLEST) & alignment.has_detail(images.thumb[first]))
    thumbs = images.thumb[first[usable]]
    found = [_search(thumbs, images.hash[first[usable]], mirrored) for mirrored in (False, True)] if len(usable) else []
    best: dict[tuple[int, int], tuple[float, bool]] = {}
    for mirrored, (pairs, correlation) in enumerate(found):
        for (a, b), value in zip(usable[pairs].tolist(), correlation.tolist(), strict=True):
            best[a, b] = max(best.get((a, b), (-1.0, False)), (value, bool(mirrored)))
    near = np.array(sorted(best), dtype=np.int64).reshape(-1, 2)
    values = [best[a, b] for a, b in near.tolist()]
    return Duplicates(picture.ravel(), near, np.array([v for v, _ in values]), np.array([m for _, m in values], dtype=bool))


def _search(thumbs: np.ndarray, hashes: np.ndarray, mirrored: bool) -> tuple[np.ndarray, np.ndarray]:
    """Near pairs among `thumbs` (the second of each in a mirror, where `mirrored`): int [pairs, 2], the smaller first, and correlations."""
    others = thumbs[:, :, ::-1] if mirrored else thumbs
    theirs = np.array([signatures.perceptual_hash(thumb) for thumb in others], dtype=np.uint64) if mirrored else hashes
    bases, pictures = alignment.tangents(thumbs), alignment.pictures(others)
    confirmed: list[np.ndarray] = []
    waiting: set[tuple[int, int]] = set()

    def confirm() -> None:
        pairs = np.array(sorted(waiting), dtype=np.int64).reshape(-1, 2)
        waiting.clear()
        batches = [pairs[start : start + _BATCH] for start in range(0, len(pairs), _BATCH)]
        found = threads.each(lambda batch: _correlations(thumbs, others, batch), batches)
        confirmed.extend(np.column_stack(both) for both in zip(batches, found, strict=True))

    for row in range(len(thumbs)):
        candidates = np.flatnonzero(np.bitwise_count(theirs ^ hashes[row]) <= HAMMING)
        explained = np.square(pictures[candidates] @ bases[row].T).sum(axis=1)
        # Rows are gone through one by one, so every pair is seen from both sides, and either may show the crop.
        waiting.update((min(row, other), max(row, other)) for other in candidates[explained >= TANGENT**2].tolist() if other != row)
        if len(waiting) >= 64 * _BATCH:
            confirm()
    confirm()
    table = np.unique(np.concatenate(confirmed), axis=0) if confirmed else np.empty((0, 3))
    table = table[table[:, 2] >= CORRELATION]
    return table[:, :2].astype(np.int64), table[:, 2]


def _correlations(thumbs: np.ndarray, others: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Of each pair, laid over each other from either side; -1 for what is told apart at the coarse level. float [pairs]"""
    (firsts, place), side = np.unique(pairs[:, 0], return_inverse=True), thumbs.shape[-1]  # a picture's pairs come one after another
    one, other = thumbs[pairs[:, 0]], others[pairs[:, 1]]
    best = (alignment.pictures(thumbs[firsts], side)[place] * alignment.pictures(other, side)).sum(axis=1)
    unsettled = np.flatnonzero(best < SETTLED)
    if len(unsettled):
        best[unsettled] = _aligned(one[unsettled], other[unsettled])
    return best


def _aligned(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    best = np.full(len(one), -1.0)
    coarse = [alignment.coarse(one, other), alignment.coarse(other, one)]
    alike = np.flatnonzero(np.maximum(*(correlation for _, correlation in coarse)) >= COARSE)
    if len(alike):
        sides = [alignment.fine(a[alike], b[alike], how[alike]) for a, b, (how, _) in ((one, other, coarse[0]), (other, one, coarse[1]))]
        best[alike] = np.maximum(*sides)
    return best


def of_manifest(manifest: Manifest, progress: Progress | None = None) -> Duplicates:
    """Copies among the rows of `manifest`, from what is kept where that covers all its files; `progress` counts the files read otherwise.

    Raises:
        UnusableData, UnreadableImage: as `signatures.of_manifest`.
    """
    sums = [sha256.partition(COPY)[0] for sha256 in manifest.table["sha256"]]
    kept = _kept(manifest.name)
    if kept is None or not kept[0].keys() >= set(sums):
        unique, rows = np.unique(sums, return_index=True)
        images = signatures.of_manifest(manifest, progress)
        found = find(images.take(rows))
        _keep(manifest.name, unique, found)
        kept = dict(zip(unique.tolist(), range(len(unique)), strict=True)), found
    numbers, found = kept
    picture = found.picture[[numbers[sha256] for sha256 in sums]]
    here = np.isin(found.near, picture).all(axis=1)
    return Duplicates(picture, found.near[here], found.correlation[here], found.mirrored[here])


def _kept(data: str) -> tuple[dict[str, int], Duplicates] | None:
    """What is kept of the data set called `data`: the number of each file by its sha256, and what was found among them."""
    try:
        with np.load(_path(data), allow_pickle=False) as kept:
            if kept["version"].tolist() != _versions():
                return None
            sums = kept["sha256"].tolist()
            found = Duplicates(*(kept[name] for name in ("picture", "near", "correlation", "mirrored")))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):  # missing, damaged or of another kind: all is looked for anew
        return None
    return dict(zip(sums, range(len(sums)), strict=True)), found


def _keep(data: str, sums: np.ndarray, found: Duplicates) -> None:
    arrays = {name: getattr(found, name) for name in ("picture", "near", "correlation", "mirrored")}
    with replacing(_path(data)) as temporary, open(temporary, "wb") as file:
        np.savez(file, version=_versions(), sha256=sums, **arrays)


def _versions() -> list[int]:
    return [VERSION, signatures.VERSION, READER_VERSION]


def _path(data: str) -> Path:
    return artifacts_dir() / "duplicates" / f"{data}.npz"
