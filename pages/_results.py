"""What a finished run found: figures, confusion matrix and the images behind it, curves, calibration, files to take away."""

from __future__ import annotations

from functools import partial

import streamlit as st

from core import figures, wording
from core.evaluation import cases, thresholded
from core.report.tables import markdown_text
from core.runs import store
from pages import _downloads, _files, _linked, _networks, _plots, _probabilities, _teaching, parts
from pages._looked import Looked, look

VIEWS = {
    "figures": "Figures",
    "matrix": "Images of a cell",
    "errors": "Errors",
    "curves": "ROC and thresholds",
    "calibration": "Calibration",
    "files": "Take away",
}
TILES = ("accuracy", "balanced_accuracy", "roc_auc", "mcc")
SHARES = {"row": "share of the true class", "column": "share of the predicted class", "count": "counts alone"}


def show(run: store.Run, finished: float | None) -> None:
    """The results of a run that is no longer live and has predictions."""
    view = parts.tabs("View", list(VIEWS), "view", VIEWS.__getitem__)
    with parts.errors_here():
        VIEW[view](look(run, finished))


def _figures(looked: Looked) -> None:
    evaluation = looked.evaluation
    for tile, name in zip(st.columns(len(TILES)), TILES, strict=True):
        with tile.container(border=True):
            estimate = evaluation.metrics[name]
            st.metric(wording.METRICS[name], wording.figure(name, estimate.value))
            st.caption(f"95 %: {wording.figure(name, estimate.low)} to {wording.figure(name, estimate.high)}")
            _teaching.explain(name)
    for note in evaluation.notes:
        st.info(markdown_text(note), icon=":material/info:")
    matrix, table = st.columns([2, 3], gap="medium")
    with matrix:
        draw = partial(figures.confusion, evaluation.confusion, evaluation.classes)
        _plots.show(_plots.shared(("small matrix", *looked.key), draw), "small matrix")
        _teaching.explain("confusion_matrix")
    with table:
        _teaching.explain("sensitivity", "specificity", "precision", "f1")
    table.caption("Each class")
    table.dataframe(evaluation.text_table(), hide_index=True, alt="Metrics of each class")
    left, right = st.columns(2, gap="medium")
    left.caption("All metrics")
    left.dataframe(evaluation.metrics_table(), hide_index=True, alt="All metrics")
    right.caption("Averages over the classes")
    right.dataframe(evaluation.averages_table(), hide_index=True, alt="Averages over the classes")
    st.caption(f"{evaluation.interval_kind}.")
    _teaching.explain("interval", "calibration_error", "average_precision")
    with st.expander("As Zhong 2020 counts: only probabilities of at least one half"):
        tables = partial(thresholded.tables, looked.predictions, looked.classes)
        rows, means = _plots.shared(("thresholded", *looked.key), tables)
        left, right = st.columns([3, 2], gap="medium")
        left.dataframe(rows, hide_index=True, alt="Precision and recall of each class")
        right.dataframe(means, hide_index=True, alt="Means over the classes")
        st.caption("Precision and recall are micro averages (Wilson's intervals); the mean probability has the normal approximation's.")
    st.page_link(
        "pages/predict.py", label="Ask this network about an image", icon=":material/image_search:", query_params={"run": looked.run.id}
    )


def _matrix(looked: Looked) -> None:
    show = parts.choose("In the cells", list(SHARES), "cells", SHARES.__getitem__)
    matrix, classes = looked.evaluation.confusion, looked.classes
    draw = partial(figures.confusion, matrix, classes, show=show, selectable=True)
    figure = _plots.shared(("matrix", show, *looked.key), draw)
    event = _plots.show(figure, "matrix", on_select="rerun", selection_mode="points")
    st.caption("A row a true class, a column a predicted one. Click a cell to see its images.")
    _teaching.explain("confusion_matrix", "sensitivity", "precision")
    _downloads.of_figure(figure, f"{looked.run.id}-matrix")
    cells = {f"{true} → {predicted}": (true, predicted) for true in classes for predicted in classes}
    picked = [point["customdata"] for point in event.selection.points if "customdata" in point]
    if picked and picked != st.session_state.get("picked cell"):
        true, predicted = picked[0]
        st.query_params["cell"] = f"{classes[true]} → {classes[predicted]}"
    st.session_state["picked cell"] = picked
    cell = _linked.one("Images of the cell", ["", *cells], "cell", "", lambda cell: cell or "click above, or choose", of=looked.run.id)
    if cell:
        found = cases.cell(looked.predictions, classes, *cells[cell])
        _networks.case_grid(found, looked.manifest, looked.run, f"cell {cell}")


def _errors(looked: Looked) -> None:
    kinds = {"losses": "Highest losses", "confident": "Most confident errors"}
    kind = parts.tabs("Errors", list(kinds), "errors", kinds.__getitem__)
    _teaching.explain("probability")
    pick = {"losses": cases.top_losses, "confident": cases.confident_errors}[kind]
    _networks.case_grid(pick(looked.predictions, looked.classes, 120), looked.manifest, looked.run, kind)


VIEW = {
    "figures": _figures,
    "matrix": _matrix,
    "errors": _errors,
    "curves": _probabilities.curves,
    "calibration": _probabilities.calibrated,
    "files": _files.show,
}
