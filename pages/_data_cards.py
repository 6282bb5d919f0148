"""A card for every data set: what it is, where it comes from, what its audit found, and the way to both reports."""

from __future__ import annotations

import streamlit as st

from core import wording
from core.data import library
from core.data.sources import cards

COLUMNS = 3
LIGHTS = {
    "green": ("audit: fine", ":material/check_circle:", "green"),
    "amber": ("audit: take care", ":material/warning:", "orange"),
    "red": ("audit: serious", ":material/error:", "red"),
    "not audited": ("not audited", ":material/help:", "gray"),
}


def show() -> None:
    """All cards, in rows of three."""
    columns = st.columns(COLUMNS)
    for number, card in enumerate(cards.cards()):
        with columns[number % COLUMNS], st.container(border=True):
            _card(card)


def _card(card: cards.Card) -> None:
    # Names of classes and folders are shown as text: markup in them stays what it is.
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{card.title}**", width="content")
        text, icon, colour = LIGHTS[_light(card.name, card.imported, cards.audits_changed())]
        st.badge(text, icon=icon, color=colour)
    st.caption(f"{wording.count(card.images, 'image')} · patients: {card.patients}")
    st.text(card.classes)
    st.text(f"From: {card.source}\nLicence: {card.licence}")
    if card.name == library.PHANTOM and not card.imported:
        st.page_link("pages/data_sets.py", label="Draw it", icon=":material/draw:", query_params={"data": card.name})
        return
    with st.container(horizontal=True):
        st.page_link("pages/data_sets.py", label="Report", icon=":material/description:", query_params={"data": card.name})
        st.page_link("pages/explore.py", label="Explore & audit", icon=":material/search_insights:", query_params={"data": card.name})


@st.cache_data(max_entries=256, show_spinner=False)
def _light(name: str, imported: float, audits: int) -> cards.Light:  # noqa: ARG001  what the light depends on
    return cards.light(name)
