"""Who started a run, and who sees it; shown where people sign in."""

from __future__ import annotations

import streamlit as st

from core import access, owners
from core.runs.store import Run
from pages import parts


def show(run: Run) -> None:
    """The owner, and for the owner a switch between shared and private."""
    owner = run.owner()
    if not owner.name:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.text(f"Started by {owner.name}", width="content")
        if not owner.changed_by(access.person()):
            return
        before = owner.visibility == "private"
        private = st.toggle("Private", before, key=f"private {run.id}", help="Only its owner and administrators see a private run.")
        if private != before:
            with parts.errors_here():
                owners.show_to(run.folder, "private" if private else "shared")
            st.rerun()
