"""The button that starts the two-minute demonstration, for pages that have nothing to show without a run."""

from __future__ import annotations

import streamlit as st

from core import demo
from core.jobs import requests
from pages import parts


def button() -> None:
    """Start it and open its run."""
    if st.button("Try it: two-minute demo", type="primary", icon=":material/play_arrow:", **parts.allowed("train")):
        with parts.errors_here(), st.spinner("Drawing synthetic chest images …"):
            run = requests.start(demo.recipe())
        st.switch_page("pages/runs.py", query_params={"run": run.id})
