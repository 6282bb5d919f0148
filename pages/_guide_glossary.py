"""All terms with their figures, a term at a time: the link may name one."""

from __future__ import annotations

import streamlit as st

from core.teaching import glossary
from pages import _teaching, parts


def show() -> None:
    st.caption("With *Teaching mode* in the sidebar these explanations stand on the pages, beside the places where the terms do.")
    areas = {term.name: area for area, terms in glossary.AREAS.items() for term in terms}
    left, right = st.columns([2, 3], gap="large")
    with left:
        name = parts.choose("Term", glossary.names(), "term", lambda name: f"{glossary.get(name).title} · {areas[name].lower()}")
        st.markdown("\n\n".join(f"**{area}:** {', '.join(term.title for term in terms)}" for area, terms in glossary.AREAS.items()))
    with right.container(border=True):
        _teaching.entry(name, "glossary")
