"""Jobs that share an experiment's name: one line, its counts and what is asked of all of them; opened, those that wait."""

from __future__ import annotations

from functools import partial

import streamlit as st

from core.jobs import groups
from core.jobs.groups import Group
from core.jobs.overview import Overview
from core.report.tables import markdown_text
from pages import _acts, _queue_lines


def show(found: Overview, marked: str) -> list[str]:
    """Returns the names of those shown; `marked`: the run that the link asks for."""
    together = groups.groups(found)
    if together:
        st.header("Experiments")
    for group in together:
        with st.container(border=True, key=f"experiment {group.name}"):
            _line(group, marked)
    return [group.name for group in together]


def _line(group: Group, marked: str) -> None:
    st.progress(group.share_ended, text=f"**{markdown_text(group.name)}** · {group.sentence}")
    if not group.lines and not group.counts.get("paused"):
        return
    with st.container(horizontal=True):
        if group.lines:
            _acts.button("Pause all", f"pause all {group.name}", partial(groups.pause, group.name), icon=":material/pause:")
            _acts.confirmed(
                "Cancel all",
                f"cancel all {group.name}",
                ":material/close:",
                _loss(group),
                "Cancel them",
                partial(groups.cancel, group.name),
            )
        if group.counts.get("paused"):
            _acts.button("Go on", f"go on {group.name}", partial(groups.go_on, group.name), icon=":material/resume:")
        if group.waiting:
            with _acts.menu(f"priority menu {group.name}", "Priority", ":material/low_priority:"):
                _queue_lines.priority_box(group.name, group.waiting[0].priority, partial(groups.prioritise, group.name))
    if group.waiting:
        started = any(line.run_id == marked for line in group.waiting)
        with st.expander("Those that wait", expanded=started, key=f"opened {group.name}", on_change="rerun") as opened:
            if opened.open:
                _queue_lines.waiting(group.waiting, group.name, marked)


def _loss(group: Group) -> str:
    training = f" {len(group.active)} that train stop after their current step; their best weights so far are kept and tested."
    return f"{len(group.waiting)} that wait leave the queue.{training if group.active else ''} Those that are done stay as they are."
