"""The door: settings that are in order, and people who have signed in where that is asked of them."""

from __future__ import annotations

import os
from collections.abc import Callable

import streamlit as st

from core import access, settings
from core.errors import CoreError, UsageError
from core.report.tables import markdown_text
from pages import _links, parts


def door() -> Callable[[str], None] | None:
    """What stands in the place of every page for whoever may not come in, called with that page's address; else None. From here on
    `core.access` knows who acts.
    """
    if settings.FILES not in os.environ:
        settings.follow(st.get_option("secrets.files"))
    access.ask(_who)
    try:
        _refuse_two_truths()
        inside = access.may("browse")
    except CoreError:
        return _wrong_settings
    return None if inside else _sign_in


def lead_back(page: str) -> None:
    """Where people sign in: to the view that was asked for at the door. `page`: where the person is, as in the address."""
    if settings.current().login:
        _links.lead_back(page)


def account() -> None:
    """In the sidebar: who is signed in, and the way out. Nothing where nobody signs in."""
    if not settings.current().login:
        return
    who = access.person()
    with st.sidebar, st.container(horizontal=True, vertical_alignment="center"):
        st.text(f"{who.name} · {who.role}", width="stretch")
        st.button("Sign out", icon=":material/logout:", type="tertiary", on_click=st.logout)


def _who() -> access.Person:
    return access.signed_in(st.user.to_dict())


def _refuse_two_truths() -> None:
    """Streamlit signs people in, the engine asks for their roles: both must read the same file."""
    if settings.current().login != ("is_logged_in" in st.user):
        received = f"{', '.join(map(str, settings.files()))}, from which one takes a login and the other none"
        way_out = f"Start the app with --secrets.files and the file that {settings.FILES} names, or without either."
        raise UsageError("The app and its engine read the same settings.", received, way_out)


def _wrong_settings(page: str) -> None:  # noqa: ARG001  no page opens
    st.title("CXR Lab")
    st.write("The app does not start before its settings are in order. `python -m core doctor` says the same on the command line.")
    with parts.errors_here():
        settings.current()
        _refuse_two_truths()


def _sign_in(page: str) -> None:
    st.title("CXR Lab")
    if st.user.is_logged_in:
        st.warning(f"{markdown_text(_called())} is signed in and has no access here. Ask an administrator.", icon=":material/block:")
        st.button("Sign out", icon=":material/logout:", on_click=st.logout)
        return
    _links.remember(page)
    st.write("Sign in to look at runs and data sets, and to ask networks about images.")
    for provider in settings.current().providers:
        name = f"Sign in with {provider}" if provider else "Sign in"
        st.button(name, type="primary", icon=":material/login:", on_click=st.login, args=[provider] if provider else [])


def _called() -> str:
    claims = st.user.to_dict()
    email = str(claims.get("email") or "Whoever this is")
    verified = claims.get("email_verified") is True or settings.current().trust_email
    return email if verified else f"{email}, an address that the provider has not verified,"
