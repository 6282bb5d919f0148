"""Grad-CAM against a plain forward pass and the grad-cam library's own call, as ratios within one run.

Targets: ours at most 1.3 forward passes, and at least 2.5 times faster than the library. The three take turns, so that whatever slows
the machine slows them alike; medians. Run alone on the machine:

    python -m benchmarks.explain [--rounds N] [--size S] [--device cpu|cuda] [MODEL …]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from statistics import median
from threading import Lock

import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

from core.explain.cam import explain
from core.models import classifier, registry

MODELS = ("resnet18", "resnet50", "vgg16")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=MODELS, metavar="MODEL")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    for name in options.models:
        print(json.dumps(compare(name, options.size, options.rounds, torch.device(options.device))))  # noqa: T201


def compare(name: str, size: int, rounds: int, device: torch.device) -> dict[str, str | int | float]:
    """Medians in ms, and their ratios. One round before the first counted one warms up."""
    torch.manual_seed(0)
    model = classifier.create(name, 3, size, "train").eval().to(device)
    layer, x, lock = model.layer(registry.get(name).cam_layer), torch.rand(1, 1, size, size, device=device), Lock()

    def forward() -> None:
        with lock, torch.inference_mode():
            model(x).cpu()

    def library() -> None:
        with GradCAM(model=model, target_layers=[layer]) as cam:
            cam(input_tensor=x, targets=[ClassifierOutputTarget(1)])

    ways = {"forward": forward, "ours": lambda: explain(model, layer, x, 1, lock), "library": library}
    times = [{way: _milliseconds(act) for way, act in ways.items()} for _ in range(rounds + 1)][1:]
    medians = {way: median(row[way] for row in times) for way in ways}
    return {
        "model": name,
        "size": size,
        "device": str(device),
        "threads": torch.get_num_threads(),
        "rounds": rounds,
        **{f"{way}_ms": round(value, 1) for way, value in medians.items()},
        "ours_to_forward": round(medians["ours"] / medians["forward"], 2),
        "library_to_ours": round(medians["library"] / medians["ours"], 2),
    }


def _milliseconds(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()  # each way ends in a copy to the CPU, so that a GPU has finished
    return 1000 * (time.perf_counter() - start)


if __name__ == "__main__":
    main()
