"""What a data set looks like before anybody learns from it: sizes, greys and mean images by class, and its rows, filtered and paged.

Whatever needs pixels is measured once, from the thumbnails among the signatures (64 px a side), and kept in `artifacts/exploration/`.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from core.data import signatures
from core.data.images import READER_VERSION
from core.data.manifest import Manifest
from core.data.threads import Progress
from core.errors import UnknownName
from core.files import replacing
from core.settings import artifacts_dir

VERSION = 1  # part of the stored file's name: raise it whenever `measure` would find something else
SIDE = signatures.SIDE  # pixels: of a mean image, and of the images that greys are counted in
COARSE_SIDE = 16  # pixels: side of what the search for alike images compares; a factor of SIDE
BINS = 64  # of a histogram of greys, each 256 / BINS wide
FOLDS = 5  # of the cross validation of what the size tells
TELLS, HINTS = 0.9, 0.7  # AUC from which the size gives a class away, or says something of it


@dataclass(frozen=True, eq=False)
class Measured:
    """What the pixels of a data set say. Rows are those of its manifest, classes in the order of `Manifest.classes`."""

    sizes: np.ndarray  # width and height in pixels. int [rows, 2]
    coarse: np.ndarray  # every image, squashed. uint8 [rows, COARSE_SIDE, COARSE_SIDE]
    histograms: np.ndarray  # share of the pixels a bin of greys, mean over a class's images. float [classes, BINS]
    means: np.ndarray  # mean of a class's images, squashed; greys from 0 to 255. float [classes, SIDE, SIDE]
    size_auc: np.ndarray  # how well width and height alone tell each class from the rest: ROC AUC of a decision tree, on the images of
    # patients that it was not fitted on; 0.5 is chance. float [classes]


@dataclass(frozen=True, eq=False)
class MeanImage:
    """Of one class: `picture` (uint8 [SIDE, SIDE]), and its `difference` to the mean of all images (float [SIDE, SIDE]); no class of the
    data set differs by more than `limit` greys."""

    label: str
    picture: np.ndarray
    difference: np.ndarray
    limit: float


@dataclass(frozen=True)
class Filters:
    """Which images are asked for; an empty text asks for all."""

    label: str = ""
    source: str = ""
    patient: str = ""
    part: str = ""


@dataclass(frozen=True, eq=False)
class Page:
    """`rows` (int [images of the page]) of page `number` of `pages`, both from 1; `first` and `total` count images."""

    rows: np.ndarray
    number: int
    pages: int
    first: int  # position of the first of `rows` among all, from 1
    total: int  # images on all pages


def stored(manifest: Manifest) -> Measured | None:
    """What `measure` found before, or None. No image is opened."""
    path = _path(manifest)
    if not path.is_file():
        return None
    with np.load(path) as arrays:
        return Measured(**{name: arrays[name] for name in arrays.files})


def measure(manifest: Manifest, progress: Progress | None = None) -> Measured:
    """Measure every image of `manifest`; from the second call on, what was found then.

    `progress` counts the files that must be read: none where the import kept signatures of all.

    Raises:
        UnusableData: a file that must be read is gone or changed since the import.
        UnreadableImage: it can no longer be read.
    """
    if known := stored(manifest):
        return known
    seen = signatures.of_manifest(manifest, progress)
    label = np.searchsorted(manifest.classes, manifest.table["label"].to_numpy(dtype=str))
    thumbs = [seen.thumb[label == number] for number in range(len(manifest.classes))]
    block, sizes = SIDE // COARSE_SIDE, np.stack([seen.width, seen.height], axis=1)
    found = Measured(
        sizes,
        seen.thumb.reshape(-1, COARSE_SIDE, block, COARSE_SIDE, block).mean(axis=(2, 4)).astype(np.uint8),
        np.stack([_histogram(of_class) for of_class in thumbs]),
        np.stack([of_class.mean(axis=0) for of_class in thumbs]),
        _size_auc(manifest, sizes, label),
    )
    with replacing(_path(manifest)) as temporary, open(temporary, "wb") as file:
        np.savez(file, **vars(found))
    return found


def size_counts(manifest: Manifest, sizes: np.ndarray) -> pd.DataFrame:
    """How many images of each class have each size: columns width, height, label, images; most images first."""
    width, height = sizes.T
    table = pd.DataFrame({"width": width, "height": height, "label": manifest.table["label"].to_numpy(dtype=str)})
    return table.value_counts().rename("images").reset_index()


def size_shares(counts: pd.DataFrame, classes: Sequence[str], most: int = 6) -> pd.DataFrame:
    """Share of each class's images (rows) that have one of the `most` frequent sizes, or another one (columns); each row sums to 1.

    `counts`: as `size_counts` gives them.
    """
    named = counts["width"].astype(str) + "×" + counts["height"].astype(str)
    frequent = counts["images"].groupby(named).sum().nlargest(most).index
    name = named.where(named.isin(frequent), "other sizes")
    table = counts.assign(size=name).pivot_table(index="label", columns="size", values="images", aggfunc="sum", fill_value=0)
    order = [*(size for size in frequent), *(["other sizes"] if "other sizes" in table else [])]
    return table.reindex(index=list(classes), columns=order).pipe(lambda images: images.div(images.sum(axis=1), axis=0))


def size_reading(measured: Measured, classes: Sequence[str]) -> tuple[str, str]:
    """What the sizes mean, as a light ("green", "amber" or "red") and a sentence."""
    told = {name: auc for name, auc in zip(classes, measured.size_auc, strict=True) if auc >= HINTS}
    if not told:
        return "green", "The size of an image says little or nothing of its class."
    light = "red" if max(told.values()) >= TELLS else "amber"
    each = ", ".join(f"{name} {auc:.3f}" for name, auc in told.items())
    return light, (
        f"Width and height alone tell a class from the rest, without a look at the picture. AUC: {each}; 0.5 would be chance. "
        "A network may learn the size instead of the disease: resizing leaves traces of it."
    )


def mean_images(measured: Measured, manifest: Manifest) -> list[MeanImage]:
    """A class each, in the order of `Manifest.classes`."""
    differences = measured.means - np.average(measured.means, axis=0, weights=list(manifest.class_counts().values()))
    limit = max(1.0, float(np.abs(differences).max()))
    pictures = measured.means.round().astype(np.uint8)
    return [MeanImage(*each, limit) for each in zip(manifest.classes, pictures, differences, strict=True)]


def source_table(by_source: Mapping[str, Mapping[str, int]], classes: Sequence[str]) -> list[dict[str, str | int]]:
    """Images a source (rows) and class (columns), with a mark on a source that has one of several classes alone.

    by_source: source → class → images; "" is the unknown source.
    """
    rows = []
    for source, images in sorted(by_source.items()):
        present = [name for name in classes if images.get(name)]
        mark = f"✖ only {present[0]}" if len(present) == 1 and source and len(classes) > 1 else ""
        rows.append({"source": source or "unknown", **{name: images.get(name, 0) for name in classes}, "gives away": mark})
    return rows


def parts_of(manifest: Manifest, split: pd.DataFrame) -> np.ndarray:
    """The part that each row of `manifest` stands in, empty where in none; `split`: columns sample_id and split, as a run keeps it.

    Copies made before a split have no image of their own, and are passed over. str [rows]
    """
    part = pd.Series(split["split"].to_numpy(), index=split["sample_id"].to_numpy())
    return manifest.table["path"].map(part[~part.index.duplicated()]).fillna("").to_numpy(dtype=str)


def select(manifest: Manifest, filters: Filters, parts: np.ndarray | None = None) -> np.ndarray:
    """Rows that meet every filter, ascending. int [rows found]

    Args:
        parts: the part that each row stands in; needed where `filters` name one. str [rows]
    """
    table, keep = manifest.table, np.ones(len(manifest), dtype=bool)
    for column, wanted in (("label", filters.label), ("source", filters.source), ("patient_id", filters.patient)):
        if wanted:
            keep &= (table[column] == wanted).to_numpy()
    if filters.part and parts is not None:
        keep &= parts == filters.part
    return np.flatnonzero(keep)


def paged(rows: np.ndarray, number: int, size: int) -> Page:
    """Page `number` (from 1; the nearest there is) of `rows`, `size` a page."""
    pages = max(1, -(-len(rows) // size))
    number = min(max(number, 1), pages)
    start = (number - 1) * size
    return Page(rows[start : start + size], number, pages, start + 1, len(rows))


def row_of(manifest: Manifest, path: str) -> int:
    """The row of the image `path`.

    Raises:
        UnknownName: the data set has no such image.
    """
    found = np.flatnonzero((manifest.table["path"] == path).to_numpy())
    if not len(found):
        raise UnknownName("An image is named by its path in the data set.", repr(path), f"{manifest.name} has none of that name.")
    return int(found[0])


def of_patient(manifest: Manifest, row: int) -> np.ndarray:
    """The other rows of the patient of `row`; none where the patient is unknown. int [rows found]"""
    patient = manifest.table["patient_id"].iat[row]
    rows = select(manifest, Filters(patient=patient)) if patient else np.empty(0, dtype=int)
    return rows[rows != row]


def nearest(coarse: np.ndarray, row: int, count: int) -> list[tuple[int, float]]:
    """The `count` rows whose greys at 16×16 pixels correlate most with those of `row`, and how much; constant images correlate with none.

    Args:
        coarse: see `Measured`. uint8 [rows, side, side]
    """
    greys = coarse.reshape(len(coarse), -1).astype(np.float32)
    greys -= greys.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(greys, axis=1)
    correlations = greys @ greys[row] / np.maximum(norms * norms[row], np.finfo(np.float32).tiny)
    correlations[row] = -np.inf
    best = np.argsort(-correlations, kind="stable")[: min(count, len(coarse) - 1)]
    return [(int(other), float(correlations[other])) for other in best]


def _histogram(pictures: np.ndarray) -> np.ndarray:
    """Share of the pixels of `pictures` (uint8 [images, height, width]) a bin of greys. float [BINS]"""
    greys = np.zeros(256, np.int64)
    for start in range(0, len(pictures), 1000):  # counting takes eight bytes a pixel
        greys += np.bincount(pictures[start : start + 1000].ravel(), minlength=256)
    return greys.reshape(BINS, -1).sum(axis=1) / pictures.size


def _size_auc(manifest: Manifest, sizes: np.ndarray, label: np.ndarray) -> np.ndarray:
    """See `Measured.size_auc`. NaN where images of fewer than two classes or patients leave nothing to tell."""
    from sklearn.exceptions import UndefinedMetricWarning
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import GroupKFold, cross_val_predict
    from sklearn.tree import DecisionTreeClassifier

    table, classes = manifest.table, len(manifest.classes)
    group = pd.factorize(table["patient_id"].where(table["patient_id"] != "", "image " + table["path"]))[0]
    folds = min(FOLDS, len(np.unique(group)))
    if classes < 2 or folds < 2:
        return np.full(classes, np.nan)
    width, height = sizes.T
    seen = np.stack([width, height, width / height], axis=1)
    tree = DecisionTreeClassifier(min_samples_leaf=5, random_state=0)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Number of classes in training fold")  # such a class gets no probability there
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        shares = cross_val_predict(tree, seen, label, groups=group, cv=GroupKFold(folds), method="predict_proba")
        return np.array([roc_auc_score(label == number, shares[:, number]) for number in range(classes)])


def _path(manifest: Manifest) -> Path:
    columns = [f"exploration {VERSION}, reader {READER_VERSION}"]
    for column in ("sha256", "label", "patient_id"):
        columns += manifest.table[column].tolist()
    return artifacts_dir() / "exploration" / f"{hashlib.sha256(chr(0).join(columns).encode()).hexdigest()[:20]}.npz"
