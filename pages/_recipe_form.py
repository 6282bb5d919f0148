"""The widgets that change a recipe: a field each, starting from the recipe's own value."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.data.splits import TOGETHER
from core.recipes.recipe import Recipe
from core.runs import index
from pages import _linked, parts

OPTIMISERS = ["adamw", "adam", "sgd"]
SCHEDULES = ["one-cycle", "cosine", "step", "stages", "constant"]
SOURCES = {"random": "random", "imagenet": "ImageNet (download)", "file": "a file", "run": "an earlier run"}

TORN = "Where less is kept together, figures come out too high, and every figure of the run carries the warning."
VIEWS = "What is frozen runs once for each view, not in every epoch: faster. 0 draws anew in every epoch. Only matters with augmentation."


def epochs(start: Recipe, key: str) -> dict[str, Any]:
    return {"epochs": _linked.number("Epochs", 1, 10_000, start.epochs, "epochs", of=key, help="How often every training image is seen.")}


def advanced(start: Recipe, key: str) -> dict[str, Any]:
    """Dotted fields with the values chosen. `key` names the start: another start, other defaults."""
    size = st.number_input("Image size (px)", 8, 2048, start.image.size, key=f"size {key}")
    batch = st.number_input("Batch size", 2, 8192, start.batch_size, key=f"batch {key}")
    rate = st.number_input("Learning rate", 0.0, 10.0, start.optimiser.lr, format="%g", step=1e-4, key=f"lr {key}")
    optimiser = st.selectbox("Optimiser", OPTIMISERS, OPTIMISERS.index(start.optimiser.name), key=f"optimiser {key}")
    schedule = st.selectbox("Schedule", SCHEDULES, SCHEDULES.index(start.schedule.name), key=f"schedule {key}")
    changes = {"image.size": size, "batch_size": batch, "optimiser.lr": rate, "optimiser.name": optimiser, "schedule.name": schedule}
    if isinstance(start.loss.class_weights, str):
        balanced = st.toggle("Weigh classes by their rarity", start.loss.class_weights == "balanced", key=f"rarity {key}")
        changes["loss.class_weights"] = "balanced" if balanced else "none"
    changes["weights"] = _weights(start, key)
    changes["frozen"] = st.toggle("Train the head only", start.frozen, help="The rest stays as the weights have it.", key=f"frozen {key}")
    if changes["frozen"]:
        changes["frozen_views"] = st.number_input("Augmented views an image", 0, 64, start.frozen_views, help=VIEWS, key=f"views {key}")
    seed = st.number_input("Seed", 0, 2**31, start.seed, help="Decides the split, the first weights and every draw.", key=f"seed {key}")
    reference = st.toggle(
        "Reference mode", start.reference, help="fp32 and deterministic: slower; equal repeats on the CPU.", key=f"reference {key}"
    )
    together = st.selectbox(
        "Never torn apart by the split", TOGETHER, TOGETHER.index(start.split.together), help=TORN, key=f"together {key}"
    )
    return changes | {"seed": seed, "split.seed": seed, "split.together": together, "reference": reference}


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
