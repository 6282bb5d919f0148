"""How much quicker ONNX Runtime answers on the CPU than torch does here, and what it costs to prepare pictures inside the file.

    python -m benchmarks.onnx [MODEL[@SIZE] …]

Both run the same weights on the same prepared pictures, in turn, in this one run: ratios of medians, above 1 where ONNX Runtime is quicker.
With one thread, and with all cores; for one picture and for a batch. The last column is the same file with preparation inside, fed an
X-ray of 1024 × 1024 pixels, against Pillow's preparation followed by the file without.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.pop(0)  # this folder, where `import onnx` would find this file
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch

from core.data.preparation import prepare
from core.export import onnx as exports
from core.inference import Predictor
from core.models import classifier
from core.recipes.recipe import compose
from core.recipes.specs import DataSpec
from core.runs import store

MODELS = ("alasfoor-cnn22@224", "resnet18@224", "vgg16@224")
BATCH = 16
SECONDS = 4.0  # for each comparison
ROUNDS = 5  # at least


def main() -> None:
    cores = os.cpu_count() or 1
    _say(f"{'network':20} {'threads':>7} {'batch':>5} {'torch ms':>9} {'ONNX ms':>9} {'ratio':>6} {'inside':>7}")
    for argument in sys.argv[1:] or MODELS:
        model, _, size = argument.partition("@")
        with tempfile.TemporaryDirectory() as folder:
            os.environ["CXRLAB_ARTIFACTS"] = folder
            _compare(model, int(size or 224), sorted({1, cores}), Path(folder))


def _compare(model: str, size: int, threads: list[int], folder: Path) -> None:
    run = _run(model, size)
    predictor, rng = Predictor(run), np.random.default_rng(0)
    xray = rng.integers(0, 256, (1024, 1024), np.uint8)
    plain, whole = folder / "plain.onnx", folder / "whole.onnx"
    exports.export(run, plain, [xray], prepared=True)
    exports.export(run, whole, [xray])
    how = run.recipe().image.preparation
    for number in threads:
        torch.set_num_threads(number)
        session, inside = exports.Session(plain, number), exports.Session(whole, number)
        for batch in (1, BATCH):
            pictures = rng.integers(0, 256, (batch, size, size), np.uint8)
            torch_ms, onnx_ms = _medians(lambda p=pictures: _eager(predictor, p), lambda p=pictures, s=session: s.probabilities(p))
            line = f"{model:20} {number:7} {batch:5} {torch_ms:9.1f} {onnx_ms:9.1f} {torch_ms / onnx_ms:6.2f}"
            if batch == 1:
                outside_ms, inside_ms = _medians(
                    lambda s=session: s.probabilities(prepare(xray, how)[None]), lambda s=inside: s.probabilities(xray[None])
                )
                line += f" {outside_ms / inside_ms:7.2f}"
            _say(line)


def _run(model: str, size: int) -> store.Run:
    """A run with random weights: how long a pass takes does not depend on them."""
    data = DataSpec(name="none", sha256="0" * 64, classes=("a", "b", "c"))
    run = store.create(compose(data, model, **{"image.size": size}))
    run.write_weights(classifier.create(model, 3, size, "train").state_dict(), epoch=1)
    return run


@torch.inference_mode()
def _eager(predictor: Predictor, pictures: np.ndarray) -> np.ndarray:
    return predictor.model(torch.from_numpy(pictures)[:, None].float() / 255).softmax(dim=1).numpy()


def _medians(*works: Callable[[], object]) -> list[float]:
    """Milliseconds of each, taken in turn until there is enough of them."""
    for work in works:
        work()
    found: list[list[float]] = [[] for _ in works]
    end = time.perf_counter() + SECONDS
    while len(found[0]) < ROUNDS or time.perf_counter() < end:
        for work, times in zip(works, found, strict=True):
            start = time.perf_counter()
            work()
            times.append(1000 * (time.perf_counter() - start))
    return [statistics.median(times) for times in found]


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
