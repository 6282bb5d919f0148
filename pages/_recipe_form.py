"""The widgets that change a recipe: a field each, starting from the recipe's own value, within what its spec allows."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.recipes import written
from core.recipes.recipe import Recipe
from core.runs import index
from pages import _linked, parts
from pages._asked import Form

SOURCES = {"random": "random", "imagenet": "ImageNet (download)", "file": "a file", "run": "an earlier run"}
RESIZES = {"squash": "squashed to a square", "crop": "its middle cut out", "pad": "with black beside it"}
NORMALISATIONS = {"imagenet": "ImageNet’s mean and deviation", "train": "the training images’", "train-mean-image": "their mean image"}
KEPT = {"best-accuracy": "best accuracy", "best-loss": "lowest loss", "last": "last epoch"}
PRECISIONS = {"auto": "whichever is quicker here", "fp32": "fp32", "bf16": "bf16"}
HEADS = {"own": "the network’s own", "pooled": "pooled, then dense"}

AUGMENTATION = {
    "rotation": ("Turned by up to (°)", 1.0, "Either way."),
    "zoom": ("Zoomed by up to", 0.01, "A share of the size, in or out."),
    "shift": ("Shifted by up to", 0.01, "A share of the size, each axis, either way."),
    "crop": ("Cropped by up to", 0.01, "Enlarged by this share; then a random part of the input’s size is cut out."),
    "brightness": ("Brightness, up to", 0.01, "Added or taken away, a share of the full range."),
    "contrast": ("Contrast, up to", 0.01, "A share, around the image’s own mean."),
    "noise": ("Noise", 0.01, "Standard deviation of normal noise, a share of the full range."),
    "probability": ("Share of images changed", 0.1, "The others are left as they are."),
}
MIRRORED = "Half of the images, left to right. A mirrored chest has its heart on the wrong side."
TORN = "Where less is kept together, figures come out too high, and every figure of the run carries the warning."
VIEWS = "What is frozen runs once for each view, not in every epoch: faster. 0 draws anew in every epoch. Only matters with augmentation."
OTHERS = 'A field a line, as on the command line: `subset.labels=["COVID-19", "Normal"]`. All names stand under Recipe on a run’s page.'


def epochs(start: Recipe, key: str) -> dict[str, Any]:
    return {"epochs": _linked.number("Epochs", 1, 10_000, start.epochs, "epochs", of=key, help="How often every training image is seen.")}


def advanced(start: Recipe, key: str) -> dict[str, Any]:
    """Dotted fields with the values chosen. `key` names the start: another start, other defaults.

    Raises:
        InvalidSpec: other fields that are not written as such.
    """
    form = Form(start, key)
    places = st.tabs(["Training", "Data", "Augmentation", "Network"])
    for place, fill in zip(places, (_training, _data, _augmentation, _network), strict=True):
        with place:
            fill(form)
    others = st.text_area("Any other field", height=68, placeholder="field=value", help=OTHERS, key=f"others {key}")
    return form.changes | written.assignments(line for line in others.splitlines() if line.strip())


def _training(form: Form) -> None:
    form.ask("batch_size", "Batch size")
    form.ask("optimiser.lr", "Learning rate", step=1e-4)
    if form.ask("optimiser.name", "Optimiser") == "sgd":
        form.ask("optimiser.momentum", "Momentum")
    form.ask("optimiser.weight_decay", "Weight decay", step=0.001)
    schedule = form.ask("schedule.name", "Schedule")
    if schedule == "step":
        form.ask("schedule.drop_every", "Drops every so many epochs")
        form.ask("schedule.drop_factor", "To this share")
    if schedule != "one-cycle":
        form.ask("schedule.warmup_epochs", "Epochs of warm-up", step=1.0, help="The learning rate rises from zero.")
    form.ask("loss.label_smoothing", "Label smoothing")
    if isinstance(weights := form.start.loss.class_weights, str):
        balanced = st.toggle("Weigh classes by their rarity", weights == "balanced", key=f"rarity {form.key}")
        form.changes["loss.class_weights"] = "balanced" if balanced else "none"
    form.ask("keep", "Weights that are kept", KEPT, help="Judged on the validation part.")
    form.ask("precision", "Precision", PRECISIONS)
    form.ask("reference", "Reference mode", help="fp32 and deterministic: slower; equal repeats on the CPU.")
    form.changes["split.seed"] = form.ask("seed", "Seed", help="Decides the split, the first weights and every draw.")


def _data(form: Form) -> None:
    form.ask("image.size", "Image size (px)")
    form.ask("image.resize", "What is not square", RESIZES)
    form.ask("image.equalise", "Equalised", {"clahe": "CLAHE"}, help="Local contrast is evened out.")
    form.ask("image.normalisation", "Normalised by", NORMALISATIONS)
    folds = form.ask("split.folds", "Folds", help="One of so many equal parts is the test part.")
    fold = st.number_input("Test fold", 1, folds, min(form.start.split.fold + 1, folds), key=f"fold {form.key}")
    form.changes["split.fold"] = fold - 1
    form.ask("split.validation_folds", "Validation folds", help="One of so many equal parts of the rest is the validation part.")
    form.ask("split.together", "Never torn apart by the split", help=TORN)


def _augmentation(form: Form) -> None:
    for name, (label, step, says) in AUGMENTATION.items():
        form.ask(f"augmentation.{name}", label, step=step, help=says)
    form.ask("augmentation.flip", "Mirrored", help=MIRRORED)
    if only := form.start.augmentation.only:
        st.caption(f"Of {', '.join(only)} alone, as the recipe has it.")


def _network(form: Form) -> None:
    form.changes["weights"] = _weights(form.start, form.key)
    if form.ask("frozen", "Train the head only", help="The rest stays as the weights have it."):
        form.ask("frozen_views", "Augmented views an image", help=VIEWS)
    if form.ask("head.kind", "Head", HEADS) == "pooled":
        form.ask("head.hidden", "Values of its hidden layer", help="0: none.")
        form.ask("head.batch_norm", "Batch normalisation in it")
        form.ask("head.dropout", "Dropout in it")


def _weights(start: Recipe, key: str) -> dict[str, str]:
    sources = list(SOURCES)
    source = st.selectbox("First weights", sources, sources.index(start.weights.source), SOURCES.__getitem__, key=f"weights {key}")
    place = start.weights.place if start.weights.source == source else ""
    if source == "file":
        return {"source": source, "place": st.text_input("File (.safetensors, .pth)", place, key=f"file {key}")}
    if source == "run":
        rows = {row.run_id: parts.run_label(row) for row in index.rows() if row.best_epoch}
        runs = list(rows)
        first = runs.index(place) if place in runs else 0
        return {"source": source, "place": st.selectbox("Run", runs, first, rows.__getitem__, key=f"run {key}") or ""}
    return {"source": source}
