"""Probes of a data set: what classifiers reach that see nothing of the disease, on the default split or on that of a run."""

from __future__ import annotations

import streamlit as st

from core.evaluation import probed, probes
from core.report.tables import Table, markdown_text
from core.runs import index, store
from pages import _downloads, parts
from pages._explored import Explored, light, reporter

DEFAULT = {"": "default split of new runs"}


def show(explored: Explored) -> None:
    st.write(
        "A probe is a random forest that sees what no diagnosis can rest on. It learns on the training part of a split and answers its "
        "test part: on a run’s own split its figures stand beside the network’s."
    )
    rows = {row.run_id: row for row in index.rows() if row.data == explored.title and row.accuracy is not None}
    names = DEFAULT | {run_id: parts.run_label(row) for run_id, row in rows.items()}
    chosen = parts.choose("On the split of", list(names), "run", names.__getitem__)
    key = ("probes", explored.key, chosen)
    report, end = reporter("Reading the images")
    with parts.errors_here():
        if st.button("Probe for shortcuts", type="primary", icon=":material/troubleshoot:"):
            found = probes.for_run(store.find(chosen), report) if chosen else probes.for_data(explored.manifest, progress=report)
            st.session_state[key] = probed.read(found)
        elif chosen and key not in st.session_state and (found := probes.cached(store.find(chosen))):
            st.session_state[key] = probed.read(found)
    end()
    if key in st.session_state:
        _show(explored, st.session_state[key], rows.get(chosen))


def _show(explored: Explored, reading: probed.Reading, row: index.Row | None) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        light(reading.light)
        st.markdown(markdown_text(reading.sentence))
    st.dataframe(reading.rows, hide_index=True, alt="What each probe reaches")
    st.caption("On the test part, with 95 % intervals. Chance is always to answer the most frequent class; an AUC of 0.5.")
    if row:
        st.caption(f"The network itself: {row.accuracy_text} of {row.test_images:,} test images.")
    _downloads.of_table(Table(reading.rows, f"Shortcut probes on {explored.title}"), f"{explored.record.name}-probes")
