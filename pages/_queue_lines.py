"""Jobs of the queue, a line each: one that trains with its bar, one that waits with its place and what can be asked of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

import streamlit as st

from core import wording
from core.jobs import overview, requests
from core.jobs.overview import Line
from core.report.tables import markdown_text
from core.runs import store
from pages import _acts, parts

SHOWN = 20  # waiting jobs on a page of theirs
KEPT = "Its best weights so far are kept and tested, and it can go on later from its newest checkpoint."


def active(line: Line, marked: bool) -> None:
    """A job that trains, or is about to. `marked`: the link asks for it."""
    run = store.find(line.run_id)
    settled = bool(line.asked) or line.state not in ("starting", "running")
    with st.container(border=True, key=f"active {line.run_id}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            parts.state_badge(line.state)
            title(line.run_id, markdown_text(line.title), "", marked)
        st.progress(line.share_done, text=markdown_text(line.progress))
        with st.container(horizontal=True, vertical_alignment="center"):
            with st.container(width="stretch"):
                st.caption(markdown_text(_times(line)))
            _acts.button(
                "Pause", f"pause {line.run_id}", partial(requests.pause, run), icon=":material/pause:", disabled=settled,
                help="It can go on exactly where it was; others train meanwhile.",
            )  # fmt: skip
            _acts.confirmed("Stop", f"stop {line.run_id}", ":material/stop:", KEPT, "Stop it", partial(requests.cancel, run), settled)
        if line.silent is not None:
            st.warning(f"No sign of life from its trainer for {wording.duration(line.silent)}.", icon=":material/hourglass_disabled:")


def waiting(lines: Sequence[Line], key: str, marked: str) -> None:
    """Those that wait, in their order, a page at a time; `marked`: the run that the link asks for."""
    numbers = [line.run_id for line in lines]
    first = numbers.index(marked) // SHOWN + 1 if marked in numbers else 1
    pages = -(-len(lines) // SHOWN)
    page = st.pagination(pages, default=first, key=f"page {key}") if pages > 1 else 1
    for line in lines[(page - 1) * SHOWN : page * SHOWN]:
        _waiting(line, line.run_id == marked)


def _waiting(line: Line, marked: bool) -> None:
    run = store.find(line.run_id)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key=f"waiting {line.run_id}"):
        title(line.run_id, f"{line.place}\\. {markdown_text(line.title)}", markdown_text(_wait(line)), marked)
        _move(line, "earlier", ":material/arrow_upward:", "Start earlier, by one place")
        _move(line, "later", ":material/arrow_downward:", "Start later, by one place")
        with _acts.menu(f"menu {line.run_id}"):
            with st.container(horizontal=True):
                _move(line, "first", ":material/vertical_align_top:", "Before all others of its priority", "First")
                _move(line, "last", ":material/vertical_align_bottom:", "Behind all others of its priority", "Last")
            priority_box(line.run_id, line.priority, partial(requests.move, run, None))
            with st.container(horizontal=True):
                _acts.button("Pause", f"pause {line.run_id}", partial(requests.pause, run), icon=":material/pause:")
                _acts.button("Cancel", f"cancel {line.run_id}", partial(requests.cancel, run), icon=":material/close:")


def priority_box(name: str, now: int, change: Callable[[int], object]) -> None:
    """A number that changes what starts when. Where another page has changed it meanwhile, the box is another one."""
    key = f"priority {name} {now}"

    def changed() -> None:
        _acts.do(lambda: change(st.session_state[key]))

    st.number_input("Priority", -100, 100, now, key=key, help="Jobs of a higher priority start first.", width=200, on_change=changed)


def _move(line: Line, to: Literal["first", "last", "earlier", "later"], icon: str, help_: str, label: str = "") -> None:
    look = "secondary" if label else "tertiary"
    _acts.button(label, f"{to} {line.run_id}", partial(requests.move, store.find(line.run_id), to), icon=icon, help=help_, type=look)


def title(run_id: str, text: str, about: str = "", marked: bool = False) -> None:
    """What a line is of, as Markdown that wraps where the page is narrow, and the link to its run."""
    with st.container(width="stretch", gap=None):
        st.markdown(f":primary-background[{text}]" if marked else text)
        if about:
            st.caption(about)
    st.page_link("pages/runs.py", label="Open", icon=":material/monitoring:", query_params={"run": run_id})


def _wait(line: Line) -> str:
    told = [line.left_text, f"priority {line.priority}" if line.priority else "", f"has waited {wording.duration(line.queued_seconds)}"]
    told += [line.progress] if line.progress != overview.TURN else []
    return " · ".join(filter(None, told))


def _times(line: Line) -> str:
    told = [f"on {line.device}" if line.device else "", line.experiment_name, f"asked {line.asked}" if line.asked else ""]
    told += [f"waited {wording.duration(line.queued_seconds)}", f"has trained {wording.duration(line.run_seconds)}"]
    return " · ".join(filter(None, told))
