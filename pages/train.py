"""Choose data, network and epochs; see what will happen; train."""

import streamlit as st

from core import figures, wording
from core.data import library
from core.jobs import local
from core.models import registry
from core.recipes import catalogue, fitting
from core.recipes.recipe import Recipe
from core.training import preview
from pages import parts

DEFAULT = "default settings"

parts.title("New run")
left, right = st.columns([2, 3], gap="large")

with left:
    data = parts.choose("Data set", library.names(), "data", library.title)
    model = parts.choose("Network", registry.names(), "model", lambda name: registry.get(name).title)
    recipes = [DEFAULT, *(entry.name for entry in catalogue.entries() if entry.model == model)]
    named = st.selectbox("Settings", recipes, help="Start from a paper's own settings, or from ours.")
    start = fitting.draft(**({"model": model} if named == DEFAULT else {"recipe": named}))
    epochs = st.number_input(
        "Epochs", 1, 10_000, start.epochs, help="How often every training image is seen.", key=f"epochs {named} {model}"
    )
    with st.expander("Advanced"):
        key = f"{named} {model}"  # other start, other defaults
        size = st.number_input("Image size (px)", 8, 2048, start.image.size, key=f"size {key}")
        batch = st.number_input("Batch size", 2, 8192, start.batch_size, key=f"batch {key}")
        rate = st.number_input("Learning rate", 0.0, 10.0, start.optimiser.lr, format="%g", step=1e-4, key=f"lr {key}")
        optimiser = st.selectbox("Optimiser", names := ["adamw", "adam", "sgd"], names.index(start.optimiser.name), key=f"optimiser {key}")
        schedule = st.selectbox(
            "Schedule", names := ["one-cycle", "cosine", "step", "constant"], names.index(start.schedule.name), key=f"schedule {key}"
        )
        balanced = st.toggle("Weigh classes by their rarity", start.loss.class_weights == "balanced", key=f"weights {key}")
        seed = st.number_input("Seed", 0, 2**31, start.seed, help="Decides the split, the first weights and every draw.", key=f"seed {key}")
        reference = st.toggle("Reference mode", help="fp32 and deterministic: slower; equal repeats on the CPU.", key=f"reference {key}")
    go = st.button("Train", type="primary", icon=":material/play_arrow:", width="stretch")

changes = {
    "epochs": epochs, "image.size": size, "batch_size": batch, "optimiser.lr": rate, "optimiser.name": optimiser, "schedule.name": schedule,
    "loss.class_weights": "balanced" if balanced else "none", "seed": seed, "split.seed": seed, "reference": reference,
}  # fmt: skip


@st.cache_data(max_entries=64, show_spinner="Looking at the data …")
def previewed(draft: str, content: str) -> preview.Preview:  # noqa: ARG001  the content is part of the key alone
    """Cached by the draft and the data's content."""
    return preview.preview(Recipe.from_json(draft), library.open_dataset(data))


@st.cache_data(max_entries=64, show_spinner="Timing a few steps …")
def epoch_seconds(recipe: str, training_images: int) -> float:
    return preview.epoch_seconds(Recipe.from_json(recipe), training_images)


with right, parts.errors_here():
    draft = fitting.draft(**({"model": model} if named == DEFAULT else {"recipe": named}), **changes)
    with st.spinner("Opening the data …"):
        manifest = library.open_dataset(data)
    shown = previewed(draft.to_json(), manifest.sha256)
    if go:
        run = local.start(shown.recipe)
        st.switch_page("pages/runs.py", query_params={"run": run.id})

    for warning in shown.warnings:
        st.warning(warning, icon=":material/warning:")
    st.caption(f"Images a class and part; split {shown.split_kind}")
    st.plotly_chart(figures.part_counts(shown.counts), key="parts", alt="Images a class in training, validation and test")
    st.caption("A training batch as the network will see it, changed at random")
    st.image(list(shown.batch), caption=list(shown.labels), width=128)
    st.caption("Learning rate")
    st.plotly_chart(figures.learning_rate(shown.rates, shown.steps), key="rates", alt="Learning rate over the epochs")
    facts = st.columns(3)
    facts[0].metric("Parameters", f"{shown.parameters:,}")
    facts[1].metric("Steps an epoch", f"{shown.steps:,}")
    if parts.something_trains():
        facts[2].metric("Training time", "not measured", help="Another run is training; it would disturb the measurement and be disturbed.")
    else:
        seconds = epoch_seconds(shown.recipe.to_json(), int(shown.counts["train"].sum()))
        facts[2].metric(
            "Training time", wording.duration(seconds * epochs), help="From a few steps measured here; validation and start-up come on top."
        )
    if named != DEFAULT:
        entry = catalogue.get(named)
        for title, lines in (("Assumed, as the paper does not say", entry.assumptions), ("Deviates from the paper", entry.deviations)):
            if lines:
                st.caption(f"{title}: " + " ".join(lines))
