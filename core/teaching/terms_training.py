"""Terms about training: what goes on while the curves grow."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from scipy.ndimage import rotate, shift

from core import figures
from core.data import phantom
from core.teaching.entry import Term

EPOCHS, STEPS = 12, 20
SIDE = 72  # pixels of drawn pictures


def _rows(gap: float, noise: float = 0.02) -> list[dict]:
    """Rows as a run stores them, of a training that exists only as a formula: `gap` says how far validation parts from training."""
    generator, rows, best = np.random.default_rng(0), [], np.inf
    for epoch in range(1, EPOCHS + 1):
        for step in range(1, STEPS + 1):
            at = epoch - 1 + step / STEPS
            loss = 1.1 * np.exp(-at / 3.5) + generator.exponential(4 * noise)
            rows.append({"kind": "step", "epoch": epoch, "step": step, "steps": STEPS, "loss": loss, "lr": 1e-3})
        train = 1.1 * np.exp(-epoch / 3.5) + 4 * noise
        validation = 1.1 * np.exp(-epoch / 3.5) + 0.12 + gap * max(0.0, epoch - 4) ** 1.3 / 20 + generator.normal(0, noise)
        result = {"train_loss": train, "train_accuracy": float(np.exp(-0.7 * train))}
        result |= {"validation_loss": validation, "validation_accuracy": float(np.exp(-0.7 * min(validation, 0.45 + 0.2 * validation)))}
        rows.append({"kind": "epoch", "epoch": epoch, "lr": 1e-3, "best": validation < best, **result})
        best = min(best, validation)
    return rows


def _epoch() -> go.Figure:
    return figures.curves(_rows(gap=0.0), EPOCHS)


def _overfitting() -> go.Figure:
    return figures.curves(_rows(gap=1.0), EPOCHS)


def _loss() -> go.Figure:
    shares = np.linspace(0.01, 1, 200)
    return figures.lines({"loss": (shares, -np.log(shares))}, "probability given to the true class", "loss of this image")


def _batch() -> go.Figure:
    """The slope of a parabola, met exactly or through a batch: noise falls with the root of the batch."""
    generator, steps = np.random.default_rng(0), np.arange(60)
    curves = {}
    for size in (4, 64):
        place, seen = 3.0, []
        for _ in steps:
            seen.append(place**2 / 2)
            place -= 0.1 * (place + generator.normal(0, 4 / np.sqrt(size)))
        curves[f"batches of {size}"] = (steps, seen)
    return figures.lines(curves, "step", "loss")


def _learning_rate() -> go.Figure:
    steps, curves = np.arange(16), {}
    for name, rate in (("too small (0.02)", 0.02), ("fitting (0.3)", 0.3), ("too large (2.05)", 2.05)):
        curves[name] = (steps, 2 * (1 - rate) ** (2 * steps))
    return figures.lines(curves, "step", "loss")


def _augmentation() -> go.Figure:
    chest = phantom.draw("Lobar opacity", 3, size=SIDE).image.astype(float)
    return figures.pictures(
        {
            "as it is": chest,
            "rotated": rotate(chest, 8, reshape=False, order=1, mode="nearest"),
            "shifted": shift(chest, (4, -6), order=1, mode="nearest"),
            "contrast": np.clip((chest - chest.mean()) * 0.6 + chest.mean(), 0, 255),
        }
    )


def _parameters() -> go.Figure:
    sides = np.arange(4, 65)
    curves = {
        "every pixel to 64 values": (sides, (64 * sides**2 + 64) / 1e3),
        "convolution 3×3, 64 to 64": (sides, np.full(len(sides), (9 * 64 * 64 + 64) / 1e3)),
    }
    return figures.lines(curves, "side of the image in pixels", "parameters in thousands")


def _multiply_adds() -> go.Figure:
    sides = np.arange(32, 513, 4)
    return figures.lines({"convolution": (sides, 9 * 64 * sides**2 / 1e6)}, "side of the image in pixels", "millions of multiply-adds")


ENTRIES = (
    Term(
        "epoch",
        "Epoch",
        "One pass over all training images. After each epoch the network is tried on the validation part, which gives the curves a new "
        "point. The star marks the best epoch: its weights are the ones kept.",
        _epoch,
        "A training that exists only as a formula, drawn as the pages draw a real one.",
    ),
    Term(
        "batch",
        "Batch and step",
        "The images that the network sees before its weights change once; that change is a step. A small batch gives many noisy steps, a "
        "large one few steady steps and needs more memory.",
        _batch,
        "Simulated: gradient descent on a parabola, with the noise of batches of 4 and of 64.",
    ),
    Term(
        "loss",
        "Loss",
        "What training makes small: minus the logarithm of the probability given to the true class, mean over images. Being wrong and "
        "sure costs most. Unlike accuracy it changes smoothly, so it can be improved step by step.",
        _loss,
        "By its formula, the cross entropy in nats.",
    ),
    Term(
        "learning_rate",
        "Learning rate",
        "How far the weights move in one step. Too small, and training takes for ever; too large, and every step jumps over the goal. "
        "Usually it rises at the start and falls towards the end.",
        _learning_rate,
        "By formula: gradient descent on a parabola with three rates.",
    ),
    Term(
        "augmentation",
        "Augmentation",
        "Training images are changed a little at random each time they are seen, so that the network cannot learn them by heart. Changes "
        "must keep the diagnosis: a chest that is mirrored has its heart on the wrong side.",
        _augmentation,
        "One synthetic chest, changed in three ways.",
    ),
    Term(
        "overfitting",
        "Overfitting",
        "The network goes on learning its training images by heart and gets worse on others: the training loss still falls while the "
        "validation loss rises. The best epoch lies before that, and more images or augmentation put it off.",
        _overfitting,
        "A training that exists only as a formula: from the fifth epoch on the two losses part.",
    ),
    Term(
        "parameters",
        "Parameters",
        "The values that training sets. A convolution uses the same few at every place of the image, so its number does not grow with the "
        "image. Many parameters can learn few images by heart.",
        _parameters,
        "By formula: one layer that joins every pixel to 64 values, and one convolution.",
    ),
    Term(
        "multiply_adds",
        "Multiply-adds",
        "How much is computed for one image. It grows with the square of the image's side, and it decides how long training takes rather "
        "than the number of parameters does.",
        _multiply_adds,
        "By formula: one 3×3 convolution from 1 to 64 channels.",
    ),
)
