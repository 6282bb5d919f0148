"""Two to ten runs beside each other: what can be told apart, differing settings, curves, matrices, images on which they disagree."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from core import charts, figures
from core.data import library
from core.errors import CoreError
from core.evaluation import cases, comparison, predicted
from core.evaluation.metrics import evaluate_predictions
from core.runs import store
from core.runs.index import Row
from pages import _downloads, _linked, _networks, _plots, _teaching, parts

VIEWS = {
    "tests": "Can they be told apart?",
    "settings": "Settings",
    "curves": "Curves",
    "matrices": "Confusion matrices",
    "images": "Images",
}


def show(rows: Sequence[Row], picked: Sequence[str]) -> None:
    """`picked`: the runs selected in the table, which replace those chosen before."""
    labels = {row.run_id: parts.run_label(row) for row in rows}
    if picked and list(picked) != st.session_state.get("picked"):
        st.session_state["picked"], st.session_state["chosen"] = list(picked), list(picked)[: comparison.MOST]
    if "chosen" not in st.session_state:
        st.session_state["chosen"] = [run for run in st.query_params.get("runs", "").split(",") if run in labels]
    chosen = st.multiselect("Runs", list(labels), format_func=labels.__getitem__, key="chosen", max_selections=comparison.MOST)
    st.query_params["runs"] = ",".join(chosen)
    if len(chosen) < comparison.FEWEST:
        st.caption("Choose two to ten runs here, or select their lines in the table.")
        return
    view = parts.tabs("View", list(VIEWS), "view", VIEWS.__getitem__)
    runs = [store.find(run) for run in chosen]
    names = dict(zip(chosen, short_names([next(row for row in rows if row.run_id == run) for run in chosen]), strict=True))
    with parts.errors_here():
        {"tests": _tests, "settings": _settings, "curves": _curves, "matrices": _matrices, "images": _images}[view](runs, names)


def short_names(rows: Sequence[Row]) -> list[str]:
    """Model names, told apart by a letter where several runs share one."""
    models = [row.model for row in rows]
    seen: dict[str, int] = {}
    found = []
    for model in models:
        seen[model] = seen.get(model, 0) + 1
        found.append(f"{model} {'abcdefghij'[seen[model] - 1]}" if models.count(model) > 1 else model)
    return found


@st.cache_data(max_entries=32, show_spinner="Comparing …")
def _compared(chosen: tuple, _runs: list[predicted.Predicted], names: dict[str, str]) -> comparison.Comparison:  # noqa: ARG001
    return comparison.compare(_runs, names)


def _key(run: predicted.Predicted) -> tuple[str, float | None]:
    """What cached figures rest on: a run that went on later has other predictions under its id."""
    return run.name, store.find(run.name).status().finished


def _readable(runs: Sequence[store.Run]) -> list[predicted.Predicted]:
    """Their answers; a run whose files are damaged is named and left out."""
    found = []
    for run in runs:
        try:
            found.append(predicted.of_run(run))
        except CoreError as error:
            parts.problems(error)
    return found


def _tests(runs: Sequence[store.Run], names: dict[str, str]) -> None:
    found = _readable(runs)
    if len(found) < comparison.FEWEST:
        return
    result = _compared(tuple(_key(run) for run in found), found, names)
    for pair in result.pairs:
        st.markdown(f"- {f'{pair.a}, {pair.b}: ' if pair.unpaired else ''}{pair.sentence}")
    st.caption(f"McNemar’s exact test on the shared test images, with Holm’s correction for several pairs. {comparison.CAUTION}")
    _teaching.explain("mcnemar")
    st.dataframe(result.table(), hide_index=True, alt="Paired tests of the chosen runs")


def _settings(runs: Sequence[store.Run], names: dict[str, str]) -> None:
    fields = comparison.differing_fields({names[run.id]: run.recipe() for run in runs})
    if not fields:
        st.write("Their recipes are the same.")
    st.table([{"Setting": field} | {name: str(value) for name, value in values.items()} for field, values in fields], hide_index=True)


def _curves(runs: Sequence[store.Run], names: dict[str, str]) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        quantity = _linked.one("Curve", ["loss", "accuracy", "learning rate"], "curve", "loss")
        part = _linked.one("Part", ["validation", "train"], "part", "validation")
        by = _linked.one(
            "A point for each", ["epoch", "step"], "point", "epoch", help="Steps hold the training loss and the learning rate."
        )
        smoothing = _linked.number("Smoothing", 0.0, 0.95, 0.0, "smoothing", how=st.slider, step=0.05)
        log = _linked.switch("Logarithmic", "log")
    histories = {names[run.id]: run.metrics() for run in runs}
    figure = charts.overlay(histories, quantity, part, by, smoothing, log)
    _plots.show(figure, "overlay")
    _downloads.of_figure(figure, "curves")
    st.caption("A star marks each run's best epoch on the validation part.")


def _matrices(runs: Sequence[store.Run], names: dict[str, str]) -> None:
    columns = st.columns(2, gap="medium")
    for number, run in enumerate(_readable(runs)):
        evaluation = _plots.shared(("evaluation", *_key(run)), partial(evaluate_predictions, run.table, run.classes))
        with columns[number % 2]:
            st.caption(f"**{names[run.name]}**: {evaluation.images} test images")
            draw = partial(figures.confusion, evaluation.confusion, evaluation.classes)
            _plots.show(_plots.shared(("matrix", *_key(run)), draw), f"matrix {run.name}")


def _images(runs: Sequence[store.Run], names: dict[str, str]) -> None:
    kinds = {"disagree": "On which they disagree", "missed": "That all get wrong"}
    kind = parts.tabs("Images", list(kinds), "kind", kinds.__getitem__)
    readable = _readable(runs)
    found = {"disagree": cases.disagreements, "missed": cases.missed_by_all}[kind](readable)
    manifest = library.open_dataset(runs[0].recipe().data.name)
    _networks.answer_grid(found, manifest, {run.name: names[run.name] for run in readable}, kind)
