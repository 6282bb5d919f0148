"""Teaching mode: the switch in the sidebar, and windows with a term's explanation beside the places where the term stands."""

from __future__ import annotations

import streamlit as st

from core.teaching import glossary
from pages import _plots


def kept(parameter: str) -> str:
    """A value that stands in the link and outlives a change of page, which empties the link; "" where there is none."""
    value = st.query_params.get(parameter, st.session_state.get(f"kept {parameter}", ""))
    keep(parameter, value)
    return value


def keep(parameter: str, value: str) -> None:
    """Write such a value; "" forgets it."""
    st.session_state[f"kept {parameter}"] = value
    if value:
        st.query_params[parameter] = value
    else:
        st.query_params.pop(parameter, None)


def switch() -> None:
    """The sidebar's switch; a link with `?teach=1` comes with it on."""
    st.session_state["teaching"] = kept("teach") == "1"
    st.sidebar.toggle(
        "Teaching mode", key="teaching", on_change=_switched, help="Puts explanations of the terms beside the places where they stand."
    )


def explain(*names: str) -> None:
    """Offer the explanations of these terms here, in teaching mode; nothing otherwise. A term is explained once a page."""
    if st.session_state.get("kept teach"):
        windows(names)


def windows(names: tuple[str, ...], place: str = "") -> None:
    """A small window a term. `place` tells windows of one term on one page apart."""
    if names:
        st.fragment(_windows)(names, place)


def _windows(names: tuple[str, ...], place: str) -> None:
    """Each is drawn when it is opened: a page with twenty terms would send twenty figures otherwise."""
    with st.container(horizontal=True, gap="small"):
        for name in names:
            key, title = f"explain {place}{name}", glossary.get(name).title
            with st.popover(title, type="tertiary", icon=":material/help:", key=key, on_change="rerun") as window:
                if window.open:
                    entry(name, key)


def entry(name: str, key: str) -> None:
    """A term's words and its figure."""
    term = glossary.get(name)
    st.markdown(f"**{term.title}.** {term.text}")
    _plots.show(term.draw(), f"{key} figure", config={"displayModeBar": False})
    st.caption(term.caption)


def _switched() -> None:
    keep("teach", "1" if st.session_state["teaching"] else "")
