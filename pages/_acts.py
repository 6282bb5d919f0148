"""Buttons that ask something of a run or of the queue, before the page is drawn anew; what is lost only after a second button."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.errors import CoreError

Act = Callable[[], object]


def button(label: str, key: str, act: Act, **look: object) -> None:
    """Several pages may be open at once: where another one was quicker, this one says so and shows how things stand."""
    st.button(label, key=key, on_click=do, args=(act,), **look)


def confirmed(label: str, key: str, icon: str, warning: str, yes: str, act: Act, disabled: bool = False) -> None:
    """A button that tells what it does, with the one that does it."""
    with st.popover(label, icon=icon, key=key, disabled=disabled, on_change="rerun"):
        st.write(warning)
        st.button(yes, key=f"{key} for sure", icon=icon, on_click=_do_and_close, args=(act, key))


def menu(key: str, label: str = "", icon: str = ":material/more_vert:") -> st.delta_generator.DeltaGenerator:
    """What is asked for more seldom."""
    return st.popover(label, icon=icon, key=key, type="tertiary")


def do(act: Act) -> None:
    """For callbacks: what cannot be done is said in passing."""
    try:
        act()
    except CoreError as error:
        st.toast("\n\n".join(f"{problem.rule} {problem.way_out}" for problem in error.problems), icon=":material/error:", duration="long")


def _do_and_close(act: Act, key: str) -> None:
    do(act)
    st.session_state[key] = False  # last: a rerun that waits ends a callback here
