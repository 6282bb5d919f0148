"""What a finished run found: figures, confusion matrix and the images behind it, curves, calibration, files to take away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from core import assessment, charts, figures, wording
from core.data import library
from core.evaluation import calibration, cases
from core.evaluation.metrics import Evaluation, evaluate_predictions
from core.export import onnx
from core.report import card, html, tables, tensorboard
from core.runs import store
from pages import _networks, parts

if TYPE_CHECKING:
    import pandas as pd

    from core.data.manifest import Manifest

VIEWS = {
    "figures": "Figures",
    "matrix": "Confusion matrix",
    "errors": "Errors",
    "curves": "ROC and thresholds",
    "calibration": "Calibration",
    "files": "Take away",
}
OWN = {"test": "Test part", "validation": "Validation part", "train": "Training part"}
TILES = ("accuracy", "balanced_accuracy", "roc_auc", "mcc")
SHARES = {"row": "share of the true class", "column": "share of the predicted class", "count": "counts alone"}


@dataclass(frozen=True)
class Looked:
    """What the page is looking at: a run's predictions for some images."""

    run: store.Run
    classes: tuple[str, ...]
    predictions: pd.DataFrame
    evaluation: Evaluation
    target: str
    weights: str

    @property
    def manifest(self) -> Manifest:
        return library.open_dataset(self.run.recipe().data.name if self.target in OWN else self.target)


@st.cache_data(max_entries=64, show_spinner="Drawing the intervals …")
def _evaluation_of(key: tuple, _predictions: pd.DataFrame, classes: tuple[str, ...]) -> Evaluation:  # noqa: ARG001
    """Cached by what the predictions are of; a large table itself would be hashed by samples alone."""
    return evaluate_predictions(_predictions, classes)


def show(run: store.Run, finished: float | None) -> None:
    """The results of a run that is no longer live and has predictions."""
    view = parts.tabs("View", list(VIEWS), "view", VIEWS.__getitem__)
    with parts.errors_here():
        looked = _look(run, finished)
        {"figures": _figures, "matrix": _matrix, "errors": _errors, "curves": _curves, "calibration": _calibration, "files": _files}[view](
            looked
        )


def _look(run: store.Run, finished: float | None) -> Looked:
    recipe = run.recipe()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        others = [name for name in library.names() if name != recipe.data.name]
        target = parts.choose("Images", [*OWN, *others], "images", lambda name: OWN.get(name) or library.title(name))
        epochs = assessment.weights_epochs(run)
        weights = parts.choose("Weights", list(epochs), "weights", lambda kind: f"{kind}, epoch {epochs[kind]}")
    with st.spinner("Asking the network …"):
        if target in OWN:
            predictions = assessment.of_part(run, target, weights)
        else:
            found = assessment.of_data(run, library.open_dataset(target), weights, some_classes=True)
            predictions = found.predictions
            _about_other_data(found)
    evaluation = _evaluation_of((run.id, target, weights, epochs[weights], finished), predictions, recipe.data.classes)
    title = OWN.get(target) or library.title(target)
    st.subheader(f"{title}: {wording.count(evaluation.images, 'image')}, split {run.split_kind()}")
    if target == "train":
        st.warning("The network learnt these images: figures on them say nothing about new ones.", icon=":material/warning:")
    if target == "validation" and weights == "best":
        st.info("The epoch was chosen by these images, so figures on them are somewhat too good.", icon=":material/info:")
    return Looked(run, recipe.data.classes, predictions, evaluation, target, weights)


def _about_other_data(found: assessment.External) -> None:
    if found.seen:
        st.info(f"{wording.count(found.seen, 'image')} left out: this run trained on them, or chose its epoch by them.")
    if found.other_classes:
        st.info(f"Classes that the run does not know are left out: {', '.join(found.other_classes)}.")


def _figures(looked: Looked) -> None:
    evaluation = looked.evaluation
    for tile, name in zip(st.columns(len(TILES)), TILES, strict=True):
        with tile.container(border=True):
            estimate = evaluation.metrics[name]
            st.metric(wording.METRICS[name], wording.figure(name, estimate.value))
            st.caption(f"95 %: {wording.figure(name, estimate.low)} to {wording.figure(name, estimate.high)}")
    for note in evaluation.notes:
        st.info(note, icon=":material/info:")
    st.caption("Each class")
    st.dataframe(evaluation.text_table(), hide_index=True)
    left, right = st.columns(2, gap="medium")
    left.caption("All metrics")
    left.dataframe(evaluation.metrics_table(), hide_index=True)
    right.caption("Averages over the classes")
    right.dataframe(evaluation.averages_table(), hide_index=True)
    st.caption(f"{evaluation.interval_kind}.")
    st.page_link(
        "pages/predict.py", label="Ask this network about an image", icon=":material/image_search:", query_params={"run": looked.run.id}
    )


def _matrix(looked: Looked) -> None:
    show = parts.choose("In the cells", list(SHARES), "cells", SHARES.__getitem__)
    matrix, classes = looked.evaluation.confusion, looked.classes
    event = st.plotly_chart(
        figures.confusion(matrix, classes, show=show, selectable=True),
        key="matrix", on_select="rerun", selection_mode="points", alt=f"Confusion matrix, rows true classes: {matrix.tolist()}",
    )  # fmt: skip
    st.caption("A row a true class, a column a predicted one. Click a cell to see its images.")
    cells = {f"{true} → {predicted}": (true, predicted) for true in classes for predicted in classes}
    picked = [point["customdata"] for point in event.selection.points if "customdata" in point]
    start = next((f"{classes[true]} → {classes[predicted]}" for true, predicted in picked[:1]), None)
    cell = st.selectbox(
        "Images of the cell", list(cells), list(cells).index(start) if start else None, placeholder="click above, or choose"
    )
    if cell:
        found = cases.cell(looked.predictions, classes, *cells[cell])
        _networks.case_grid(found, looked.manifest, looked.run, f"cell {cell}")


def _errors(looked: Looked) -> None:
    kinds = {"losses": "Highest losses", "confident": "Most confident errors"}
    kind = parts.tabs("Errors", list(kinds), "errors", kinds.__getitem__)
    pick = {"losses": cases.top_losses, "confident": cases.confident_errors}[kind]
    _networks.case_grid(pick(looked.predictions, looked.classes, 120), looked.manifest, looked.run, kind)


def _curves(looked: Looked) -> None:
    chosen = charts.thresholds(looked.run.predictions(), looked.classes)
    left, right = st.columns(2, gap="large")
    arguments = (looked.predictions, looked.classes, looked.evaluation, chosen)
    left.plotly_chart(charts.roc(*arguments), key="roc", alt="ROC curves, each class against the rest")
    right.plotly_chart(charts.precision_recall(*arguments), key="pr", alt="Precision-recall curves, each class against the rest")
    st.caption("Points: each class's own threshold with the largest sensitivity + specificity on the validation part (Youden).")
    st.subheader("What a threshold does")
    with st.container(horizontal=True):
        name = st.selectbox("Class", looked.classes)
        threshold = st.slider("Call it at a probability of", 0.0, 1.0, round(chosen[name], 2), 0.01, key=f"threshold {name}")
        prevalence = st.slider("Share of patients who have it (prevalence, %)", 0.1, 100.0, 10.0, 0.1) / 100
    found = charts.threshold(looked.predictions, looked.classes, name, threshold, prevalence)
    values = {
        "Sensitivity": found.point.sensitivity.value,
        "Specificity": found.point.specificity.value,
        "PPV": found.ppv,
        "NPV": found.npv,
    }
    for tile, (label, value) in zip(st.columns(len(values)), values.items(), strict=True):
        tile.metric(label, wording.figure("sensitivity", value), border=True)
    st.caption(
        f"Here {looked.evaluation.support()[name]} of {wording.count(looked.evaluation.images, 'image')} show {name}. "
        f"At a prevalence of {wording.percent(prevalence)} the predictive values move; sensitivity and specificity do not."
    )
    st.plotly_chart(found.figure, key="threshold", alt=f"Sensitivity, specificity and predictive values of {name} over the threshold")


def _calibration(looked: Looked) -> None:
    found = calibration.calibration(looked.run.predictions(), looked.classes)
    st.write(
        f"A single temperature, fitted on the {found.fitted_on} validation images alone, is **{found.temperature:.2f}**: the network is "
        f"{'too certain' if found.temperature > 1 else 'not certain enough'}. On the {found.tested_on} test images it moves the log loss "
        f"from {found.loss_before:.3f} to {found.loss_after:.3f} and the calibration error from {found.ece_before:.3f} to "
        f"{found.ece_after:.3f}. Answers stay as they are."
    )
    left, right = st.columns(2, gap="large")
    left.caption("Test part, as the network states it")
    left.plotly_chart(charts.reliability(found.before), key="before", alt="Reliability diagram before temperature scaling")
    right.caption("Test part, after temperature scaling")
    right.plotly_chart(charts.reliability(found.after), key="after", alt="Reliability diagram after temperature scaling")


def _files(looked: Looked) -> None:
    run, evaluation = looked.run, looked.evaluation
    st.write("The report is one file that opens without a network; the card lists what its author must still state (CLAIM).")
    with st.container(horizontal=True):
        st.download_button("HTML report", lambda: html.report(run), f"{run.id}.html", "text/html", icon=":material/description:")
        st.download_button("Model card", lambda: card.model_card(run), f"{run.id}.md", "text/markdown", icon=":material/badge:")
        st.download_button(
            "TensorBoard events",
            lambda: tensorboard.archive([run]),
            f"{run.id}-tensorboard.zip",
            "application/zip",
            icon=":material/monitoring:",
        )
    if st.button(
        "Prepare the network as an ONNX file", icon=":material/deployed_code:", help="For other programs; checked against the original."
    ):
        with parts.errors_here(stop=False), st.spinner("Exporting and comparing on 50 images …"):
            exported = onnx.export(run, run.folder / "exports" / f"{run.id}.onnx")
            images = wording.count(exported.compared_on, "image")
            st.success(f"No probability differs by more than {exported.largest_difference:.2g} on {images}.")
            st.download_button(
                "ONNX file", exported.path.read_bytes, exported.path.name, "application/octet-stream", icon=":material/download:"
            )
    st.caption(f"The table of the classes ({looked.target})")
    table = tables.Table(evaluation.text_table(), f"{run.recipe().model}, {OWN.get(looked.target, looked.target)}", evaluation.notes)
    parts.table_downloads(table, f"{run.id}-{looked.target}", tables.Table(evaluation.table()))
    st.caption("The confusion matrix")
    parts.figure_downloads(figures.confusion(evaluation.confusion, evaluation.classes), f"{run.id}-matrix")
