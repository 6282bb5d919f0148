"""A network's test images again, with the marker as trained, absent, and swapped; and how much of its Grad-CAM heat lies on the marker."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import torch

from core.data.preparation import prepare
from core.data.threads import Progress, each
from core.errors import UnusableRun
from core.explain import cam, places
from core.explain.heatmap import HeatMap
from core.files import replacing
from core.inference import Predictor
from core.runs.store import PROBABILITY, Run
from core.shortcuts import findings, planting, sets
from core.shortcuts.findings import ANSWERS, CONDITIONS, EXAMPLES, HEAT, Files, Unmasked
from core.shortcuts.sets import Planted

HEAT_IMAGES = 40  # test images of the marked class whose heat is measured, at most
SHOWN = 4  # of them, kept as pictures
BATCH = 16  # images a pass


def unmask(run: Run, planted: Planted, progress: Progress | None = None) -> Unmasked:
    """Test `run`, trained on the planted set or on its clean twin; read from its folder where that was done before.

    `progress` is called with (images answered and explained, in all).

    Raises:
        UnusableRun: trained on other data, or without weights.
        UnreadableImage: an image of the clean twin is gone.
    """
    if run.recipe().data.name not in (planted.name, planted.clean):
        raise UnusableRun(
            "A marker is unmasked in a network that was trained on the planted set, or on its clean twin.",
            f"run {run.id}, trained on {run.recipe().data.name}",
            f"Choose a run on {planted.name}.",
        )
    files = Files(run, planted)
    if not files.complete:
        bench = _Bench(Predictor(run), planted, run.split().query("split == 'test'").reset_index(drop=True), progress)
        answers = bench.answers()
        heat, examples = bench.looks()
        with replacing(files.path(EXAMPLES)) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, **examples)
        for what, found in ((HEAT, heat), (ANSWERS, answers)):
            with replacing(files.path(what)) as temporary:
                found.to_parquet(temporary, index=False)
    return findings.read(files)


@dataclass(frozen=True)
class _Bench:
    """A network, its test images, and both kinds of pictures of them. `test`: as in `Run.split`."""

    predictor: Predictor
    planted: Planted
    test: pd.DataFrame
    progress: Progress | None

    @cached_property
    def own(self) -> np.ndarray:
        """Which test images are of the marked class. bool [images]"""
        return (self.test["label"] == self.planted.label).to_numpy()

    @cached_property
    def looked_at(self) -> np.ndarray:
        """Test images of the marked class, evenly from all of them. int [at most HEAT_IMAGES]"""
        rows = np.flatnonzero(self.own)
        return rows[np.unique(np.linspace(0, len(rows) - 1, min(HEAT_IMAGES, len(rows))).astype(int))]

    @cached_property
    def _written(self) -> list[np.ndarray]:
        """The clean images, as the twin holds them. uint8 [height, width] each"""
        return each(lambda sample: sets.read(self.planted.clean, sample), self.test["sample_id"])

    @cached_property
    def clean(self) -> np.ndarray:
        """As the network sees them without the marker. uint8 [images, S, S]"""
        return np.stack([prepare(pixels, self._how) for pixels in self._written])

    @cached_property
    def marked(self) -> np.ndarray:
        """With it. uint8 [images, S, S]"""
        return np.stack([prepare(planting.plant(pixels, self.planted.marker), self._how) for pixels in self._written])

    @property
    def _how(self):
        return self.predictor.recipe.image.preparation

    def answers(self) -> pd.DataFrame:
        """Predictions as runs store them, with the condition as their split."""
        count = len(self.test)
        carriers = {
            "trained": self.test["sample_id"].isin(sets.marked(self.planted)).to_numpy(),
            "absent": np.zeros(count, bool),
            "swapped": ~self.own,
        }
        table, parts = self.test[["sample_id", "label", "patient_id"]], []
        for number, condition in enumerate(CONDITIONS):
            pixels = np.where(carriers[condition][:, None, None], self.marked, self.clean)
            told = self._told(number * count)
            parts.append(self.predictor.described(table.assign(split=condition), pixels, np.arange(count), told))
        return pd.concat(parts, ignore_index=True)

    def looks(self) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
        """A row an image of `looked_at` with the share of heat at the marker's place, and the first of them as pictures."""
        rows, maps = self.looked_at, {}
        for number, (name, pixels) in enumerate((("marked", self.marked), ("unmarked", self.clean))):
            maps[name] = self._maps(pixels[rows], self._told(3 * len(self.test) + number * len(rows)))
        areas = [self._place(self._written[row].shape) for row in rows]
        heat = self.test.iloc[rows][["sample_id", "patient_id"]].assign(
            **{name: [_inside(*pair) for pair in zip(found, areas, strict=True)] for name, found in maps.items()},
            area=[float(area.mean()) for area in areas],
            empty=[not found.has_evidence for found in maps["marked"]],
        )
        shown = rows[:SHOWN]
        pictures = {"marked": self.marked[shown], "unmarked": self.clean[shown], "sample_id": self.test["sample_id"].to_numpy(str)[shown]}
        signed = {f"heat_{name}": np.stack([one.signed for one in found[:SHOWN]]) for name, found in maps.items()}
        both = np.concatenate([self.marked[shown], self.clean[shown]])
        table = self.test.iloc[[*shown, *shown]][["sample_id", "label", "patient_id"]]
        told = self.predictor.described(table.reset_index(drop=True), both, np.arange(len(both)))
        return heat, pictures | signed | {"probabilities": told[PROBABILITY + self.planted.label].to_numpy().reshape(2, -1)}

    def _maps(self, pixels: np.ndarray, progress: Progress | None) -> list[HeatMap]:
        """Grad-CAM for the marked class at the network's own layer."""
        predictor, found = self.predictor, []
        number = predictor.classes.index(self.planted.label)
        for batch in np.array_split(pixels, -(-len(pixels) // BATCH)):
            x = torch.cat([predictor.input(one) for one in batch])
            found += cam.explain_many(predictor.model, predictor.architecture.cam_layer, x, [number] * len(batch), predictor.lock)
            if progress:
                progress(len(found), len(pixels))
        return found

    def _place(self, shape: tuple[int, ...]) -> np.ndarray:
        """Where the marker stands on the prepared image. bool [S, S]"""
        return places.fit_mask(planting.place(shape, self.planted.marker), self._how.size, self._how.resize)

    def _told(self, before: int) -> Progress | None:
        """The progress of one step, after `before` images."""
        total = len(CONDITIONS) * len(self.test) + 2 * len(self.looked_at)
        return self.progress and (lambda done, _: self.progress(before + done, total))


def _inside(heat: HeatMap, area: np.ndarray) -> float:
    """Share of the heat in `area`; 0 for an empty map."""
    return float(np.nan_to_num(places.heat_inside(heat, area).heat))
