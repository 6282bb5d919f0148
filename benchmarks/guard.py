"""How many pictures that are no chest X-rays are flagged, and how many X-rays: plausibility and familiarity, on trained runs.

    CXRLAB_ARTIFACTS=… OMP_NUM_THREADS=1 python -m benchmarks.guard RUN… [--xrays FOLDER]…

Needs scikit-image for its photographs. Nothing is written: each run's reference is fitted here, from its training and validation part,
and judges the test part, the same X-rays changed, the pictures of `tests/strangers.py`, the synthetic phantom, and the images of each
FOLDER, another source. A change is made to the picture as decoded, as an upload would show it. "colours unseen" leaves the check of
colours out; "no margin" is the network's distance with the bare quantile as limit, and "5-NN" an alternative that is not used.
"""

from __future__ import annotations

import io
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core.data import batches, images, library, phantom, plausibility
from core.data.preparation import prepare
from core.evaluation import familiarity
from core.inference import Predictor
from core.models.features import features
from core.runs import store
from core.training import feeds
from tests import strangers

BATCH = 32
PHANTOMS = 100


@dataclass(frozen=True)
class Shown:
    """Pictures as a person would show them: greys as decoded, and each one's colourfulness."""

    greys: list[np.ndarray]
    colourfulness: list[float]

    @classmethod
    def of(cls, greys: list[np.ndarray]) -> Shown:
        return cls(greys, [0.0] * len(greys))


class Guard:
    """A run's network with a reference fitted to it."""

    def __init__(self, run: store.Run) -> None:
        self.predictor = Predictor(run)
        recipe = self.predictor.recipe
        manifest = library.open_dataset(recipe.data.name)
        opened = feeds.open_feeds(recipe, manifest, torch.device("cpu"))
        self.layer = self.predictor.model.layer(self.predictor.architecture.cam_layer)
        train, validation = (familiarity.chosen(opened.parts[part].rows) for part in ("train", "validation"))
        pixels = opened.parts["train"].images
        table = opened.table.iloc[train]
        self.train_features = self.features(pixels[train])
        self.validation_features = self.features(pixels[validation])
        self.reference = familiarity.fit(
            table["sample_id"].tolist(), table["label"].tolist(), self.train_features, pixels[train],
            self.validation_features, pixels[validation],
        )  # fmt: skip
        self.held_out = [images.read(manifest.paths()[row]).pixels for row in opened.parts["test"].rows]

    def features(self, pictures: np.ndarray) -> np.ndarray:
        """pictures: uint8 [n, S, S] → float32 [n, d]"""
        parts = [torch.from_numpy(np.array(pictures[start : start + BATCH])) for start in range(0, len(pictures), BATCH)]
        return np.concatenate([features(self.predictor.model, self.layer, batches.to_unit(part)) for part in parts])

    def flags(self, shown: Shown) -> dict[str, np.ndarray]:
        """Which pictures each check flags. bool [pictures] each"""
        prepared = np.stack([prepare(grey, self.predictor.recipe.image.preparation) for grey in shown.greys])
        found = self.features(prepared)
        judged = [self.reference.judge(*pair) for pair in zip(found, prepared, strict=True)]
        grey = np.array([bool(plausibility.findings(grey)) for grey in shown.greys])
        picture, network = (np.array([getattr(one, name) > one.threshold for one in judged]) for name in ("picture", "network"))
        exact = np.array([one.network * familiarity.NETWORK_MARGIN > one.threshold for one in judged])
        colour = np.array([value > plausibility.COLOURFUL for value in shown.colourfulness])
        return {
            "plausibility": grey | colour, "picture": picture, "network": network,
            "no margin": exact, "5-NN, no margin": self._by_neighbours(found),
            "colours unseen": grey | picture | network, "all": grey | colour | picture | network,
        }  # fmt: skip

    def _by_neighbours(self, found: np.ndarray) -> np.ndarray:
        """The alternative of Sun et al. 2022: the distance to the fifth nearest training image, features as unit vectors."""

        def distance(values: np.ndarray) -> np.ndarray:
            units, others = (part / np.linalg.norm(part, axis=1, keepdims=True) for part in (values, self.train_features))
            return 1 - np.partition(units @ others.T, -5, axis=1)[:, -5]

        return distance(found) > np.quantile(distance(self.validation_features), familiarity.NETWORK_QUANTILE)


def main(runs: list[str], xrays: Annotated[list[Path], typer.Option()] = []) -> None:  # noqa: B006
    groups = {f"phantom ({PHANTOMS})": Shown.of(_phantoms())}
    for folder in xrays:
        greys = [images.read(file).pixels for file in sorted(folder.iterdir())]
        groups[f"other source: {folder.name} ({len(greys)})"] = Shown.of(greys)
    pictures = {name: _as_uploaded(picture) for name, picture in strangers.pictures().items()}
    kinds = defaultdict(list)
    for name, picture in pictures.items():
        kinds[name.partition("/")[0]].append(picture)
    for name, members in {f"STRANGERS ({len(pictures)})": list(pictures.values()), **kinds}.items():
        groups[name] = Shown([grey for grey, _ in members], [colour for _, colour in members])
    for name in runs:
        run = store.find(name)
        guard = Guard(run)
        recipe = guard.predictor.recipe
        _say(f"\n{run.id}: {recipe.model} at {recipe.image.size} on {recipe.data.name}")
        _say(_costs(guard))
        tables = {f"HELD OUT ({len(guard.held_out)})": Shown.of(guard.held_out), **_changed(guard.held_out), **groups}
        for number, (title, shown) in enumerate(tables.items()):
            flags = guard.flags(shown)
            if number == 0:
                _say(" " * 30 + "".join(f"{check:>18}" for check in flags))
            _say(f"{title:30}" + "".join(f"{100 * values.mean():16.1f} %" for values in flags.values()))
            if title.startswith("STRANGERS"):
                _say("   missed: " + ", ".join(name for name, flagged in zip(pictures, flags["all"], strict=True) if not flagged))


def _changed(greys: list[np.ndarray]) -> dict[str, Shown]:
    """What is no upright positive any more, then what still is a fair X-ray."""
    changes = {
        "turned by 90°": np.rot90, "upside down": lambda grey: grey[::-1], "inverted": lambda grey: 255 - grey,
        "left and right exchanged": lambda grey: grey[:, ::-1], "turned by 7°": lambda grey: np.asarray(Image.fromarray(grey).rotate(7)),
        "5 % cut off each side": lambda grey: grey[len(grey) // 20 : -len(grey) // 20, grey.shape[1] // 20 : -grey.shape[1] // 20],
        "5 % black border": lambda grey: np.pad(grey, len(grey) // 20), "gamma 0.7": lambda grey: _gamma(grey, 0.7),
        "gamma 1.4": lambda grey: _gamma(grey, 1.4),
    }  # fmt: skip
    return {name: Shown.of([np.ascontiguousarray(change(grey)) for grey in greys]) for name, change in changes.items()}


def _gamma(grey: np.ndarray, exponent: float) -> np.ndarray:
    return np.round(255 * (grey / 255) ** exponent).astype(np.uint8)


def _phantoms() -> list[np.ndarray]:
    return [phantom.draw(phantom.CLASSES[number % 4], number, seed=7).image for number in range(PHANTOMS)]


def _as_uploaded(picture: np.ndarray) -> tuple[np.ndarray, float]:
    """Greys as the reader gives them, and colourfulness."""
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG")
    small = Image.fromarray(picture).convert("RGB").resize((64, 64), Image.Resampling.BOX)
    return images.read(stream.getvalue()).pixels, plausibility.colourfulness(np.asarray(small))


def _costs(guard: Guard) -> str:
    picture = prepare(guard.held_out[0], guard.predictor.recipe.image.preparation)
    values = guard.features(picture[None])[0]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "reference.safetensors"
        guard.reference.save(file)
        size = file.stat().st_size / 1e6
    calls = {"judge": lambda: guard.reference.judge(values, picture), "nearest": lambda: guard.reference.nearest(values)}
    calls["findings"] = lambda: plausibility.findings(guard.held_out[0])
    return f"reference of {len(guard.reference.labels)} images: {size:.2f} MB; " + ", ".join(
        f"{name} {_milliseconds(call):.2f} ms" for name, call in calls.items()
    )


def _milliseconds(call: Callable[[], object], repeats: int = 50) -> float:
    start = time.perf_counter()
    for _ in range(repeats):
        call()
    return 1000 * (time.perf_counter() - start) / repeats


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    typer.run(main)
