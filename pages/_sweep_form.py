"""Several runs at once: what is varied on the left; how many that makes, how long they take and what would run on the right."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core import wording
from core.data import library
from core.data.manifest import Manifest
from core.jobs import forecast, sweeps
from core.models import registry
from core.recipes import catalogue, written
from core.report.tables import markdown_text
from core.runs import index
from pages import _linked, parts

COMMON = {"epochs": ("Epochs", 1, 10_000), "image.size": ("Image size (px)", 8, 2048), "batch_size": ("Batch size", 2, 8192)}
OTHER_NETWORKS = "Any network of timm may be typed by its name."
SEEDS = "As 0-4 or 0,3,7. Each decides the split, the first weights and every draw. Empty: each recipe's own."
FOLDS = "Cross validation: each of so many folds is the test part once. Empty: each recipe's own single fold."
VALUES = "With commas between, as 0.001, 0.01."


def show() -> None:
    left, right = st.columns([2, 3], gap="large")
    with left, parts.errors_here():
        data = parts.choose("Data set", library.names(), "data", library.title)
        settings = _settings()
        if not settings["recipes"] and not settings["models"]:
            right.info("Choose recipes or networks, and what varies; what would run is listed here.", icon=":material/grid_view:")
            return
        sweep = sweeps.Sweep(**settings)
    with right, parts.errors_here():
        with st.spinner("Opening the data …"):
            manifest = library.open_dataset(data)
        _offer(_planned(repr(sweep), manifest.sha256, sweep, manifest), repr(sweep) + manifest.sha256)


@st.cache_data(max_entries=8, ttl=300, show_spinner="Fitting the runs to the data …")
def _planned(settings: str, content: str, _sweep: sweeps.Sweep, _manifest: Manifest) -> sweeps.Plan:  # noqa: ARG001
    """Cached by the settings and the data's content."""
    return sweeps.plan(_sweep, _manifest)


def _settings() -> dict[str, Any]:
    """What `sweeps.Sweep` is made of."""
    if "sweep name" not in st.session_state:
        st.session_state["sweep name"] = sweeps.default_name()
    name = st.text_input("Name of the experiment", key="sweep name", max_chars=64)
    titles = {entry.name: entry.title for entry in catalogue.entries()} | {name: f"{name} (saved here)" for name in catalogue.saved()}
    networks = {name: registry.get(name).title for name in registry.names()}
    recipes = _linked.some("Recipes", list(titles), "recipe", (), titles.__getitem__, placeholder="none")
    models = _linked.some(
        "Networks under the default recipe", list(networks), "model", (), lambda name: networks.get(name, name),
        placeholder="none", accept_new_options=True, help=OTHER_NETWORKS,
    )  # fmt: skip
    seeds, folds = st.columns(2)
    with seeds:
        seed_text = _linked.text("Seeds", "seeds", placeholder="0-4", help=SEEDS)
    fold_number = folds.number_input("Folds", 2, 50, None, placeholder="one", help=FOLDS)
    axes = [_axis(number) for number in (1, 2)]
    with st.expander("The same in all runs"):
        common = {
            field: st.number_input(label, low, high, None, placeholder="each recipe's own", key=f"common {field}")
            for field, (label, low, high) in COMMON.items()
        }
        priority = st.number_input("Priority", -100, 100, 0, help="Runs with a higher one start first.")
    return {
        "name": name,
        "recipes": tuple(recipes),
        "models": tuple(models),
        "seeds": written.seeds(seed_text) if seed_text else (),
        "folds": fold_number or 0,
        "axes": {field: values for field, values in axes if field},
        "changes": {field: value for field, value in common.items() if value is not None},
        "priority": priority,
    }


def _axis(number: int) -> tuple[str | None, tuple[Any, ...]]:
    field, values = st.columns(2)
    chosen = field.selectbox("Field that varies", sweeps.fields(), None, placeholder="none", key=f"field {number}")
    text = values.text_input("Its values", help=VALUES, disabled=chosen is None, key=f"values {number}")
    return chosen, written.values(text)


def _offer(plan: sweeps.Plan, key: str) -> None:
    """Count, estimate and list, then the button."""
    runs = wording.count(len(plan.runs), "run")
    found = forecast.forecast(plan)
    if st.session_state.get("timed", ("",))[0] == key:
        found = st.session_state["timed"][1]
    facts = st.columns(3)
    facts[0].metric("Runs", f"{len(plan.runs):,}", help=f"{wording.count(plan.doubles, 'combination')} came to the same as another one.")
    facts[1].metric("Time in all", wording.duration(found.seconds))
    facts[2].metric("At a time", found.devices, help="Devices that train side by side.")
    st.caption(found.sentence)
    with st.container(horizontal=True):
        go = st.button(f"Queue {runs}", type="primary", icon=":material/playlist_add:")
        timing = found.seconds is None and st.button(
            "Time a few steps",
            icon=":material/timer:",
            disabled=forecast.something_trains(),
            help="Some seconds of work for each network; not while something trains.",
        )
    if timing:
        with st.spinner("Timing a few steps of each network …"):
            st.session_state["timed"] = (key, forecast.forecast(plan, measure=True))
        st.rerun()
    joined = sum(row.experiment_name == plan.sweep.name for row in index.rows())
    if go:
        sweeps.submit(plan)
        st.success(f"{runs} queued as {markdown_text(plan.sweep.name)}.", icon=":material/check:")
        st.page_link("pages/queue.py", label="See the queue", icon=":material/list:", query_params={"experiment": plan.sweep.name})
    elif joined:
        name = markdown_text(plan.sweep.name)
        st.warning(f"{name} has {wording.count(joined, 'run')} already; these would join it.", icon=":material/merge:")
    st.dataframe(plan.table(), hide_index=True, key="planned", alt="The runs that would be queued")
