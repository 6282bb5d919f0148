"""Is this picture like the images that a network was trained on, and which of them are nearest to it?

Two distances, each with a limit from images of the same source. The picture's own: to its fifth nearest training image by a small
descriptor (gradient directions and an 8 × 8 thumbnail) that no network decides. The network's: of its features to those of the training
images (Mahalanobis distance, Lee et al. 2018). `benchmarks/guard.py` measures both. The first finds nearly all that is no chest X-ray;
the features of small networks trained on few images miss many, and their nearest neighbours (Sun et al. 2022) miss more in most runs.
Needs NumPy and Pillow; only `fit` needs scikit-learn.

It does not tell a drawn phantom from an X-ray: what is drawn like a chest is taken for one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from core.data import images
from core.errors import UnusableRun
from core.files import replacing

IMAGES = 2_000  # training images kept, and validation images used, at most
FEWEST = 40  # images of training and of validation, below which a limit that few X-rays exceed cannot be told
PICTURE_QUANTILE, NETWORK_QUANTILE = 0.98, 0.9875  # of images like those trained on; the rest lies beyond the limit
NETWORK_MARGIN = 1.5  # on top: a narrow black border moves the features of X-rays beyond the quantile, and changes no more answers there
_NEIGHBOURS = 5
_COMPONENTS = 64  # principal components of the features; beyond them one variance holds for all (Tipping & Bishop 1999)
_SIDE, _CELLS, _DIRECTIONS, _THUMBNAIL = 32, 4, 8, 8
_ARRAYS = ("pictures", "directions", "mean", "components", "variances", "limits")  # of a Reference, as they are called in its file
_VERSION = "1"  # of the descriptor and the file; raise it whenever either changes


@dataclass(frozen=True)
class Neighbour:
    """A training image. `similarity`: the cosine of its features and the picture's, both from the training mean; -1…1."""

    sample_id: str
    label: str
    similarity: float


@dataclass(frozen=True)
class Familiarity:
    """How far a picture is from the training images, each distance divided by its limit."""

    picture: float  # of the picture itself
    network: float  # of the network's features
    sentence: str  # says which distance is too large, or that none is

    threshold: ClassVar[float] = 1.0

    @property
    def score(self) -> float:
        return max(self.picture, self.network)

    @property
    def flagged(self) -> bool:
        return self.score > self.threshold


@dataclass(frozen=True, eq=False)  # no comparison by value: arrays have no single answer to ==
class Reference:
    """What is kept of a run's training images to compare others with."""

    sample_ids: tuple[str, ...]
    labels: tuple[str, ...]
    pictures: np.ndarray  # descriptors of the training images. float16 [n, 192]
    directions: np.ndarray  # their features as unit vectors among the principal components. float16 [n, q]
    mean: np.ndarray  # of the features. float32 [d]
    components: np.ndarray  # float32 [q, d]
    variances: np.ndarray  # of the components, then the one variance beyond them. float32 [q + 1]
    limits: np.ndarray  # of the picture's and the network's distance. float32 [2]

    def judge(self, features: np.ndarray, picture: np.ndarray) -> Familiarity:
        """Compare one picture with the training images.

        Args:
            features: of `core.models.features`. float32 [d]
            picture: as the network gets it. uint8 [S, S]

        Raises:
            UnusableRun: the features are those of another network.
        """
        self._refuse_others(features)
        picture_share = self._of_pictures(descriptor(picture)[None])[0] / self.limits[0]
        network_share = np.nan_to_num(self._of_features(features[None])[0] / self.limits[1], nan=np.inf)
        return Familiarity(float(picture_share), float(network_share), _sentence(picture_share, network_share))

    def nearest(self, features: np.ndarray, k: int = _NEIGHBOURS) -> list[Neighbour]:
        """The `k` training images, or all that there are, whose features are most like `features` (float32 [d]); the nearest first.

        Raises:
            UnusableRun: the features are those of another network.
        """
        self._refuse_others(features)
        similarity = self.directions.astype(np.float32) @ _unit(self._projected(features[None]))[0]
        order = np.argsort(-similarity, kind="stable")[:k]
        return [Neighbour(self.sample_ids[i], self.labels[i], float(np.clip(similarity[i], -1, 1))) for i in order]

    def save(self, path: Path) -> None:
        """Write everything to `path`, one safetensors file, atomically."""
        from safetensors.numpy import save_file

        texts = {"version": _VERSION, "sample_ids": json.dumps(self.sample_ids), "labels": json.dumps(self.labels)}
        with replacing(path) as temporary:
            save_file({name: np.ascontiguousarray(getattr(self, name)) for name in _ARRAYS}, temporary, metadata=texts)

    @classmethod
    def load(cls, path: Path) -> Reference:
        """What `save` wrote.

        Raises:
            UnusableRun: there is no such file, or it cannot be read or was written by another version.
        """
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, framework="numpy") as file:
                texts = file.metadata() or {}
                if texts.get("version") == _VERSION:
                    arrays = {name: file.get_tensor(name) for name in _ARRAYS}
                    return cls(tuple(json.loads(texts["sample_ids"])), tuple(json.loads(texts["labels"])), **arrays)
            seems = f"{path.name} of version {texts.get('version', 'unknown')}"
        except FileNotFoundError:
            seems = f"{path.parent.name} without {path.name}"
        except (SafetensorError, OSError, KeyError, ValueError):
            seems = f"{path.name}, which is damaged"
        rule = f"A picture is compared with a run's training images by a reference of version {_VERSION}."
        raise UnusableRun(rule, seems, "Choose another run, or train again.")

    def _of_pictures(self, descriptors: np.ndarray, own: bool = False) -> np.ndarray:
        """Distance of each picture to its fifth nearest training image, or, for the training images' `own`, fifth nearest other one."""
        nth = _NEIGHBOURS + own
        cosines = descriptors @ self.pictures.astype(np.float32).T
        return np.sqrt(np.maximum(2 - 2 * -np.partition(-cosines, nth - 1, axis=1)[:, nth - 1], 0))

    def _of_features(self, features: np.ndarray) -> np.ndarray:
        """Mahalanobis distance of each picture's features [pictures, d] to the training mean. float64 [pictures]"""
        projected = self._projected(features)
        rest = np.maximum(((features - self.mean) ** 2).sum(axis=1, dtype=np.float64) - (projected**2).sum(axis=1), 0)
        return np.sqrt((projected**2 / self.variances[:-1]).sum(axis=1) + rest / self.variances[-1])

    def _projected(self, features: np.ndarray) -> np.ndarray:
        """Along the principal components. float64 [pictures, q]"""
        return (features - self.mean).astype(np.float64) @ self.components.T

    def _refuse_others(self, features: np.ndarray) -> None:
        if features.shape != self.mean.shape:
            rule = f"The reference of this run holds features [{len(self.mean)}]."
            raise UnusableRun(rule, f"features {list(features.shape)}", "Use the reference and the network of one run.")


def chosen(rows: np.ndarray, most: int = IMAGES) -> np.ndarray:
    """Of a part's `rows` those to take features of: each once, at most `most` of them, always the same. int [rows], ascending"""
    rows = np.unique(rows)
    return rows if len(rows) <= most else np.sort(np.random.default_rng(0).choice(rows, most, replace=False))


def fit(
    sample_ids: Sequence[str],
    labels: Sequence[str],
    features: np.ndarray,
    pictures: np.ndarray,
    validation_features: np.ndarray,
    validation_pictures: np.ndarray,
) -> Reference:
    """The reference of a run, from its training images and, for the limits, also from validation images.

    Args:
        sample_ids, labels, features, pictures: a row a training image. features: float32 [n, d]; pictures: uint8 [n, S, S]
        validation_features, validation_pictures: float32 [m, d]; uint8 [m, S, S]

    Raises:
        UnusableRun: there are fewer than `FEWEST` images of either kind, or features that are not finite.
    """
    _refuse_unfit(features, validation_features)
    from sklearn.decomposition import PCA

    components = min(_COMPONENTS, features.shape[1] - 1, len(features) - 2)
    pca = PCA(components, svd_solver="randomized", random_state=0).fit(features.astype(np.float64))
    floor = max(float(pca.explained_variance_.sum()), 1e-12) * 1e-6  # a map that no training image excites must not divide by zero
    own, held_out = (np.stack([descriptor(picture) for picture in part]) for part in (pictures, validation_pictures))
    reference = Reference(
        tuple(sample_ids),
        tuple(labels),
        own.astype(np.float16),
        _unit((features - pca.mean_) @ pca.components_.T).astype(np.float16),
        pca.mean_.astype(np.float32),
        pca.components_.astype(np.float32),
        np.maximum([*pca.explained_variance_, pca.noise_variance_], floor).astype(np.float32),
        np.ones(2, dtype=np.float32),
    )
    return replace(reference, limits=_limits(reference, own, held_out, validation_features))


def descriptor(picture: np.ndarray) -> np.ndarray:
    """What of a picture is compared without a network; a unit vector that exposure and contrast do not change. float32 [192]

    Half of its weight: how strongly the greys rise in each of 8 directions, in each of 4 × 4 cells of the picture at 32 × 32 (histograms
    of oriented gradients, Dalal & Triggs 2005; all cells normalised together, and their square roots, as Arandjelović & Zisserman 2012).
    The other half: its thumbnail, 8 × 8, without its mean.

    Args:
        picture: uint8 [S, S]
    """
    small = images.fit(picture, _SIDE).astype(np.float32)
    down, right = np.gradient(small)
    turn = np.arctan2(down, right) / (2 * np.pi) % 1
    direction = np.minimum((turn * _DIRECTIONS).astype(int), _DIRECTIONS - 1)
    place = np.arange(_SIDE) // (_SIDE // _CELLS)
    cell = place[:, None] * _CELLS + place
    rises = np.bincount((cell * _DIRECTIONS + direction).ravel(), np.hypot(down, right).ravel(), _CELLS**2 * _DIRECTIONS)
    block = _SIDE // _THUMBNAIL
    thumbnail = small.reshape(_THUMBNAIL, block, _THUMBNAIL, block).mean(axis=(1, 3)).ravel()
    halves = _unit(np.sqrt(rises)), _unit(thumbnail - thumbnail.mean())
    return (np.concatenate(halves) / math.sqrt(2)).astype(np.float32)


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Along the last axis; a vector of zeros stays one."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def _limits(reference: Reference, own: np.ndarray, held_out: np.ndarray, validation_features: np.ndarray) -> np.ndarray:
    """Of the picture's and the network's distance, float32 [2]; `own` and `held_out`: descriptors of training and validation images.

    Nothing was trained for the descriptors, so training images count too, each without itself, which steadies their limit; features of
    images that were trained on are nearer than others.
    """
    of_pictures = np.concatenate([reference._of_pictures(own, own=True), reference._of_pictures(held_out)])
    of_features = reference._of_features(validation_features)
    return np.float32([_limit(of_pictures, PICTURE_QUANTILE), NETWORK_MARGIN * _limit(of_features, NETWORK_QUANTILE)])


def _limit(distances: np.ndarray, quantile: float) -> float:
    """Of another image like these, at most 1 - `quantile` are expected beyond it, or 1 in m + 1 where that is more: the split conformal
    quantile (Vovk et al. 2005).
    """
    rank = min(math.ceil((len(distances) + 1) * quantile), len(distances))
    return max(float(np.sort(distances)[rank - 1]), 1e-6)  # a limit of 0 would divide by zero


def _refuse_unfit(features: np.ndarray, validation_features: np.ndarray) -> None:
    for part, values in (("training", features), ("validation", validation_features)):
        if len(values) < FEWEST:
            rule = f"Pictures are compared with at least {FEWEST} images of training and of validation."
            raise UnusableRun(rule, f"{len(values)} {part} images", "Train on more images, or give validation a larger share.")
        if not np.isfinite(values).all():
            raise UnusableRun("The features of a network are finite numbers.", f"other values in {part}", "Train with a lower rate.")


def _sentence(picture: float, network: float) -> str:
    unlike = "This picture is unlike the images that the network was trained on"
    if picture > Familiarity.threshold:
        return f"{unlike}: its bright and dark places lie {picture:.2f} times as far from theirs as is usual at most."
    if network > Familiarity.threshold:
        return f"{unlike}: it excites the network in a way that is {network:.2f} times as far from theirs as is usual at most."
    return "This picture is about as like the training images as others from the same source are."
