"""Why a run failed, its last words, and the button with the likely way out."""

from __future__ import annotations

import streamlit as st

from core.jobs import failures, requests
from core.report.tables import markdown_text
from core.runs.status import Status
from core.runs.store import Run
from pages import parts

LINES = 12  # of the log


def show(run: Run, status: Status) -> bool:
    """Returns whether it offers another way than to go on with the run as it is."""
    st.error(markdown_text(status.message) or "The run failed without a reason given.", icon=":material/error:")
    way_out = failures.way_out(status, run.recipe())
    if way_out:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(way_out.sentence, width="content")
            if way_out.changes and st.button(way_out.label, icon=":material/healing:", type="primary"):
                with parts.errors_here():
                    taken = requests.take(way_out, run)
                st.switch_page("pages/runs.py", query_params={"run": taken.id})
    log = run.log(LINES)
    if log:
        st.caption("Its last log lines")
        st.code(log, language=None)
    return way_out is not None and bool(way_out.changes)
