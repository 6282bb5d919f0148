"""What can be asked of one run: stop, pause, go on, more epochs, a clone with changes, deletion."""

from __future__ import annotations

from functools import partial

import streamlit as st

from core import access
from core.jobs import overview, requests
from core.runs import trash
from core.runs.status import RESUMABLE, Status
from core.runs.store import Run
from pages import _acts, parts
from pages._queue_lines import KEPT


def show(run: Run, status: Status, better: bool) -> None:
    """Buttons for the state that the run is in. `better`: the page offers a better way than to go on with it as it is."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if not run.owner().changed_by(access.person()):
            _clone(run)
        elif status.live:
            _live(run, status)
        else:
            _ended(run, status, better)


def _live(run: Run, status: Status) -> None:
    asked = overview.asked(run)
    _acts.button("Pause", "pause", partial(requests.pause, run), icon=":material/pause:", disabled=bool(asked))
    lost = KEPT if status.state == "running" else "It leaves the queue; it can go on later."
    _acts.confirmed("Stop", "stop", ":material/stop:", lost, "Stop it", partial(requests.cancel, run), disabled=bool(asked))
    if asked:
        st.caption(f"Asked {asked}; it does so after its current step.", width="content")
    elif status.state == "queued":
        st.page_link("pages/queue.py", label="Its place in the queue", icon=":material/low_priority:", query_params={"job": run.id})


def _ended(run: Run, status: Status, better: bool) -> None:
    if status.state in RESUMABLE:
        look = "secondary" if better else "primary"
        _acts.button("Go on with this run", "go on", partial(requests.go_on, run), icon=":material/resume:", type=look)
    if status.state == "done" and not run.recorded:
        _more_epochs(run)
    _clone(run)
    if not run.recorded:
        _delete(run)


def _clone(run: Run) -> None:
    if st.button("Clone", icon=":material/content_copy:", help="A new run, starting from this one's settings."):
        st.switch_page("pages/train.py", query_params={"from": run.id, "data": run.recipe().data.name})


def _delete(run: Run) -> None:
    with _acts.menu("delete", "Delete", ":material/delete:"):
        st.write(f"The run moves into the trash, from which it can be taken back for {trash.RETENTION_DAYS} days.")
        if st.button("Delete it", icon=":material/delete:"):
            with parts.errors_here():
                requests.delete(run)
            st.query_params.pop("run", None)
            st.session_state["deleted"] = run.id
            st.rerun()


def _more_epochs(run: Run) -> None:
    with _acts.menu("more epochs", "More epochs", ":material/add:"):
        had = run.recipe().epochs
        epochs = st.number_input("Epochs in all", had + 1, 10_000, 2 * had, help=f"It was trained for {had}; a new run goes on from there.")
        if st.button("Train on", icon=":material/play_arrow:"):
            with parts.errors_here():
                longer = requests.train_on(run, epochs)
            st.switch_page("pages/runs.py", query_params={"run": longer.id})
