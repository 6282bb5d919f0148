"""Buttons that take a table or a figure away; what they give is made when they are pressed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from core.report import pictures, tables

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def of_table(table: tables.Table, name: str, numbers: Callable[[], tables.Table] | None = None) -> None:
    """Buttons that take a table away; `numbers`, where given, makes what goes into the CSV."""
    with st.container(horizontal=True):
        st.download_button("CSV", lambda: tables.csv(numbers() if numbers else table), f"{name}.csv", "text/csv", icon=":material/table:")
        st.download_button("Markdown", lambda: tables.markdown(table), f"{name}.md", "text/markdown", icon=":material/markdown:")
        st.download_button("LaTeX", lambda: tables.latex(table), f"{name}.tex", "text/x-tex", icon=":material/functions:")


def of_figure(figure: Figure, name: str) -> None:
    """A menu that takes a figure away as a picture."""
    with st.popover("Figure as a file", icon=":material/download:", key=f"take {name}"):
        st.download_button("PNG", lambda: pictures.png(figure), f"{name}.png", "image/png", icon=":material/image:")
        st.download_button("SVG", lambda: pictures.svg(figure), f"{name}.svg", "image/svg+xml", icon=":material/draw:")
