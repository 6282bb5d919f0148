"""The area under the ROC curve under many weightings at once: what a paired bootstrap of several models spends its time on.

Images sorted by score fall into blocks of positives and of negatives; only the order of the blocks matters. Sums over blocks are one
sparse product for all weightings, which is some ten times faster than to sort or gather the weights of every resample.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@dataclass(frozen=True)
class RocAuc:
    """One model's scores for one class against the rest, prepared once for many weightings."""

    positives: csr_array  # blocks of positives, the highest score first. [blocks, images]
    negatives: csr_array
    above: np.ndarray  # blocks of negatives with higher scores than each block of positives. int [blocks of positives]
    reaching: np.ndarray  # blocks of negatives with scores at least as high

    @classmethod
    def of(cls, positive: np.ndarray, scores: np.ndarray) -> RocAuc:
        """positive: whether each image is of the class, bool [images]; scores: float [images]"""
        order = np.argsort(-scores, kind="stable")
        ties = np.cumsum(np.append(True, np.diff(scores[order]) != 0)) - 1
        kinds = np.bincount(ties, positive[order]).astype(bool) + 2 * np.bincount(ties, ~positive[order]).astype(bool)
        begins = np.append(True, (np.diff(kinds) != 0) | (kinds[1:] == 3))  # 3: a tie of both kinds is a block by itself
        block = (np.cumsum(begins) - 1)[ties]
        positives, first = _sums(block, order, positive[order])
        negatives, second = _sums(block, order, ~positive[order])
        return cls(positives, negatives, *(np.searchsorted(second, first, side=side) for side in ("left", "right")))

    def areas(self, weights: np.ndarray) -> np.ndarray:
        """Ties count half; NaN where a weighting holds no positive or no negative. float64 [weightings]

        Args:
            weights: how often each image counts. float64 [images, weightings], C order
        """
        found = self.positives @ weights
        false = np.zeros((self.negatives.shape[0] + 1, weights.shape[1]))
        np.cumsum(self.negatives @ weights, axis=0, out=false[1:])
        behind = np.einsum("ij,ij->j", found, (false[self.above] + false[self.reaching]) / 2)
        pairs = found.sum(axis=0) * false[-1]
        return 1 - np.divide(behind, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)


def macro(classes: list[RocAuc], weights: np.ndarray) -> np.ndarray:
    """Mean over the classes that a weighting holds, one against the rest; NaN where it holds one class only. float64 [weightings]"""
    areas = np.array([one.areas(weights) for one in classes])
    defined = ~np.isnan(areas)
    return np.divide(np.nansum(areas, axis=0), defined.sum(axis=0), out=np.full(areas.shape[1], np.nan), where=defined.any(axis=0))


def _sums(block: np.ndarray, images: np.ndarray, chosen: np.ndarray) -> tuple[csr_array, np.ndarray]:
    """The matrix that sums the chosen images of each block that has any, and the numbers of these blocks."""
    from scipy.sparse import csr_array

    numbers, rows = np.unique(block[chosen], return_inverse=True)
    ones = np.ones(len(rows))
    return csr_array((ones, (rows, images[chosen])), shape=(len(numbers), len(images))), numbers
