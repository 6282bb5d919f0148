"""What several pages show: the sidebar's status line, choices that live in the URL, errors where they were made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import streamlit as st

from core import warmup, wording
from core.errors import CoreError
from core.jobs import overview, requests
from core.recipes.entry import Entry
from core.runs import index, store
from core.runs.status import LIVE

MEDICAL_NOTE = f":material/medical_information: {wording.MEDICAL_NOTE}"

STATE_BADGES = {
    "queued": (":material/schedule:", "gray"),
    "running": (":material/sync:", "blue"),
    "paused": (":material/pause_circle:", "violet"),
    "done": (":material/check_circle:", "green"),
    "cancelled": (":material/cancel:", "orange"),
    "failed": (":material/error:", "red"),
    "interrupted": (":material/warning:", "orange"),
    "damaged": (":material/broken_image:", "red"),
}


def navigation() -> st.Page:
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
        }
    )


@st.cache_resource
def warm_up() -> None:
    """Once a server, after its first page is drawn: loading beside it would slow it down."""
    warmup.start(warmup.APP, warmup.DELAY)


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
        _running()


@st.fragment(run_every=3)
def _running() -> None:
    live = [row for row in index.rows() if row.state in LIVE]
    if not live:
        st.caption(":material/bedtime: Nothing is training.")
    for row in live[:3]:
        status = store.find(row.run_id).status()
        st.progress(status.share_done, text=f"{row.model} on {row.data}: {overview.progress_text(status)}")
        st.page_link("pages/runs.py", label="Open the run", icon=":material/monitoring:", query_params={"run": row.run_id})
    if len(live) > 3:
        st.caption(f"and {len(live) - 3} more")


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
        st.warning(f"The link asks for “{wanted}”, which is not here. Choose another {label.lower()}.", icon=":material/link_off:")
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
    st.dataframe(content, hide_index=True, column_config={"run": link})


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
        st.error(f"{problem.rule} Received: {problem.received}. **{problem.way_out}**", icon=":material/error:")
