"""The guided tours to choose from."""

from __future__ import annotations

import streamlit as st

from core import wording
from core.teaching.tours import Tour
from core.teaching.walks import TOURS
from pages import _tour

COLUMNS = 3


def show() -> None:
    st.write("A tour walks through the real pages. Its bar stays on top of every page until you end it; you may leave its path and return.")
    for first in range(0, len(TOURS), COLUMNS):  # row by row, so that a narrow page has them in their order
        for place, tour in zip(st.columns(COLUMNS), TOURS[first : first + COLUMNS], strict=False):
            with place.container(border=True, height="stretch"):
                _card(tour, primary=tour is TOURS[0])
    st.caption("A tour can be linked to: add `?tour=` and its name to the address of any page, as the address of a running tour shows.")


def _card(tour: Tour, primary: bool) -> None:
    st.markdown(f"## {tour.title}")
    st.write(tour.about)
    st.caption(f"{wording.count(len(tour.steps), 'step')} · about {tour.minutes} min")
    if st.button("Start", type="primary" if primary else "secondary", icon=":material/tour:", key=f"start {tour.name}"):
        _tour.go(tour, 1, "guide")
