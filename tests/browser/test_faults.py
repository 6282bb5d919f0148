"""App, supervisor and trainer killed at once: whoever opens the app again finds the run, and it ends."""

import json
import os
import re
import subprocess
import sys

import psutil
from playwright.sync_api import Page, expect

from tests.browser.conftest import ROOT

EPOCHS = 60


def test_all_three_killed_at_once_and_the_app_started_again(page: Page, server):
    command = ["submit", "--data", "phantom", "--model", "alasfoor-cnn22", "--image-size", "64", "--epochs", str(EPOCHS), "--json"]
    environment = os.environ | {"CXRLAB_ARTIFACTS": str(server.artifacts)}
    submitted = subprocess.run(
        [sys.executable, "-m", "core", *command], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    run_id = json.loads(submitted.stdout)["run_id"]
    server.wait_for(run_id, lambda status: status["epoch"] > 3)
    reached = server.status(run_id)["epoch"]
    kill_everything_else(server)
    server.kill()
    assert server.status(run_id)["state"] == "running"  # as a power cut leaves it

    server.start()
    page.goto(f"{server.url}/runs?run={run_id}")
    expect(page.get_by_role("heading", name="Runs")).to_be_visible()
    server.wait_for(run_id, lambda status: status["state"] == "done")
    found = server.status(run_id)
    assert [moment["state"] for moment in found["history"]].count("running") == 2
    log = (server.artifacts / "runs" / run_id / "log.txt").read_text()
    went_on = int(re.search(r"Going on after epoch (\d+)", log)[1])
    assert went_on >= reached - 1  # the epoch under way was lost, no more
    epochs = [row["epoch"] for row in rows(server, run_id) if row["kind"] == "epoch"]
    assert epochs == list(range(1, EPOCHS + 1))
    expect(page.get_by_role("heading", name="Test part")).to_be_visible()


def kill_everything_else(server) -> None:
    """Supervisor and trainers of this server's folder, at once."""
    mine = [
        process
        for process in psutil.process_iter(["environ", "cmdline"])
        if (process.info["environ"] or {}).get("CXRLAB_ARTIFACTS") == str(server.artifacts)
        and {"train", "work"} & set(process.info["cmdline"] or ())
    ]
    assert len(mine) == 2
    for process in mine:
        process.kill()


def rows(server, run_id: str) -> list[dict]:
    return [json.loads(line) for line in (server.artifacts / "runs" / run_id / "metrics.jsonl").read_text().splitlines()]
