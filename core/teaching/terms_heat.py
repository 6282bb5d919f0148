"""Terms about answers for one image: probabilities, the guard rail, heat maps and their checks."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from scipy.ndimage import zoom
from scipy.special import expit, softmax

from core import figures
from core.data import phantom
from core.figures.removal import removal
from core.teaching.entry import Term

SIDE, COARSE = 64, 4  # pixels of the drawn chest, and of a map as a network's last layer has it
CELLS = 49  # places that are taken away one after the other


def _chest() -> phantom.Phantom:
    return phantom.draw("Lobar opacity", 3, size=SIDE)


def _coarse(mask: np.ndarray) -> np.ndarray:
    """The share of a mask in each of the map's places. float [COARSE, COARSE]"""
    block = SIDE // COARSE
    return mask.reshape(COARSE, block, COARSE, block).mean(axis=(1, 3))


def _enlarged(values: np.ndarray) -> np.ndarray:
    return np.clip(zoom(values, SIDE // COARSE, order=3, mode="nearest", grid_mode=True), 0, None)


def _heat_map() -> go.Figure:
    chest, heat = _chest(), _coarse(_chest().lesion.astype(float))
    return figures.pictures({"image": chest.image, "map, 4×4": heat, "enlarged": _enlarged(heat)}, hot=("map, 4×4", "enlarged"))


def _gradcam() -> go.Figure:
    """Three maps of a layer, weighted and added up as Grad-CAM does it."""
    chest, generator = _chest(), np.random.default_rng(0)
    maps = {0.8: _coarse(chest.lesion.astype(float)), 0.3: generator.random((COARSE, COARSE)) / 2, -0.4: _coarse(chest.lungs.astype(float))}
    total = np.maximum(sum(weight * values for weight, values in maps.items()), 0)
    panels = {f"map × {weight:g}": values for weight, values in maps.items()} | {"sum, cut at 0": total}
    return figures.pictures(panels, hot=("sum, cut at 0",))


def _magnitude() -> go.Figure:
    strong = _enlarged(_coarse(_chest().lesion.astype(float)))
    names = [f"peak {strong.max() * factor:.2g}" for factor in (20, 0.2)]
    return figures.pictures(dict(zip(names, (20 * strong, 0.2 * strong), strict=True)), hot=names)


def _pointing() -> go.Figure:
    chest = _chest()
    heat = _enlarged(_coarse(chest.lesion.astype(float)))
    heats = {"true place": chest.lesion, "a hit": heat, "a miss": np.fliplr(heat)}
    return figures.pictures(heats, hot=("a hit", "a miss"))


def _removal() -> go.Figure:
    """An answer that adds up the weights of its places, most of which lie in few of them."""
    generator = np.random.default_rng(0)
    weights = np.sort(generator.exponential(1, CELLS) ** 1.5)[::-1]
    shares = np.linspace(0, 1, CELLS + 1)

    def answer(order: np.ndarray) -> np.ndarray:
        return expit(6 * np.concatenate([[0], np.cumsum(weights[order])]) / weights.sum() - 3)

    hottest = np.arange(CELLS)
    orders = [generator.permutation(CELLS) for _ in range(3)]
    return removal(
        (shares, answer(hottest[::-1])[::-1]),
        (shares, answer(hottest)),
        [(shares, answer(order)[::-1]) for order in orders],
        [(shares, answer(order)) for order in orders],
        "the class",
    )


def _guard_rail() -> go.Figure:
    generator = np.random.default_rng(0)
    known, strange = generator.gamma(9, 1, 600), generator.gamma(25, 1.3, 200)
    return figures.groups({"like the training images": known, "unlike them": strange}, float(np.quantile(known, 0.99)), "distance", "limit")


def _probability() -> go.Figure:
    return figures.shares(dict(zip(("COVID-19", "Normal", "Pneumonia"), softmax([2.0, 0.5, -0.5]).tolist(), strict=True)))


def _randomisation() -> go.Figure:
    generator = np.random.default_rng(0)
    trained = _coarse(_chest().lesion.astype(float))
    panels = {"as trained": _enlarged(trained), "random weights": _enlarged(generator.random((COARSE, COARSE)))}
    return figures.pictures(panels, hot=tuple(panels))


ENTRIES = (
    Term(
        "probability",
        "Probability",
        "The network gives every class a number; the softmax makes shares of them that add up to 100 %. They are shares among the classes "
        "it knows: a picture of a cat gets 100 % too. Whether 80 % means 80 % is a question of calibration.",
        _probability,
        "By formula: the softmax of 2, 0.5 and −0.5.",
    ),
    Term(
        "guard_rail",
        "Guard rail",
        "Before an answer is shown, the image is compared with the training images. One that is unlike them, coloured, blank or inverted "
        "is answered only on demand, since the network would answer anything.",
        _guard_rail,
        "Simulated distances; the limit lets 99 % of familiar images pass.",
    ),
    Term(
        "heat_map",
        "Heat map",
        "A picture of the places that raised one class's logit. It is as coarse as the network's last maps and smoothed when drawn, so its "
        "edges mean nothing. It shows what the answer rests on, not whether the answer is right.",
        _heat_map,
        "Drawn from a synthetic chest's known lesion: no network was asked.",
    ),
    Term(
        "gradcam",
        "Grad-CAM",
        "Each map of a late layer is weighted by how much it raises the class's logit on average, and the sum is cut at zero. It passes "
        "the check with random weights, but averaging blurs small findings and can light places that were not used.",
        _gradcam,
        "By its formula, on three made-up maps with weights that a gradient might give: no network was asked.",
    ),
    Term(
        "raw_magnitude",
        "Raw magnitude",
        "The map's largest value before it is drawn. Colours are scaled to each map's own peak, so a map that says almost nothing looks "
        "as strong as any other. Compare the numbers, not the colours.",
        _magnitude,
        "The same map twice, one a hundred times weaker.",
    ),
    Term(
        "randomisation",
        "Random weights",
        "The same map is drawn for a network that knows nothing. If it still looks the same, the map shows the image's edges and not what "
        "was learnt.",
        _randomisation,
        "Drawn: a map at a known lesion, and one of random values.",
    ),
    Term(
        "deletion",
        "Deletion and insertion",
        "The hottest places are taken away first, or given back first. If the map shows what the network used, the probability falls or "
        "rises faster than in random order. An image with holes is unlike any X-ray, which may be what moves it.",
        _removal,
        "Simulated: an answer that adds up its places, most of it in a few.",
    ),
    Term(
        "pointing_game",
        "Pointing game",
        "Where the true place is known, a map hits when its hottest place lies in it. Chance hits too, the more often the larger the "
        "lesion, so the share of hits stands beside that of a map that knows nothing.",
        _pointing,
        "A synthetic chest's lesion, a map at it, and one beside it.",
    ),
)
