"""A synthetic chest phantom: drawn pictures that resemble frontal chest radiographs, with the true place of every opacity.

It lets every part of the app be tried offline, and checks heat maps against a known lesion. It is no radiograph: it knows neither X-ray
physics nor disease, its classes only borrow the names of patterns seen in patients, and nothing about real disease, and no accuracy on
real images, may be concluded from it.

How hard it is, measured on the default set (640 images, patients kept together, seeds 0 and 1): logistic regression on standardised
16 × 16 pixels 0.50-0.51 accuracy in five-fold cross-validation (up to 0.55 with C = 0.01), a random forest on the histogram's moments
and percentiles 0.34-0.37, one on the four border strips 0.28-0.31; chance is 0.25. A timm resnet18 from scratch (one channel, 128 pixels,
AdamW 1e-3 with cosine decay, batch 32, mild augmentation with flips, 7 epochs on 512 images) 0.83 and 0.89 on the fold left out.
"""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import numpy as np
import pandas as pd
from PIL import Image
from scipy.ndimage import gaussian_filter

from core.data import phantom_lesions
from core.data.phantom_anatomy import AIR, Body, Chest, Frame, draw_chest
from core.errors import InvalidSpec, UnknownName

_PATTERNS: dict[str, phantom_lesions.Pattern | None] = {
    "Normal": None,
    "Lobar opacity": phantom_lesions.lobar,
    "Diffuse opacity": phantom_lesions.diffuse,
    "COVID-like": phantom_lesions.covid_like,
}
CLASSES: tuple[str, ...] = tuple(_PATTERNS)
PER_CLASS = 160  # images of the set that the app draws
SIZES = (32, 1024)  # pixels a side: below it ribs vanish, above it a picture takes seconds
SECOND_VIEW = 0.25  # share of patients with two images

# What a patient's independent random streams are for; the numbers are part of what a seed means.
_BODY, _TISSUE, _LESION, _VIEW, _COUNT = range(5)


@dataclass(frozen=True)
class Phantom:
    """One synthetic image with its ground truth."""

    image: np.ndarray  # uint8 [size, size]
    label: str
    patient_id: str
    lesion: np.ndarray  # bool [size, size]; empty for Normal
    lungs: np.ndarray  # bool [size, size]; lung not hidden by heart, mediastinum or diaphragm


def draw(label: str, patient: int, view: int = 0, *, seed: int = 0, size: int = 256) -> Phantom:
    """View number `view` of patient number `patient`, drawn with the opacities of class `label`.

    The anatomy depends on `seed` and `patient` alone, so that another label gives the same chest with other opacities, and another view
    the same patient at another position and exposure. Raises `UnknownName` for the label, `InvalidSpec` for an impossible number.
    """
    if label not in CLASSES:
        raise UnknownName.among("phantom class", label, CLASSES)
    _check_size(size)
    for name, value in (("patient", patient), ("view", view), ("seed", seed)):
        if value < 0:
            raise InvalidSpec(f"The {name} of a phantom is counted from 0.", value, "Give 0 or a larger whole number.")
    taken = _stream(seed, patient, _VIEW, view)
    frame = _position(taken, size)
    chest = draw_chest(Body.of(_stream(seed, patient, _BODY)), frame, _stream(seed, patient, _TISSUE))
    image, lesion = _with_opacities(chest, frame, _PATTERNS[label], _stream(seed, patient, _LESION))
    return Phantom(_expose(image, taken), label, _patient_id(patient), lesion, chest.lungs)


def write(
    folder: Path, *, per_class: int = PER_CLASS, size: int = 256, seed: int = 0, progress: Callable[[int, int], None] | None = None
) -> None:
    """Write `per_class` images of each class to `folder`, with lesion masks and `metadata.csv`; complete or not at all.

    `progress` is called with (images written, images in all). A larger `per_class` keeps the images of a smaller one. Raises
    `InvalidSpec` for an impossible number or a folder that is not empty.
    """
    _check_size(size)
    if per_class < 1:
        raise InvalidSpec("A phantom data set has at least one image a class.", per_class, "Give a per_class of 1 or more.")
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidSpec("The phantom is written to a new or empty folder.", folder, "Choose another name, or delete it first.")
    partial = folder.with_name(f".{folder.name}.{uuid4().hex}.partial")
    try:
        for name in (*CLASSES, "masks"):
            (partial / name).mkdir(parents=True)
        _write_images(partial, list(_roster(per_class, seed)), size=size, seed=seed, progress=progress)
        if folder.exists():
            folder.rmdir()  # empty, as checked above; not every system renames onto a folder
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)  # there is nothing left of it after the rename


def _write_images(
    folder: Path, roster: list[tuple[str, int, int]], *, size: int, seed: int, progress: Callable[[int, int], None] | None
) -> None:
    def save(entry: tuple[str, int, int]) -> dict[str, str]:
        label, patient, view = entry
        phantom = draw(label, patient, view, seed=seed, size=size)
        name = f"{phantom.patient_id}-{view}.png"
        Image.fromarray(phantom.image).save(folder / label / name)
        Image.fromarray(phantom.lesion.astype(np.uint8) * 255).save(folder / "masks" / name)
        return {"path": f"{label}/{name}", "label": label, "patient_id": phantom.patient_id, "source": "synthetic", "view": "PA"}

    rows = []
    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:  # NumPy, SciPy and Pillow let go of the lock
        try:
            for row in pool.map(save, roster):
                rows.append(row)
                if progress is not None:
                    progress(len(rows), len(roster))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    pd.DataFrame(rows).to_csv(folder / "metadata.csv", index=False)


def _roster(per_class: int, seed: int) -> Iterator[tuple[str, int, int]]:
    """(label, patient, view) of every image. Patient p is of class p modulo 4, whatever the number of images asked for."""
    for number, label in enumerate(CLASSES):
        patient, left = number, per_class
        while left:
            views = min(left, 2 if _stream(seed, patient, _COUNT).random() < SECOND_VIEW else 1)
            yield from ((label, patient, view) for view in range(views))
            patient, left = patient + len(CLASSES), left - views


def _stream(seed: int, patient: int, *purpose: int) -> np.random.Generator:
    """A generator of its own for each patient and purpose, so that no image depends on another one having been drawn."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(patient, *purpose)))


def _patient_id(patient: int) -> str:
    return f"SYN-{patient:04d}"


def _check_size(size: int) -> None:
    if not SIZES[0] <= size <= SIZES[1]:
        raise InvalidSpec(f"A phantom is {SIZES[0]} to {SIZES[1]} pixels a side.", size, "Choose a size in that range, such as 256.")


def _position(rng: np.random.Generator, size: int) -> Frame:
    scale, angle = rng.uniform(0.98, 1.30), math.radians(rng.normal(0, 3.5))
    return Frame(size, scale, angle, (rng.uniform(-0.12, 0.12), rng.uniform(-0.08, 0.15)))


def _with_opacities(
    chest: Chest, frame: Frame, pattern: phantom_lesions.Pattern | None, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The chest's brightness with `pattern` filling its air, and where that is visible."""
    if pattern is None:
        return chest.image, np.zeros_like(chest.lungs)
    filled = np.clip(pattern(chest, frame, rng), 0, 1)
    return chest.image + np.float32(AIR) * chest.air * filled, (filled > phantom_lesions.VISIBLE) & chest.lungs


def _expose(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Blur, noise and the film's curve; the result's average and contrast are drawn at random, so that they tell no class."""
    size = image.shape[0]
    image = gaussian_filter(image, rng.uniform(0.5, 1.1) * size / 256)
    grain = gaussian_filter(rng.standard_normal(image.shape, dtype=np.float32), 0.6)
    image = image + rng.uniform(0.004, 0.016) * grain
    low, high = np.percentile(image[::4, ::4], (1, 99.5))
    image = np.clip((image - low) / (high - low), 1e-3, 1.05)
    image **= np.float32(np.log(rng.uniform(0.44, 0.58)) / np.log(image.mean()))
    image = image.mean() + rng.uniform(0.8, 1.0) * (image - image.mean())
    return np.clip(np.round(250 * image), 0, 255).astype(np.uint8)
