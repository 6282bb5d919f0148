"""All terms with their figures, an area at a time; the link names the term."""

from __future__ import annotations

import streamlit as st

from core.teaching import glossary
from pages import _teaching, parts


def show() -> None:
    st.caption("With *Teaching mode* in the sidebar these explanations stand on the pages, beside the places where the terms do.")
    linked = st.query_params.get("term", "")
    for area, terms in glossary.AREAS.items():
        if "area" not in st.query_params and linked in {term.name for term in terms}:
            st.query_params["area"] = area
    area = parts.tabs("Area", list(glossary.AREAS), "area", str)
    left, right = st.columns([2, 3], gap="large")
    with left:
        name = _term([term.name for term in glossary.AREAS[area]], linked)
    with right.container(border=True):
        _teaching.entry(name, "glossary")


def _term(names: list[str], linked: str) -> str:
    """As pills, which go on in the next line where a row of tabs would leave a narrow page."""
    start = linked if linked in names else names[0]
    name = st.pills("Term", names, default=start, required=True, wrap=True, format_func=lambda name: glossary.get(name).title)
    st.query_params["term"] = name or start
    return name or start
