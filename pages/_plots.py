"""A plot on a page, with the words that say it to those who do not see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from core import figures

if TYPE_CHECKING:
    import plotly.graph_objects as go


def show(figure: go.Figure, key: str, **options: Any) -> Any:
    """What `st.plotly_chart` gives back. `options`: of it."""
    return st.plotly_chart(figure, key=key, alt=figures.alt_text(figure), **options)
