"""The same recipe in fast and in reference mode, seed by seed: what speed costs in accuracy."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import machine, processes
from core.errors import InvalidSpec, TrainingFailed

LEVEL = 0.95


@dataclass(frozen=True)
class Difference:
    """Fast minus reference: mean over the seeds, and Student's interval for paired values (`LEVEL`)."""

    mean: float
    low: float
    high: float


def paired(fast: Sequence[float], reference: Sequence[float]) -> Difference:
    """Raises InvalidSpec for fewer than two pairs."""
    from scipy import stats

    if len(fast) < 2:
        raise InvalidSpec("An interval of paired differences needs at least two seeds.", len(fast), "Give --seeds 2 or more.")
    differences = [a - b for a, b in zip(fast, reference, strict=True)]
    mean = sum(differences) / len(differences)
    if len(set(differences)) == 1:  # no spread: the t statistic would divide by zero
        return Difference(mean, mean, mean)
    interval = stats.ttest_rel(fast, reference).confidence_interval(LEVEL)
    return Difference(mean, float(interval.low), float(interval.high))


def run(data: Path, model: str, epochs: int, seeds: int, image_size: int, device: str, say: Callable[[str], None]) -> dict[str, Any]:
    """Train `model` on `data` with seeds 0 to `seeds` - 1 in both modes, in turn; the decoded images are shared.

    Raises:
        TrainingFailed: a training did not end well.
    """
    if seeds < 2:
        paired([0.0] * seeds, [0.0] * seeds)
    found: dict[str, list[dict[str, float]]] = {"fast": [], "reference": []}
    with tempfile.TemporaryDirectory(prefix="cxrlab-") as artifacts:
        for seed in range(seeds):
            for mode in ("fast", "reference") if seed % 2 == 0 else ("reference", "fast"):
                command = [sys.executable, "-m", "core", "train", "--data", str(data), "--model", model, "--epochs", str(epochs)]
                command += ["--image-size", str(image_size)]
                command += ["--seed", str(seed), "--device", device, "--json", *(["--reference"] if mode == "reference" else [])]
                found[mode].append(_trained(command, Path(artifacts), f"{mode}-{seed}"))
                say(f"seed {seed}, {mode}: accuracy {found[mode][-1]['accuracy']:.4f}, {found[mode][-1]['seconds']:.1f} s")
    accuracies = {mode: [item["accuracy"] for item in items] for mode, items in found.items()}
    difference = paired(accuracies["fast"], accuracies["reference"])
    what = {"kind": "accuracy", "machine": machine.describe(sys.executable), "device": device, "data": data.name}
    how = {"model": model, "image_size": image_size, "epochs": epochs, "level": LEVEL}
    return what | how | {"runs": found, "difference": asdict(difference)}


def _trained(command: Sequence[str], artifacts: Path, name: str) -> dict[str, float]:
    log = artifacts / f"{name}.json"
    usage = processes.measure(command, log, env=processes.environment(CXRLAB_ARTIFACTS=str(artifacts)), folder=processes.ROOT)
    if usage.status:
        raise TrainingFailed("Every training of the comparison ends well.", processes.last_lines(log), "Repeat it by hand to see more.")
    return {"accuracy": json.loads(log.read_text(encoding="utf-8"))["metrics"]["accuracy"], "seconds": usage.wall}
