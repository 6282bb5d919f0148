"""From an upload's bytes to label and map, and many uploads beside the bare network: `python -m benchmarks.answers`."""

from __future__ import annotations

import argparse
import io
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable

import numpy as np

ROUNDS = 15


def main() -> None:
    """Print medians for ResNet-18 at 224 with random weights, the throughput of 500 uploads, and how memory moves."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uploads", type=int, default=500)
    uploads = parser.parse_args().uploads
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CXRLAB_ARTIFACTS"] = folder
        _measure(uploads)


def _measure(count: int) -> None:
    import torch
    from PIL import Image

    from core.data import images, phantom, uploads
    from core.explain import overlay
    from core.inference import Predictor

    predictor = Predictor(_run())
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
    before, begun = _memory(), time.perf_counter()
    answered = sum(1 for _ in predictor.answers(given))
    speed = answered / (time.perf_counter() - begun)
    say(f"bare network {bare:.1f} images/s; {answered} uploads {speed:.1f} images/s, {speed / bare:.0%} of it")
    say(f"memory at its peak: {before / 1e6:.0f} MB before, {_memory() / 1e6:.0f} MB after")


def _run() -> object:
    """A run of ResNet-18 as if trained: random weights."""
    from core.models import classifier
    from core.recipes.recipe import DataSpec, compose
    from core.runs import store

    run = store.create(compose(DataSpec(name="none", sha256="0" * 64, classes=("a", "b", "c")), "resnet18", batch_size=16))
    run.write_weights(classifier.create("resnet18", 3, 224, "train").state_dict(), epoch=1)
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
