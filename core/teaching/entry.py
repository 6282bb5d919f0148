"""What an entry of the glossary is: frozen data. The words stand here, the figure is drawn when somebody looks at it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True)
class Term:
    """One term. Its figure comes from a formula or a seeded simulation, never from a run: it explains, and measures nothing."""

    name: str  # as pages and tours ask for it
    title: str  # as a person reads it
    text: str  # two or three plain sentences
    draw: Callable[[], go.Figure]
    caption: str  # what the figure shows, and where its numbers come from
