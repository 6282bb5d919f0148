"""How one run stands, live: its state and history, its bar, what can be asked of it, its curves."""

from __future__ import annotations

import time
from functools import partial

import streamlit as st

from core import charts, wording
from core.evaluation import history
from core.jobs import overview
from core.report.tables import markdown_text
from core.runs.status import Status
from core.runs.store import Run
from pages import _pace, _plots, _run_acts, _run_failure, _run_history, parts

REFRESH = {"queued": 1, "running": 2, "paused": 5, "interrupted": 5}  # seconds; what stands still may be taken up from elsewhere


def show(run: Run, first: Status, epochs: int) -> None:
    """`first`: the status with which the page is drawn; once the run ends or goes on, the whole page is."""
    st.fragment(_progress, run_every=_pace.every(REFRESH.get(first.state)))(run, first, epochs)


def _progress(run: Run, first: Status, epochs: int) -> None:
    status = run.status()
    if first.live != status.live or (not status.live and first.state != status.state):
        st.rerun()
    side, main = st.columns([1, 4], gap="medium")
    with side:
        parts.state_badge(status.state)
        if run.recorded:
            parts.recorded_badge()
        _run_history.show(status)
    better = False
    with main:
        if status.live:
            st.progress(status.share_done, text=markdown_text(overview.progress_text(status)))
            _silence(status)
        elif status.state == "failed":
            better = _run_failure.show(run, status)
        elif status.message:
            st.write(markdown_text(status.message))
        _run_acts.show(run, status, better)
        _curves(run, status, epochs)


def _silence(status: Status) -> None:
    silent = overview.silence(status, time.time())
    if silent is not None:
        st.warning(
            f"No sign of life from the trainer for {wording.duration(silent)}. Its process lives: it may be stuck, or the machine busy. "
            "If it stays so, stop the run; what it stored is kept.",
            icon=":material/hourglass_disabled:",
        )


def _curves(run: Run, status: Status, epochs: int) -> None:
    rows = run.metrics()
    if rows:
        with st.popover("Look of the curves", icon=":material/tune:"):
            smoothing = st.slider("Smoothing", 0.0, 0.95, 0.0, 0.05)
            log = st.toggle("Logarithmic loss")
            rates = st.toggle("Learning rate")
        shown = history.worth_drawing(len(rows)) if status.live else len(rows)
        looks = epochs, smoothing, log, rates
        key = "curves", run.id, shown, *rows[shown - 1].items(), *looks  # a run's last row and their number tell all of them
        _plots.show(_plots.shared(key, partial(charts.curves, rows[:shown], *looks)), "curves")
    elif status.live:
        st.caption("The curves begin with the first steps.")
