"""From an upload's bytes to label and map, and many uploads beside the bare network, with torch and with ONNX Runtime.

    python -m benchmarks.answers [--uploads N] [--model MODEL]

Uploads are answered twice by each, in turn, so that a machine that slows down meanwhile does not favour either.
"""

from __future__ import annotations

import argparse
import io
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from core.runs import store

ROUNDS = 15


def main() -> None:
    """Print medians for a network at 224 with random weights, the throughput of 500 uploads, and how memory moves."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uploads", type=int, default=500)
    parser.add_argument("--model", default="resnet18")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CXRLAB_ARTIFACTS"] = folder
        _measure(given.uploads, given.model)


def _measure(count: int, model: str) -> None:
    import torch
    from PIL import Image

    from core import accelerated
    from core.data import images, phantom, uploads
    from core.explain import overlay
    from core.inference import Predictor

    run = _run(model)
    predictor = Predictor(run)
    files = []
    for number in range(24):
        buffer = io.BytesIO()
        Image.fromarray(phantom.draw(phantom.CLASSES[number % 4], number, size=512).image).save(buffer, format="PNG")
        files.append(buffer.getvalue())

    def whole() -> None:
        answer = predictor.answer(images.read(files[0], "scan.png"))
        overlay.png(overlay.blend(answer.prepared, predictor.heat_map(answer.prepared, answer.label)))

    x = torch.rand(1, 1, 224, 224)
    with torch.inference_mode():
        plain = _median(lambda: predictor.model(x))
    say(f"plain forward pass {1000 * plain:.1f} ms; upload to answer and map {1000 * _median(whole):.1f} ms")

    size = predictor.recipe.batch_size
    batch = torch.rand(size, 1, 224, 224)
    with torch.inference_mode():
        bare = size / _median(lambda: predictor.model(batch))
    given = uploads.unpack((f"{number}.png", files[number % len(files)]) for number in range(count))
    list(predictor.answers(given[: 2 * size]))
    before, found = _memory(), {"torch": [], "ONNX Runtime": []}
    accelerated.write_graph(run, graph := run.folder / "network.onnx")
    sessions = {"torch": None, "ONNX Runtime": accelerated.Session(graph)}
    for _ in range(2):
        for name, session in sessions.items():
            predictor._fast = session  # as `accelerate` sets it where its trial favours it
            begun = time.perf_counter()
            answered = sum(1 for _ in predictor.answers(given))
            found[name].append(answered / (time.perf_counter() - begun))
    say(f"bare network in torch {bare:.1f} images/s")
    for name, session in sessions.items():
        predictor._fast = session
        one = 1000 * _median(lambda: predictor.answer(images.read(files[0], "scan.png")))
        speeds = ", ".join(f"{speed:.1f}" for speed in found[name])
        say(f"{name}: {answered} uploads {speeds} images/s; one upload {one:.1f} ms")
    say(f"memory at its peak: {before / 1e6:.0f} MB before, {_memory() / 1e6:.0f} MB after, export included")


def _run(model: str) -> store.Run:
    """A run as if trained: random weights."""
    from core.models import classifier
    from core.recipes.recipe import compose
    from core.recipes.specs import DataSpec
    from core.runs import store

    run = store.create(
        compose(DataSpec(name="none", sha256="0" * 64, classes=("a", "b", "c")), model, batch_size=16, **{"image.size": 224})
    )
    run.write_weights(classifier.create(model, 3, 224, "train").state_dict(), epoch=1)
    return run


def _median(work: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS + 2):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return float(np.median(times[2:]))


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
