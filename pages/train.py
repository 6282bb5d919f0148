"""Choose data, recipe or network, and epochs; see what will happen; train."""

import streamlit as st

from core import figures, wording
from core.data import library
from core.jobs import requests
from core.models import registry
from core.recipes import catalogue, fitting
from core.recipes.recipe import Recipe
from core.report.tables import markdown_text
from core.runs import store
from core.training import memory, preview
from pages import _linked, _plots, _recipe_form, _sweep_form, _teaching, parts

DEFAULT, OTHER, CLONE = "default", "other", "run"

parts.title("New run")
several = st.toggle(
    "Several runs", "several" in st.query_params,
    help="Recipes, networks, seeds, folds and settings, each with each, queued as one experiment.",
)  # fmt: skip
if several:
    st.query_params["several"] = "1"
    _sweep_form.show()
    st.stop()
st.query_params.pop("several", None)
left, right = st.columns([2, 3], gap="large")


@st.cache_data(max_entries=64, show_spinner="Looking at the data …")
def previewed(draft: str, data: str, content: str) -> preview.Preview:  # noqa: ARG001  the content is part of the key alone
    """Cached by the draft and the data's content."""
    return preview.preview(Recipe.from_json(draft), library.open_dataset(data))


@st.cache_data(max_entries=64, show_spinner="Timing a few steps …")
def training_seconds(recipe: str, training_images: int) -> float:
    return preview.training_seconds(Recipe.from_json(recipe), training_images)


@st.cache_data(max_entries=64, ttl=60, show_spinner="Estimating the memory …")
def memory_needed(recipe: str, images: int) -> memory.Estimate:
    """Kept for a minute, since what is free changes."""
    return memory.estimate(Recipe.from_json(recipe), images)


with left, parts.errors_here():
    data = parts.choose("Data set", library.names(), "data", library.title)
    source = st.query_params.get("from")
    titles = {CLONE: f"As run {source}"} if source else {}
    titles |= {DEFAULT: "Default settings, any network"} | {entry.name: entry.title for entry in catalogue.entries()}
    titles |= {name: f"{name} (saved here)" for name in catalogue.saved()}
    named = parts.choose("Recipe", list(titles), "recipe", titles.__getitem__)
    if named == DEFAULT:
        networks = {name: registry.get(name).title for name in registry.names()} | {OTHER: "Another network of timm …"}
        model = parts.choose("Network", list(networks), "model", networks.__getitem__)
        base = {"model": _linked.text("Its name in timm", "timm", "mobilenetv3_small_100") if model == OTHER else model}
    elif named == CLONE:
        base = {"recipe": str(store.find(source).recipe_file)}
    else:
        base = {"recipe": named}
    start = fitting.draft(**base)
    key = f"{named} {source if named == CLONE else ''} {start.model}"
    changes = _recipe_form.epochs(start, key)
    _teaching.explain("epoch", "batch", "seed")
    with st.expander("Advanced"):
        changes |= _recipe_form.advanced(start, key)
    go = st.button("Train", type="primary", icon=":material/play_arrow:", width="stretch", **parts.allowed("train"))
    draft = fitting.draft(**base, **changes)
    differences = catalogue.changes_between(start, draft) if named == CLONE else catalogue.differences(draft)
    if differences:
        st.caption("Changed: " + "; ".join(f"{field}: {before} → {now}" for field, before, now in differences))
    with st.popover("Save these settings", icon=":material/save:"):
        name = st.text_input("Name", help="Lower-case letters, digits, '.', '_' and '-'.")
        if st.button("Save", **parts.allowed("train")) and name:
            catalogue.save(draft, name)
            st.success(f"Saved; it stands under Recipe as {name}.")

with right, parts.errors_here():
    with st.spinner("Opening the data …"):
        manifest = library.open_dataset(data)
    shown = previewed(draft.to_json(), data, manifest.sha256)
    if go:
        run = requests.start(shown.recipe)
        st.switch_page("pages/runs.py", query_params={"run": run.id})

    needed = memory_needed(shown.recipe.to_json(), shown.images)
    for warning in (*shown.warnings, *filter(None, [needed.warning])):
        st.warning(markdown_text(warning), icon=":material/warning:")
    for note in shown.recipe.notes:
        st.caption(markdown_text(note))
    st.caption(f"Images a class and part; split {shown.split_kind}")
    _plots.show(figures.part_counts(shown.counts), "parts")
    _teaching.explain("split")
    st.caption("A training batch as the network will see it, changed at random")
    with st.container(horizontal=True, gap="small"):
        for picture, label in zip(shown.batch, shown.labels, strict=True):
            st.image(picture, caption=markdown_text(label), width=120, alt=f"Training image, {label}, changed at random")
    _teaching.explain("augmentation")
    st.caption("Learning rate")
    _plots.show(figures.learning_rate(shown.rates, shown.steps), "rates")
    _teaching.explain("learning_rate", "parameters", "multiply_adds")
    facts = [*st.columns(2), *st.columns(2), *st.columns(2)]
    facts[0].metric("Parameters", wording.short(shown.parameters), help=f"{shown.parameters:,} values in all")
    facts[1].metric("Multiply-adds", wording.short(shown.multiply_adds), help="of one image's way through the network")
    facts[2].metric("Steps an epoch", f"{shown.steps:,}")
    if parts.something_trains():
        facts[3].metric("Training time", "not measured", help="Another run is training; it would disturb the measurement and be disturbed.")
    else:
        text = wording.duration(training_seconds(shown.recipe.to_json(), shown.training_images))
        facts[3].metric("Training time", text, help="From a few steps measured here; validation and start-up come on top.")
    facts[4].metric(
        "Memory", needed.text, help="What the training needs at most, about, of what is free now; libraries and images included."
    )
    if named in {entry.name for entry in catalogue.entries()}:
        parts.fine_print(catalogue.get(named))
