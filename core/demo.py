"""The two-minute demonstration: synthetic data, a small training, a heat map. Offline."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from core.data import images, library
from core.data.threads import Progress
from core.recipes import fitting
from core.recipes.recipe import Recipe
from core.runs.store import PROBABILITY, Run

PICTURE_SIZE = 512  # pixels


def recipe(progress: Progress | None = None) -> Recipe:
    """The demonstration's recipe on the phantom, which is drawn when it is not there yet."""
    return fitting.fit(fitting.draft(recipe="demo"), library.open_dataset(library.PHANTOM, progress))[0]


def draw_heat_map(run: Run) -> tuple[Path, str]:
    """Save the heat map of the test image whose right answer, a finding, is surest; returns the picture and the label."""
    from core.explain import overlay
    from core.inference import Predictor

    table = run.predictions()
    test = table[(table["split"] == "test") & (table["label"] != "Normal")].reset_index(drop=True)
    sureness = [row[PROBABILITY + row["label"]] for _, row in test.iterrows()]
    chosen = test.loc[max(range(len(test)), key=sureness.__getitem__)]
    predictor = Predictor(run)
    answer = predictor.answer(images.read(library.open_dataset(library.PHANTOM).root / chosen["sample_id"]))
    heat = predictor.heat_map(answer.prepared, answer.label)
    path = run.folder / "demo-gradcam.png"
    Image.fromarray(overlay.blend(answer.prepared, heat)).resize((PICTURE_SIZE, PICTURE_SIZE)).save(path)
    return path, answer.label
