"""The queue in a real browser, on synthetic data: jobs train one after the other, are moved, paused, resumed and cancelled."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import ROOT, Server

EPOCHS = (3000, 2, 2)  # the first is not done before it is stopped
SHIFTS = """() => { window.shifts = 0; new PerformanceObserver(list => list.getEntries().forEach(entry => {
    if (!entry.hadRecentInput) window.shifts += entry.value; })).observe({type: 'layout-shift'}); }"""

DRAWING = 300  # seconds: the first command draws the phantom, beside the other tests


@pytest.fixture
def jobs(server: Server) -> list[str]:
    """Ids of three jobs in the order in which they were submitted; the first one is long."""
    return [submit(server, seed, epochs) for seed, epochs in enumerate(EPOCHS, start=1)]


def test_jobs_are_moved_paused_resumed_and_cancelled(page: Page, browser: Browser, server: Server, jobs: list[str]):
    long, second, third = jobs
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{server.url}/queue")
    expect(line(page, "active", long)).to_be_visible()
    expect(line(page, "waiting", second)).to_contain_text("1. alasfoor-cnn22")
    expect(line(page, "waiting", third)).to_contain_text("2. alasfoor-cnn22")
    server.wait_for(long, lambda status: status["epoch"] >= 1)
    expect(line(page, "active", long)).to_contain_text("running")

    # The page stays where it is while it refreshes itself.
    page.evaluate(SHIFTS)
    page.wait_for_timeout(5000)
    assert page.evaluate("window.shifts") < 0.1

    # The third goes before the second.
    line(page, "waiting", third).get_by_role("button").first.click()
    expect(line(page, "waiting", third)).to_contain_text("1. alasfoor-cnn22")

    # Another page sees it, and asks for a fourth to be cancelled there; this one lives on.
    fourth = submit(server, 4, 2)
    other = browser.new_page()
    other.goto(f"{server.url}/queue?job={fourth}")
    line(other, "waiting", fourth).get_by_test_id("stPopoverButton").click()
    other.get_by_role("button", name="Cancel", exact=True).click()
    expect(line(page, "ended", fourth)).to_contain_text("cancelled")
    other.close()

    # Paused, the first lets the next one train; resumed, it waits again, and goes on where it was.
    line(page, "active", long).get_by_role("button", name="Pause").click()
    expect(line(page, "ended", long)).to_contain_text("paused")
    expect(line(page, "ended", third)).to_contain_text("done")
    epoch = server.status(long)["epoch"]
    line(page, "ended", long).get_by_role("button", name="Go on").click()
    server.wait_for(long, lambda status: status["epoch"] > epoch)
    expect(line(page, "active", long)).to_contain_text("running")

    # Stopped only by the second button; what it had learnt is tested.
    expect(line(page, "ended", second)).to_contain_text("done")
    line(page, "active", long).get_by_role("button", name="Stop").click()
    expect(page.get_by_text("best weights so far are kept")).to_be_visible()
    page.get_by_role("button", name="Stop it").click()
    expect(line(page, "ended", long)).to_contain_text("cancelled")
    expect(page.get_by_text("Nothing trains and nothing waits.")).to_be_visible()

    states = {run_id: server.status(run_id)["state"] for run_id in (*jobs, fourth)}
    assert list(states.values()) == ["cancelled", "done", "done", "cancelled"]
    assert server.status(long)["result"]["accuracy"] > 0
    assert errors == []


def submit(server: Server, seed: int, epochs: int) -> str:
    command = [sys.executable, "-m", "core", "submit", "--data", "phantom", "--model", "alasfoor-cnn22", "--json"]
    command += ["--image-size", "32", "--epochs", str(epochs), "--seed", str(seed)]
    environment = os.environ | {"CXRLAB_ARTIFACTS": str(server.artifacts)}
    answer = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=DRAWING)
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)["run_id"]


def line(page: Page, kind: str, run_id: str) -> Locator:
    """What the page shows of a job that is "active", "waiting" or "ended"."""
    return page.locator(f".st-key-{kind}-{re.sub(r'[^a-zA-Z0-9_-]', '-', run_id)}")
