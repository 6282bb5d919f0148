"""Deleted runs, and the way back."""

from __future__ import annotations

from functools import partial

import streamlit as st

from core import wording
from core.runs import trash
from pages import _acts

SHOWN = 20


def show() -> None:
    """Made only while it is open: its size is that of all its files."""
    with st.expander("Trash", icon=":material/delete:", key="trash", on_change="rerun") as opened:
        if not opened.open:
            return
        deleted = trash.runs()
        if not deleted:
            st.write("Empty.")
            return
        days = wording.count(trash.RETENTION_DAYS, "day")
        st.caption(f"{wording.count(len(deleted), 'run')}, {trash.size_text()}; each is removed for good {days} after it was deleted.")
        for each in deleted[:SHOWN]:
            with st.container(horizontal=True, vertical_alignment="center", key=f"trash {each.run_id}"):
                st.markdown(each.run_id, width="stretch")
                st.caption(f"{each.days_left:.0f} days left", width="content")
                _acts.button("Restore", f"restore {each.run_id}", partial(trash.restore, each.run_id), icon=":material/restore_from_trash:")
        if len(deleted) > SHOWN:
            st.caption(f"and {len(deleted) - SHOWN:,} that were deleted earlier")
