"""A run's life in a narrow column: waited, trained, each pause, and how it ended."""

from __future__ import annotations

import streamlit as st

from core import wording
from core.runs.spells import spells
from core.runs.status import Status
from pages import parts


def show(status: Status) -> None:
    """One line a spell, with the time at which it began."""
    lines = []
    for spell in spells(status):
        icon, colour = parts.STATE_BADGES[spell.state]
        lines.append(f":{colour}[{icon}] {spell.text}  \n:small[:gray[{wording.moment(spell.at)}]]")
    st.markdown("\n\n".join(lines))
