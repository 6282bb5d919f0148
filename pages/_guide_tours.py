"""The guided tours to choose from."""

from __future__ import annotations

import streamlit as st

from core import wording
from core.teaching.walks import TOURS
from pages import _tour

COLUMNS = 3


def show() -> None:
    st.write("A tour walks through the real pages. Its bar stays on top of every page until you end it; you may leave its path and return.")
    columns = st.columns(COLUMNS)
    for number, tour in enumerate(TOURS):
        with columns[number % COLUMNS].container(border=True):
            st.markdown(f"##### {tour.title}")
            st.write(tour.about)
            st.caption(f"{wording.count(len(tour.steps), 'step')} · about {tour.minutes} min")
            if st.button("Start", type="secondary" if number else "primary", icon=":material/tour:", key=f"start {tour.name}"):
                _tour.go(tour, 1, "guide")
    st.caption("A tour can be linked to: add `?tour=` and its name to the address of any page, as the address of a running tour shows.")
