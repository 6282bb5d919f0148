"""How well each network's heat maps find the truth, where it is known: the phantom's lesions, on images that no training saw."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core import wording
from core.data import library
from core.data.threads import Progress
from core.errors import UnusableData
from core.explain.methods import METHODS
from core.files import write_json
from core.runs.store import Run

if TYPE_CHECKING:
    from core.data.images import Resize
    from core.explain.truth import Score

IMAGES = 60  # test images with a lesion, at most


def measure(run: Run, progress: Progress | None = None) -> list[Score]:
    """One score a method at the network's own layer, on test images of the run; kept once measured.

    Raises:
        UnusableData: the run was not trained on the phantom, whose lesions alone are known.
        UnusableRun: it kept no model, or no split.
    """
    from core.explain import truth
    from core.explain.truth import Score
    from core.inference import Predictor

    kept = _file(run)
    if not kept.is_file():
        predictor = Predictor(run)
        images, masks, labels = _test_images(run)
        indices = [predictor.classes.index(label) for label in labels]
        layer = predictor.architecture.cam_layer
        scores = truth.against_truth(predictor.model, layer, images, masks, indices, predictor.lock, progress=progress)
        write_json(kept, [asdict(score) for score in scores])
    return [Score(**score) for score in json.loads(kept.read_text(encoding="utf-8"))]


def known(run: Run) -> list[Score] | None:
    """What `measure` found before, else None."""
    return measure(run) if run.has_model() and _file(run).is_file() else None


def table(found: Sequence[tuple[Run, Sequence[Score]]]) -> list[dict[str, Any]]:
    """A row a network and method, in words: what a map that knows nothing would reach stands beside it."""
    return [
        {
            "network": run.recipe().model,
            "run": run.id,
            "method": METHODS[score.method].title,
            "hits the lesion": wording.percent_interval(score.hit_rate, score.low, score.high),
            "heat in the lesion": wording.percent(score.heat_inside),
            "by chance": wording.percent(score.area),
            "overlap (IoU)": f"{score.overlap:.2f}",
            "empty maps": score.empty,
            "n": score.images,
        }
        for run, scores in found
        for score in scores
    ]


def _file(run: Run) -> Path:
    return run.annex / "assessments" / f"epoch{run.weights_epoch()}-truth.json"


def _test_images(run: Run) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Prepared images (uint8 [n, S, S]), their lesions (bool [n, S, S]) and labels: test images with a lesion, evenly from all of them."""
    from core.data import images
    from core.data.preparation import prepare

    recipe, split = run.recipe(), run.split()
    if not recipe.data.synthetic:
        raise UnusableData(
            "Heat maps are compared with the truth where it is known, on the phantom.",
            f"run {run.id}, trained on {recipe.data.name}",
            "Choose a run on the phantom, or train one.",
        )
    root = library.open_dataset(recipe.data.name).root
    test = split[split["split"] == "test"]
    pairs = [
        (sample, label, _lesion(root, sample, recipe.image.size, recipe.image.resize))
        for sample, label in zip(test["sample_id"], test["label"], strict=True)
    ]
    marked = [pair for pair in pairs if pair[2].any()]
    chosen = [marked[number] for number in np.unique(np.linspace(0, len(marked) - 1, min(IMAGES, len(marked))).astype(int))]
    prepared = [prepare(images.read(root / sample).pixels, recipe.image.preparation) for sample, _, _ in chosen]
    return np.stack(prepared), np.stack([mask for _, _, mask in chosen]), [label for _, label, _ in chosen]


def _lesion(root: Path, sample: str, size: int, resize: Resize) -> np.ndarray:
    """Where the phantom has its lesion, fitted as the image was. bool [size, size]"""
    from core.data import images
    from core.explain import places

    return places.fit_mask(images.read(root / "masks" / Path(sample).name).pixels > 127, size, resize)
