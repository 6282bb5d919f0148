"""The opacities of the synthetic phantom: how much of the lung's air is filled, and where.

The three patterns borrow the words of radiology (lobar consolidation, perihilar and basal haze, peripheral ground glass) and no
measurement from it. A pattern returns the filled share of air, float32 [size, size], 0 (aerated) … 1 (as dense as soft tissue).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from core.data.phantom_anatomy import Chest, Frame, edge

Pattern = Callable[[Chest, Frame, np.random.Generator], np.ndarray]

VISIBLE = 0.08  # filled share from which a pixel counts as lesion in the mask


def lobar(chest: Chest, frame: Frame, rng: np.random.Generator) -> np.ndarray:
    """One dense, compact opacity with air bronchograms in one lung, of one segment to most of a lobe; some end sharply at a fissure."""
    on_right = rng.random() < 0.5
    centre, level = rng.uniform(0.40, 0.75), rng.uniform(0.25, 0.75)
    wide, tall = rng.uniform(0.45, 0.70), rng.uniform(0.20, 0.32)
    strength, fissure = rng.uniform(0.80, 1.0), rng.random() < 0.5
    away = np.hypot((chest.lateral - centre) / wide, (chest.height - level) / tall)
    filled = edge(1 - away + 0.22 * frame.texture(rng, 0.10), 0.16)
    filled *= 1 - 0.65 * np.clip(1.4 * chest.vessels, 0, 1)  # airways run beside the vessels and stay open: air bronchograms
    if fissure:
        slope = rng.uniform(-0.15, 0.15)
        filled = filled * edge((level + 0.06 - chest.height) + slope * (chest.lateral - centre), 0.02)
    return strength * filled * (chest.right == on_right)


def diffuse(chest: Chest, frame: Frame, rng: np.random.Generator) -> np.ndarray:
    """A fine net of lines and grains with some haze in both lungs, densest about the hila and at the bases."""
    strength = rng.uniform(0.60, 0.95)
    balance = rng.uniform(0.75, 1.0, 2).astype(np.float32)
    hila = np.exp(-((chest.lateral / 0.80) ** 2) - ((chest.height - 0.55) / 0.38) ** 2)
    bases = 0.8 * edge(chest.height - rng.uniform(0.60, 0.80), 0.22) * (1 - 0.6 * edge(chest.lateral - 0.7, 0.25))
    cloud = 1 + 0.20 * frame.texture(rng, 0.16)
    net = np.exp(-((frame.texture(rng, 0.028) / 0.45) ** 2))  # bright where the noise crosses zero: thin closed lines
    grains = frame.texture(rng, 0.018)
    spread = np.clip(np.maximum(hila, bases) * cloud, 0, 1)
    return strength * spread * (0.28 + 0.42 * net + 0.22 * grains) * np.where(chest.right, *balance)


def covid_like(chest: Chest, frame: Frame, rng: np.random.Generator) -> np.ndarray:
    """Several mottled ground-glass patches in both lungs, along the chest wall and mostly in the lower zones."""
    ragged = 0.30 * frame.texture(rng, 0.06)
    filled = np.zeros_like(chest.air)
    for on_right in (True, False):
        for _ in range(rng.integers(3, 7)):
            centre, level = rng.uniform(0.62, 0.98), 0.25 + 0.67 * rng.beta(2.2, 1.3)
            wide, tall = rng.uniform(0.15, 0.28), rng.uniform(0.05, 0.10)
            away = np.hypot((chest.lateral - centre) / wide, (chest.height - level) / tall)
            patch = rng.uniform(0.40, 0.70) * edge(1 - away + ragged, 0.35)
            filled = np.maximum(filled, patch * (chest.right == on_right))
    return filled * (1 + 0.32 * frame.texture(rng, 0.028))
