"""Which addresses are ours, what of them is remembered at the door, and that no page reads a parameter that is not known there."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.web.server.starlette.starlette_app_utils import generate_xsrf_token_string

from pages import _links

SOURCES = Path(__file__).resolve().parents[2] / "pages"
PLACES = {"choose": 2, "tabs": 2, "one": 2, "some": 2, "number": 4, "text": 1, "switch": 1, "among": 2, "kept": 0, "_member": 1}
"""Of the parameter's name among the arguments of what reads it."""


def parameters_of(tree: ast.AST) -> Iterator[str]:
    """Names of the parameters that a page reads or writes, where they stand in it word for word."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and (place := PLACES.get(node.func.id)) is not None:
            yield from strings(node.args[place : place + 1])
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner, place = ast.unparse(node.func.value), PLACES.get(node.func.attr)
            if owner in ("parts", "_linked", "_teaching") and place is not None:
                yield from strings(node.args[place : place + 1])
            elif owner == "st.query_params" and node.func.attr in ("get", "pop"):
                yield from strings(node.args[:1])
            elif owner == "st.query_params" and isinstance(node.args[0] if node.args else None, ast.Dict):
                yield from strings(node.args[0].keys)
            for keyword in node.keywords:
                if keyword.arg == "query_params" and isinstance(keyword.value, ast.Dict):
                    yield from strings(keyword.value.keys)
        elif isinstance(node, ast.Subscript) and ast.unparse(node.value) == "st.query_params":
            yield from strings([node.slice])


def strings(nodes: list[ast.expr | None]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_every_page_and_every_parameter_that_a_page_reads_survives_the_door():
    names = {path.stem for path in SOURCES.glob("[!_]*.py")} - {"parts"}
    assert set(_links.PAGES) == names
    read = {name for path in SOURCES.glob("*.py") for name in parameters_of(ast.parse(path.read_text(encoding="utf-8")))}
    assert read == set(_links.PARAMETERS)


def test_a_view_of_ours_is_kept_with_its_parameters():
    assert _links.own("runs", {"run": "a-1", "view": "matrix"}) == ("runs", {"run": "a-1", "view": "matrix"})
    assert _links.own("", {"teach": "1"}) == ("home", {"teach": "1"})


@pytest.mark.parametrize("page", ["oauth2callback", "//elsewhere.example", "https://elsewhere.example/runs", "../runs", "parts", "_links"])
def test_no_other_address_is_followed(page):
    assert _links.own(page, {"run": "a-1"}) == ("home", {})


def test_parameters_that_no_page_reads_are_left_behind():
    wanted = {"run": "a-1", "next": "https://elsewhere.example", "embed": "true", "provider": "x"}
    assert _links.own("runs", wanted) == ("runs", {"run": "a-1"})
    assert _links.own("runs", {"run": "a" * (_links.LONGEST + 1)}) == ("home", {})


def test_a_browser_is_known_by_its_token_however_it_is_masked():
    token = bytes(range(16))
    cookies = {generate_xsrf_token_string(token) for _ in range(3)}
    assert len(cookies) == 3
    assert {_links.browser_of(cookie) for cookie in cookies} == {token.hex()}


@pytest.mark.parametrize("cookie", ["", "2|", "2|zz|zz|1", "1|2|3", "2||ab|1"])
def test_a_cookie_without_a_token_is_nobody_s(cookie):
    assert _links.browser_of(cookie) == ""
