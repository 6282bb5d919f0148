"""Runs that are paused, those that failed, and those that ended of late: how, why, and the button with the likely way out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from core import wording
from core.jobs import ended, requests
from core.jobs.ended import Ended
from core.report.tables import markdown_text
from core.runs import index, store
from pages import _acts, _queue_lines, parts

MOST = 10  # in each section
SECTIONS = {"Paused": ("paused",), "Failed": ("failed", "interrupted"), "Ended of late": ("done", "cancelled")}
"""What a person may want to do something about comes first."""


def show(rows: Sequence[index.Row]) -> None:
    """`rows`: of all runs that may be seen."""
    for heading, states in SECTIONS.items():
        found, number = ended.of_late(rows, states, MOST)
        if not found:
            continue
        st.header(heading)
        for each in found:
            _line(each)
        if number > MOST:
            st.page_link("pages/runs.py", label=f"and {number - MOST:,} more", icon=":material/more_horiz:")


def _line(each: Ended) -> None:
    run = store.find(each.run_id)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"ended {each.run_id}"):
        parts.state_badge(each.state)
        _queue_lines.title(each.run_id, markdown_text(each.title), markdown_text(_facts(each)))
        if each.state in ("paused", "interrupted"):
            _acts.button("Go on", f"go on {each.run_id}", partial(requests.go_on, run), icon=":material/resume:")
    if each.state == "failed":
        st.error(markdown_text(each.message), icon=":material/error:")
        if each.way_out:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.caption(each.way_out.sentence, width="content")
                _acts.button(
                    each.way_out.label, f"way out {each.run_id}", partial(requests.take, each.way_out, run), icon=":material/healing:"
                )


def _facts(each: Ended) -> str:
    trained = f"trained {wording.duration(each.run_seconds)}" if each.run_seconds else "not trained"
    times = [f"waited {wording.duration(each.queued_seconds)}", trained]
    return " · ".join(filter(None, [each.accuracy_text, *times, wording.moment(each.at)]))
