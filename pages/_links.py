"""Which addresses are views of this app, and the way back to the one that somebody asked for before signing in.

A provider of identity leads back to the first page, and nothing is left of the path and its parameters. The door therefore remembers, for
each browser and for minutes, the view that was asked for; whoever comes in with that browser is led to it. What is remembered never leaves
the server and is no address: a page among ours, and those of its parameters that pages read.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle

import streamlit as st

PAGES = (
    *("home", "data_sets", "explore", "shortcut_lab", "train", "queue", "runs"),
    *("compare", "cross_data", "papers", "benchmark", "predict", "heat_maps", "guide"),
)
PARAMETERS = frozenset(
    (
        *("area", "beside", "by", "cell", "cells", "class", "columns", "cost", "curve", "data", "draw", "epochs", "errors", "experiment"),
        *("findings", "from", "image", "images", "job", "kind", "layer", "log", "maps", "marker", "methods", "mode", "model", "models"),
        *("open", "other", "page", "paper", "part", "patient", "planted", "point", "prevalence", "random", "recipe", "row", "run", "runs"),
        *("seeds", "several", "smoothing", "sort", "source", "split", "step", "teach", "term", "tested", "threshold", "timm", "tour"),
        *("view", "weights"),
    )
)
LONGEST = 4000  # characters of all parameters
MINUTES, BROWSERS = 15, 1000  # how long a view is remembered, and of how many browsers

_COOKIE = "_streamlit_xsrf"  # the one cookie that every browser has before anybody signs in


def own(page: str, parameters: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """The view, as a page and parameters. `page`: as in the address; what is none of ours is the first page, without parameters."""
    name, known = page or "home", {key: value for key, value in parameters.items() if key in PARAMETERS}
    if name not in PAGES or sum(map(len, known.values())) > LONGEST:
        return "home", {}
    return name, known


def remember(page: str) -> None:
    """At the door: what this browser asks for now, instead of what it asked for before."""
    browser = browser_of(st.context.cookies.get(_COOKIE, ""))
    if browser:
        _asked(browser)["view"] = own(page, st.query_params.to_dict())


def lead_back(page: str) -> None:
    """Where somebody has just come in at the first page: to the view that was asked for, once."""
    browser = "" if page or st.query_params else browser_of(st.context.cookies.get(_COOKIE, ""))
    wanted, parameters = _asked(browser).pop("view", ("home", {})) if browser else ("home", {})
    if wanted != "home" or parameters:
        st.switch_page(f"pages/{wanted}.py", query_params=parameters)


def browser_of(cookie: str) -> str:
    """The token in a browser's cookie against forged requests; "" where there is none.

    The cookie is written anew with every answer, as `2|mask|token|time` in hexadecimal digits: the token stays, and is masked anew.
    """
    try:
        _, mask, masked, _ = cookie.strip('"').split("|")
        return bytes(byte ^ cover for byte, cover in zip(bytes.fromhex(masked), cycle(bytes.fromhex(mask)), strict=False)).hex()
    except ValueError:
        return ""


@st.cache_resource(ttl=60 * MINUTES, max_entries=BROWSERS, show_spinner=False)
def _asked(browser: str) -> dict[str, tuple[str, dict[str, str]]]:  # noqa: ARG001  one for each browser
    return {}
