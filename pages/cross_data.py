"""Networks on data that they were not trained on: train set × test set, with what the sets share."""

import streamlit as st

from core import cross_data, figures, wording
from core.data import library
from core.data.manifest import Manifest
from core.runs import index, store
from pages import _linked, _plots, parts


@st.cache_data(max_entries=256, show_spinner="Comparing images …")
def worth(key: tuple, _run: store.Run, _manifest: Manifest) -> cross_data.Worth:  # noqa: ARG001
    return cross_data.worth(_run, _manifest)


parts.title("Cross-data")
st.write("What a network that was trained on one data set is worth on another. Images that it has seen are left out, found by content.")
rows = [row for row in index.rows() if row.accuracy is not None]
if not rows:
    st.write("No finished run yet.")
    st.page_link("pages/train.py", label="Train a network", icon=":material/model_training:")
    st.stop()

labels = {row.run_id: parts.run_label(row) for row in rows}
chosen = _linked.some("Networks", list(labels), "runs", cross_data.newest_of_each(rows), labels.__getitem__, max_selections=12)
known = [record.name for record in library.datasets()]
sets = _linked.some("Tested on", known, "tested", known, library.title)
st.query_params["runs"] = ",".join(chosen)  # the usual ones change with every run that ends
if not chosen or not sets:
    st.caption("Choose at least one network and one data set.")
    st.stop()

with parts.errors_here():
    cells = cross_data.cells([store.find(run) for run in chosen], sets, lambda *pair: worth(cross_data.rests_on(*pair), *pair))
    missing = [cell for cell in cells if cell.missing]
    if st.button(
        f"Evaluate {wording.count(len(missing), 'missing cell')}", type="primary", icon=":material/play_arrow:", disabled=not missing
    ):
        bar = st.progress(0.0)
        for number, cell in enumerate(missing):
            bar.progress(number / len(missing), text=f"{cell.run.recipe().model} on {cell.data} …")
            cell.evaluate()
        st.rerun()
    grid = cross_data.grid(cells)
    _plots.show(figures.cross_data(grid.values, grid.text, grid.rows, grid.columns), "cells")
    st.caption("Accuracy with its 95 % interval and the number of images. On its own data set: the run's test part.")
    st.dataframe(cross_data.table(cells), hide_index=True, placeholder="", alt="Accuracy of each network on each data set")
