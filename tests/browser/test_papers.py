"""The paper board in a real browser."""

import pytest
from playwright.sync_api import Page, expect

from core.recipes import catalogue, published


@pytest.mark.parametrize("paper", catalogue.papers(), ids=lambda paper: paper.key)
def test_the_board_shows_every_published_row_of_every_paper(paper, page: Page, server):
    page.goto(f"{server.url}/papers?paper={paper.key}")
    expect(page.get_by_role("heading", name=paper.title)).to_be_visible()
    expect(page.get_by_text("To beware of")).to_be_visible()
    table = page.get_by_test_id("stTable")
    for row in published.rows(paper.key):
        line = table.get_by_role("row").filter(has=page.get_by_role("cell", name=row.row, exact=True)).first
        expect(line).to_be_visible()
        expect(line).to_contain_text(row.figures[0].printed)
