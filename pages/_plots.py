"""A plot on a page, with the words that say it to those who do not see it."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, TypeVar

import streamlit as st

from core import figures

if TYPE_CHECKING:
    import plotly.graph_objects as go

Drawn = TypeVar("Drawn")


@st.cache_resource(max_entries=256, show_spinner=False)
def shared(key: tuple[Hashable, ...], _draw: Callable[[], Drawn]) -> Drawn:  # noqa: ARG001
    """What `_draw` gives, made once for all who look, and changed by nobody. `key`: its name, and all that what it shows rests on."""
    return _draw()


def show(figure: go.Figure, key: str, **options: Any) -> Any:
    """What `st.plotly_chart` gives back. `options`: of it."""
    return st.plotly_chart(figure, key=key, alt=figures.alt_text(figure), **options)
