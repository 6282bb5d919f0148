"""Real browsers on the same pages: until a person sees the heading, and nothing turns any more. They need Playwright and Chromium."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Iterator
from importlib.util import find_spec
from urllib.parse import urlencode

from benchmarks.load.plan import Visit
from benchmarks.load.visitors import PATIENCE, Change, Seen
from core.errors import CoreError

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OPTIONS = ("--no-sandbox", "--disable-quic", "--disable-background-networking")
_DRAWN = """() => document.querySelector('[data-testid=stMain] h1') && !document.querySelector('[data-testid=stStatusWidget]')
    && !document.querySelector('[data-testid=stMain] [data-stale=true]')"""
"""In the page: whether its heading is there, nothing runs, and nothing is left of what was there before."""


def chromium() -> str:
    """The program's path.

    Raises:
        CoreError: there is no Playwright, or no Chromium.
    """
    if find_spec("playwright") is None:
        raise CoreError("Real browsers are driven by Playwright.", "an installation without it", "Give --browsers 0.")
    found = next((path for name in CHROMIUM if (path := shutil.which(name))), None)
    if found is None:
        raise CoreError("Real browsers need Chromium.", f"none of {', '.join(CHROMIUM)}", "Give --browsers 0.")
    return found


async def browse(address: str, walks: list[Iterator[Visit]], seen: Seen) -> None:
    """A tab for each of `walks`, until this is cancelled. Pages are opened by their link, as somebody does who was sent it."""
    from playwright.async_api import Error, async_playwright

    async def tab(walk: Iterator[Visit]) -> None:
        page = await browser.new_page(viewport={"width": 1400, "height": 1000})
        page.on("pageerror", lambda error: seen.errors.append(f"{page.url}: {error}"))
        for visit in walk:
            begun = time.time()
            try:
                await page.goto(f"http://{address}/{visit.page}?{urlencode(visit.query)}", timeout=1000 * PATIENCE)
                await page.wait_for_function(_DRAWN, timeout=1000 * PATIENCE)
                seen.changes.append(Change(begun, visit.page, time.time() - begun, "opened"))
                seen.errors += [f"{visit.page}: an exception is shown"] * await page.get_by_test_id("stException").count()
            except Error as error:
                seen.errors.append(f"{visit.page}: {error.message.splitlines()[0]}")
            await asyncio.sleep(visit.think)

    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=chromium(), args=list(OPTIONS))
        async with asyncio.TaskGroup() as tabs:
            for walk in walks:
                tabs.create_task(tab(walk))
