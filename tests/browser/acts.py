"""What a person does on a page of the app, in steps that wait as a person would."""

import re

from playwright.sync_api import Page

QUIET = "() => [...document.querySelectorAll('[data-testid=stApp]')].every(app => app.dataset.testScriptState === 'notRunning')"
WHOLE = f"""() => {{
    const all = test => [...document.querySelectorAll(`[data-testid=${{test}}]`)];
    return ({QUIET})()
        && !all('stSpinner').length && !all('stSkeleton').length
        && all('stPlotlyChart').every(plot => !plot.checkVisibility() || Math.abs(
            (plot.querySelector('.main-svg')?.clientWidth ?? 0) - plot.clientWidth) < 2);
}}"""


def choose(page: Page, label: str, option: str) -> None:
    """Choose in a select box; both names are patterns."""
    box = page.get_by_role("combobox", name=re.compile(label))
    box.scroll_into_view_if_needed()
    page.wait_for_timeout(500)  # a list that opens while the page scrolls closes again
    box.click()
    page.get_by_role("option", name=re.compile(option)).first.click()
    settle(page)


def drawn(page: Page) -> None:
    """Wait until the page stands there whole: its script has run, nothing turns, and its plots are drawn in its width."""
    page.locator("h1").first.wait_for()
    page.wait_for_function(WHOLE)


def settle(page: Page) -> None:
    """Wait until the script that the last action began has run; the sign that it runs, on the page's edge, comes only after a while."""
    page.wait_for_timeout(300)
    page.wait_for_function(QUIET)
