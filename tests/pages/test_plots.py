"""No plot stands on a page without its words, no picture and no table without what it shows."""

import ast
from pathlib import Path

import pytest

PAGES = sorted((Path(__file__).resolve().parents[2] / "pages").glob("*.py"))


def calls(page: Path, method: str) -> list[ast.Call]:
    found = (node for node in ast.walk(ast.parse(page.read_text(encoding="utf-8"))) if isinstance(node, ast.Call))
    return [call for call in found if isinstance(call.func, ast.Attribute) and call.func.attr == method]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_plots_are_shown_with_their_words(page: Path):
    assert page.name == "_plots.py" or not calls(page, "plotly_chart")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_picture_and_table_says_what_it_shows(page: Path):
    shown = calls(page, "image") + calls(page, "dataframe")
    assert all("alt" in {each.arg for each in call.keywords} for call in shown)
