"""Widgets whose value stands in the link, beside those of `parts.choose` and `parts.tabs`: one or several of a list, numbers, text, folds.

What a link asks for is shown, what a person changes is written into it, and what stands as usual needs no place there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import streamlit as st

Value = TypeVar("Value")
Number = TypeVar("Number", int, float)
Plain = Callable[[str], str]


def one(label: str, options: Sequence[str], parameter: str, usual: str, format_func: Plain = str, of: Any = None, **more: Any) -> str:
    """A select box. `of`: what the value speaks of; where that changes, the value is the usual one again."""
    key = _key(parameter, usual, lambda text: text if text in options else None, of)
    if st.session_state[key] not in options:
        st.session_state[key] = usual
    return _written(parameter, st.selectbox(label, options, key=key, format_func=format_func, **more), usual, str)


def some(
    label: str, options: Sequence[str], parameter: str, usual: Sequence[str] = (), format_func: Plain = str, of: Any = None, **more: Any
) -> list[str]:
    """Several of a list, with commas between them in the link; those that are not here are passed over."""

    def here(names: Sequence[str]) -> list[str]:
        return [name for name in names if name and (name in options or more.get("accept_new_options"))][: more.get("max_selections")]

    key = _key(parameter, list(usual), lambda text: here(text.split(",")) or (None if text else []), of)
    st.session_state[key] = here(st.session_state[key])
    return _written(parameter, st.multiselect(label, options, key=key, format_func=format_func, **more), list(usual), ",".join)


def number(
    label: str, low: Number, high: Number, usual: Number, parameter: str, of: Any = None, how: Callable = st.number_input, **more: Any
) -> Number:
    """A whole number or a fraction, as `usual` is; `how`: the widget."""

    def read(text: str) -> Number | None:
        try:
            found = type(usual)(text)
        except ValueError:
            return None
        return found if low <= found <= high else None

    key = _key(parameter, usual, read, of)
    st.session_state[key] = min(max(st.session_state[key], low), high)
    return _written(parameter, how(label, low, high, key=key, **more), usual, lambda value: f"{value:g}" if value % 1 else f"{value:.0f}")


def text(label: str, parameter: str, usual: str = "", of: Any = None, **more: Any) -> str:
    key = _key(parameter, usual, str, of)
    return _written(parameter, st.text_input(label, key=key, **more).strip(), usual, str)


def switch(label: str, parameter: str, of: Any = None, **more: Any) -> bool:
    """Off, where the link does not say `1`."""
    key = _key(parameter, False, lambda text: text == "1", of)
    return _written(parameter, st.toggle(label, key=key, **more), False, lambda value: "1" if value else "0")


def among(label: str, name: str, parameter: str, **more: Any) -> bool:
    """A switch that stands for `name` in the list that the link's `parameter` holds."""
    return _listed(name, parameter, st.toggle(label, key=_member(name, parameter), **more))


def fold(label: str, name: str, **more: Any) -> Any:
    """An expander; the link's `open` holds the names of those that are open. Its `open` says whether this one is."""
    found = st.expander(label, key=_member(name, "open"), on_change="rerun", **more)
    _listed(name, "open", found.open)
    return found


def _key(parameter: str, usual: Value, read: Callable[[str], Value | None], of: Any) -> str:
    """The key of a widget, which shows the link's value when it appears, and whenever another link is opened."""
    key, state, asked = f"linked {parameter}", st.session_state, st.query_params.get(parameter)
    another_link = state.get(f"{key} as") != asked
    if not another_link and state.get(f"{key} of", of) != of:
        state[key] = usual
    elif another_link or key not in state:
        found = None if asked is None else read(asked)
        state[key] = usual if found is None else found
    state[f"{key} of"] = of
    return key


def _written(parameter: str, value: Value, usual: Value, written: Callable[[Value], str]) -> Value:
    if value == usual:
        st.query_params.pop(parameter, None)
    else:
        st.query_params[parameter] = written(value)
    st.session_state[f"linked {parameter} as"] = st.query_params.get(parameter)
    return value


def _names(parameter: str) -> list[str]:
    return [name for name in st.query_params.get(parameter, "").split(",") if name]


def _member(name: str, parameter: str) -> str:
    key, state, asked = f"linked {parameter} {name}", st.session_state, name in _names(parameter)
    if key not in state or state.get(f"{key} as") != asked:
        state[key] = asked
    return key


def _listed(name: str, parameter: str, wanted: bool) -> bool:
    names = _names(parameter)
    if wanted != (name in names):
        names = [*names, name] if wanted else [other for other in names if other != name]
        if names:
            st.query_params[parameter] = ",".join(names)
        else:
            st.query_params.pop(parameter, None)
    st.session_state[f"linked {parameter} {name} as"] = wanted
    return wanted
