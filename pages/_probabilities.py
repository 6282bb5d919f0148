"""What a run's probabilities are worth: curves over all thresholds, one threshold at any prevalence, calibration."""

from __future__ import annotations

from functools import partial

import streamlit as st

from core import charts, wording
from core.evaluation import calibration
from core.report.tables import markdown_text
from pages import _downloads, _linked, _plots, _teaching
from pages._looked import Looked


def curves(looked: Looked) -> None:
    chosen = _plots.shared(("thresholds", *looked.key), lambda: charts.thresholds(looked.run.predictions(), looked.classes))
    left, right = st.columns(2, gap="large")
    arguments = (looked.predictions, looked.classes, looked.evaluation, chosen)
    for column, draw, name in ((left, charts.roc, "ROC"), (right, charts.precision_recall, "precision-recall")):
        with column:
            figure = _plots.shared((name, *looked.key), partial(draw, *arguments))
            _plots.show(figure, name)
            _downloads.of_figure(figure, f"{looked.run.id}-{name}")
    st.caption("Points: each class's own threshold with the largest sensitivity + specificity on the validation part (Youden).")
    _teaching.explain("roc_auc", "average_precision")
    st.header("What a threshold does")
    _teaching.explain("threshold", "sensitivity", "specificity", "precision", "prevalence")
    with st.container(horizontal=True):
        name = _linked.one("Class", looked.classes, "class", looked.classes[0], of=looked.run.id)
        of, usual, how = (looked.run.id, name), round(chosen[name], 2), st.slider
        threshold = _linked.number("Call it at a probability of", 0.0, 1.0, usual, "threshold", of=of, how=how, step=0.01)
        text = "Share of patients who have it (prevalence, %)"
        prevalence = _linked.number(text, 0.1, 100.0, 10.0, "prevalence", how=how, step=0.1) / 100
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
        f"Here {looked.evaluation.support()[name]} of {wording.count(looked.evaluation.images, 'image')} show {markdown_text(name)}. "
        f"At a prevalence of {wording.percent(prevalence)} the predictive values move; sensitivity and specificity do not."
    )
    _plots.show(found.figure, "threshold")


def calibrated(looked: Looked) -> None:
    found = _plots.shared(("calibration", *looked.key), lambda: calibration.calibration(looked.run.predictions(), looked.classes))
    st.write(
        f"A single temperature, fitted on the {found.fitted_on} validation images alone, is **{found.temperature:.2f}**: the network is "
        f"{'too certain' if found.temperature > 1 else 'not certain enough'}. On the {found.tested_on} test images it moves the log loss "
        f"from {found.loss_before:.3f} to {found.loss_after:.3f} and the calibration error from {found.ece_before:.3f} to "
        f"{found.ece_after:.3f}. Answers stay as they are."
    )
    _teaching.explain("calibration_error", "temperature")
    for column, part, name in zip(st.columns(2, gap="large"), (found.before, found.after), ("as stated", "after scaling"), strict=True):
        with column:
            figure = _plots.shared((name, *looked.key), partial(charts.reliability, part))
            st.caption(f"Test part, probabilities {name}")
            _plots.show(figure, name)
            _downloads.of_figure(figure, f"{looked.run.id}-reliability-{name.replace(' ', '-')}")
