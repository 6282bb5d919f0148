"""Plant a marker on one class, train a network on it, and unmask what it learnt: three steps, a minute or two on the phantom."""

import streamlit as st

from core.report.tables import markdown_text
from core.shortcuts import lab, sets
from pages import _planting, _teaching, _unmasked, parts

parts.title("Shortcut lab")
st.write(
    "Networks learn whatever tells the classes apart, not what a doctor means. Here you give one class away by a mark of your own, "
    "train on it, and see what the accuracy was worth."
)
_teaching.explain("shortcut", "probe", "leakage")
with parts.errors_here():
    linked = st.query_params.get("run", "")
    planted = sets.known(st.query_params.get("planted", "")) or lab.planted_of(linked)
    if linked and planted is None:
        asked = markdown_text(linked)
        st.warning(f"The link asks for run “{asked}”, which was not trained on a planted set. Plant a marker.", icon=":material/link_off:")

    st.header("1 · Plant")
    if planted is None:
        _planting.form()
        st.stop()
    _planting.show(planted)

    st.header("2 · Train")
    runs = lab.runs(planted, linked)
    _unmasked.training(planted, runs)
    if runs.marked is None or runs.live:
        st.stop()

    st.header("3 · Unmask")
    _unmasked.show(planted, runs)
