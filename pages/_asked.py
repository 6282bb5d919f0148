"""A form over the fields of a recipe: each gets the widget that its spec calls for, and what was chosen is gathered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from core.recipes import choices
from core.recipes.recipe import Recipe


@dataclass
class Form:
    """`key` names the start: another start, other defaults. `changes`: dotted fields with the values chosen so far."""

    start: Recipe
    key: str
    changes: dict[str, Any] = field(default_factory=dict)

    def ask(self, name: str, label: str, titles: dict[str, str] | None = None, step: float = 0.01, **more: Any) -> Any:
        """A widget for the field, whose value is kept and given back. `titles`: of its options; `step`: of a fraction."""
        value, choice = dict(self.start.leaves())[name], choices.of(name)
        more |= {"key": f"{name} {self.key}"}
        if choice.options:
            named = (titles or {}).get
            found = st.selectbox(label, choice.options, choice.options.index(value), lambda option: named(option, option), **more)
        elif choice.kind is bool:
            found = st.toggle(label, value, **more)
        elif choice.kind is float:
            found = st.number_input(label, choice.low, choice.high, value, format="%.4g", step=step, **more)
        else:
            found = st.number_input(label, choice.low, choice.high, value, **more)
        self.changes[name] = found
        return found
