"""What several pages show: the sidebar's status line, choices that live in the URL, errors where they were made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import streamlit as st

from core import access, wording
from core.errors import CoreError
from core.jobs import overview, requests, supervisors
from core.recipes.entry import Entry
from core.report.tables import markdown_text
from core.runs import index, store
from core.runs.status import LIVE
from pages import _pace

MEDICAL_NOTE = f":material/medical_information: {wording.MEDICAL_NOTE}"

SIDEBAR_RUNS = 2
STATUS_EVERY = 20  # seconds; everybody's sidebar does it, on whatever page, and a training on the same processor pays for it
_IDLE = {
    (False, False): ":material/bedtime: Nothing is training.",
    (True, True): ":material/hourglass_top: The next training is about to start.",
    (True, False): ":material/front_hand: Nothing is training, and no supervisor is there to start what waits.",
}
"""What the status line says where nothing trains: by whether something waits, and whether somebody is there to start it."""

STATE_BADGES = {
    "starting": (":material/hourglass_top:", "gray"),
    "queued": (":material/schedule:", "gray"),
    "running": (":material/sync:", "blue"),
    "paused": (":material/pause_circle:", "violet"),
    "done": (":material/check_circle:", "green"),
    "cancelled": (":material/cancel:", "orange"),
    "failed": (":material/error:", "red"),
    "interrupted": (":material/warning:", "orange"),
    "damaged": (":material/broken_image:", "red"),
}


def navigation(position: Literal["sidebar", "hidden"] = "sidebar") -> st.Page:
    """Declare the pages, grouped; returns the one that the link asks for. Each is found under its file's name."""
    st.session_state["through the app"] = True
    return st.navigation(
        {
            "Start": [st.Page("pages/home.py", title="Home", icon=":material/home:", default=True)],
            "Data": [
                st.Page("pages/data_sets.py", title="Data sets", icon=":material/folder_open:"),
                st.Page("pages/explore.py", title="Explore & audit", icon=":material/search_insights:"),
                st.Page("pages/shortcut_lab.py", title="Shortcut lab", icon=":material/science:"),
            ],
            "Train": [
                st.Page("pages/train.py", title="New run", icon=":material/model_training:"),
                st.Page("pages/queue.py", title="Queue", icon=":material/low_priority:"),
                st.Page("pages/runs.py", title="Runs", icon=":material/monitoring:"),
            ],
            "Compare": [
                st.Page("pages/compare.py", title="Compare", icon=":material/compare_arrows:"),
                st.Page("pages/cross_data.py", title="Cross-data", icon=":material/grid_on:"),
                st.Page("pages/papers.py", title="Papers", icon=":material/menu_book:"),
                st.Page("pages/benchmark.py", title="Benchmark", icon=":material/leaderboard:"),
            ],
            "Explain": [
                st.Page("pages/predict.py", title="Predict", icon=":material/image_search:"),
                st.Page("pages/heat_maps.py", title="Heat-map lab", icon=":material/local_fire_department:"),
            ],
            "Help": [st.Page("pages/guide.py", title="Guide", icon=":material/school:")],
        },
        position=position,
        expanded=True,  # else the last groups hide behind "View more"
    )


@st.cache_resource(ttl=10, show_spinner=False)
def attend_the_queue() -> None:
    """Now and then, whoever looks: after a crash nobody may be left who trains what waits."""
    requests.attend()


def title(text: str) -> None:
    """Every page's first call.

    When a server's first request names a page, Streamlit takes the `pages/` folder for its older kind of multipage app and runs the
    page without `app.py`. Declaring the pages ends that; the page is then run again, through the app.
    """
    if "through the app" not in st.session_state:
        navigation()
        st.rerun()
    st.title(text)


def sidebar() -> None:
    """The status line that every page has: what is running, how far, how long still."""
    with st.sidebar:
        st.fragment(_running, run_every=_pace.every(STATUS_EVERY))()


def _running() -> None:
    rows = index.lately()
    training, waiting = ([row for row in rows if row.state == state] for state in ("running", "queued"))
    if not training:
        st.caption(_IDLE[bool(waiting), bool(waiting) and bool(supervisors.living())])
    for row in training[:SIDEBAR_RUNS]:
        status = store.find(row.run_id).status()
        st.progress(status.share_done, text=markdown_text(f"{row.model} on {row.data}: {overview.progress_text(status)}"))
        if status.device:
            st.caption(f":material/memory: {status.device}")
        st.page_link("pages/runs.py", label="Open the run", icon=":material/monitoring:", query_params={"run": row.run_id})
    more = f"{len(training) - SIDEBAR_RUNS} more train, " if len(training) > SIDEBAR_RUNS else ""
    if waiting or more:
        st.page_link("pages/queue.py", label=f"{more}{len(waiting):,} waiting", icon=":material/low_priority:")


def allowed(right: access.Right) -> dict[str, Any]:
    """Arguments of a button for what takes `right`: without it, the button stands there and says so. The engine refuses all the same."""
    return {} if access.may(right) else {"disabled": True, "help": "Your role does not allow it. Ask an administrator."}


def something_trains() -> bool:
    return any(row.state in LIVE for row in index.rows())


def fine_print(entry: Entry) -> None:
    """What a recipe assumes, and where it deviates from its paper."""
    for heading, items in (("Assumed, as the paper does not say", entry.assumptions), ("Deviates from the paper", entry.deviations)):
        if items:
            st.markdown(f"**{heading}**\n\n" + "\n".join(f"- {item}" for item in items))


def recorded_badge() -> None:
    st.badge("recorded", icon=":material/inventory_2:", color="violet", help="It came with CXR Lab, and stays as it is.")


def state_badge(state: str) -> None:
    icon, colour = STATE_BADGES[state]
    st.badge(state, icon=icon, color=colour)


def choose(label: str, options: Sequence[str], parameter: str, format_func: Callable[[str], str] = str) -> str:
    """A select box whose choice stands in the URL as `?parameter=`, so that a link brings others to the same view."""
    wanted = st.query_params.get(parameter)
    if wanted is not None and wanted not in options:
        asked = markdown_text(wanted)  # whoever makes a link must not write on the page
        st.warning(f"The link asks for “{asked}”, which is not here. Choose another {label.lower()}.", icon=":material/link_off:")
    choice = st.selectbox(label, options, index=options.index(wanted) if wanted in options else 0, format_func=format_func)
    st.query_params[parameter] = choice
    return choice


def tabs(label: str, options: Sequence[str], parameter: str, format_func: Callable[[str], str]) -> str:
    """Like `choose`, all options in view."""
    wanted = st.query_params.get(parameter)
    start = wanted if wanted in options else options[0]
    choice = st.segmented_control(label, options, default=start, required=True, format_func=format_func, label_visibility="collapsed")
    st.query_params[parameter] = choice or start
    return choice or start


def run_label(row: index.Row) -> str:
    """How a run is called in a list: model, data, when, how it ended, and the end of its id: Streamlit takes equal labels for one."""
    when = wording.moment(row.created)
    result = f"{wording.percent(row.accuracy)} of {row.test_images}" if row.accuracy is not None else row.state
    if row.recorded:
        return f"{row.model} · {row.data} · recorded, {result} · {row.run_id}"
    return f"{row.model} · {row.data} · {when} · {result} · {row.run_id.rpartition('-')[2]}"


def runs_table(rows: Sequence[index.Row]) -> None:
    """Runs with their accuracy and its interval; the first column opens the run."""
    content = [
        {
            "run": f"/runs?run={row.run_id}",
            "model": row.model,
            "data": row.data,
            "state": "recorded" if row.recorded else row.state,
            "epochs": f"{row.epoch} of {row.epochs}",
            "test accuracy": row.accuracy_text,
            "n": row.test_images,
            "started": wording.moment(row.created),
        }
        for row in rows
    ]
    link = st.column_config.LinkColumn("run", display_text="open")
    st.dataframe(content, hide_index=True, column_config={"run": link}, placeholder="", alt="Runs with their state and test accuracy")


@contextmanager
def errors_here(stop: bool = True) -> Iterator[None]:
    """Show a mistake where it was made, and end the page there unless told not to."""
    try:
        yield
    except CoreError as error:
        problems(error)
        if stop:
            st.stop()


def problems(error: CoreError) -> None:
    """Every problem of an error, a line each."""
    for problem in error.problems:
        received, way_out = markdown_text(problem.received), markdown_text(problem.way_out)
        st.error(f"{problem.rule} Received: {received}. **{way_out}**", icon=":material/error:")
