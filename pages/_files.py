"""What is taken away of a run: report, model card, event files, network, table and matrix."""

from __future__ import annotations

import streamlit as st

from core import wording
from core.evaluation import probes
from core.evaluation.metrics import Evaluation, evaluate_predictions
from core.export import onnx
from core.report import card, html, tables, tensorboard
from core.runs import store
from pages import _downloads, parts
from pages._looked import OWN, Looked


def _beside(run: store.Run) -> tuple[tuple[str, ...], dict[str, Evaluation]]:
    """What the probes say, and their figures."""
    found = {f"probe: {name}": evaluate_predictions(one.table, one.classes) for name, one in probes.cached(run).items()}
    return probes.cautions(run), found


def show(looked: Looked) -> None:
    run, evaluation = looked.run, looked.evaluation
    st.write("The report is one file that opens without a network; the card lists what its author must still state (CLAIM).")
    with st.container(horizontal=True):
        st.download_button(
            "HTML report", lambda: html.report(run, *_beside(run)), f"{run.id}.html", "text/html", icon=":material/description:"
        )
        st.download_button(
            "Model card", lambda: card.model_card(run, *_beside(run)), f"{run.id}.md", "text/markdown", icon=":material/badge:"
        )
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
            exported = onnx.export(run, run.annex / "exports" / f"{run.id}.onnx")
            images = wording.count(exported.compared_on, "image")
            st.success(f"No probability differs by more than {exported.largest_difference:.2g} on {images}.")
            st.download_button(
                "ONNX file", exported.path.read_bytes, exported.path.name, "application/octet-stream", icon=":material/download:"
            )
    st.caption(f"The table of the classes ({looked.target})")
    table = tables.Table(evaluation.text_table(), f"{run.recipe().model}, {OWN.get(looked.target, looked.target)}", evaluation.notes)
    _downloads.of_table(table, f"{run.id}-{looked.target}", lambda: tables.Table(evaluation.table()))
