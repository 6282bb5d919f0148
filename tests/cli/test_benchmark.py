"""The benchmark on the command line."""

import json

import pytest

from core.__main__ import main
from core.jobs import queue, supervisors
from core.runs import store

ROW = ["--rows", "alasfoor-2020", "--protocols", "honest"]


@pytest.fixture
def run_json(capsys):
    def run(*arguments):
        capsys.readouterr()
        code = main(["benchmark", *map(str, arguments), "--json"])
        return code, json.loads(capsys.readouterr().out)

    return run


@pytest.fixture(autouse=True)
def _unattended(monkeypatch):
    monkeypatch.setattr(supervisors, "ensure", lambda: None)


@pytest.fixture
def folder(make_folder):
    return make_folder({"COVID-19": 45, "Normal": 45, "Pneumonia": 45})


def test_without_data_and_records_there_are_no_rows(run_json):
    assert run_json() == (0, [])


def test_a_dry_run_lists_the_runs_and_queues_none(run_json, folder, monkeypatch):
    monkeypatch.setattr("core.jobs.forecast._seconds_an_image", lambda *_: 0.001)
    code, rows = run_json("--data", folder, *ROW, "--dry-run")
    assert code == 0
    assert [(row["fold"], row["state"]) for row in rows] == [(fold, "missing") for fold in range(1, 6)]
    assert queue.jobs() == []


def test_what_is_missing_is_queued_and_named(run_json, folder):
    _, rows = run_json("--data", folder, *ROW, "--folds", "2-3")
    assert [(row["fold"], row["state"]) for row in rows] == [(2, "queued"), (3, "queued")]
    assert [row["run_id"] for row in rows] == [job.run_id for job in queue.jobs()]
    _, again = run_json("--data", folder, *ROW, "--folds", "2,3")
    assert again == rows


def test_waiting_ends_with_the_runs_and_says_which_failed(run_json, folder, monkeypatch):
    def train():
        for job in queue.jobs():
            queue.withdraw(job.run)
            job.run.write_status(job.run.status().changed(state="failed", message="The disk is full."))

    monkeypatch.setattr("core.jobs.requests.attend", train)
    monkeypatch.setattr("core.cli.benchmark._POLL", 0.0)
    code, content = run_json("--data", folder, *ROW, "--folds", "1", "--wait")
    assert code == 1
    assert f"{store.ids()[0]} failed" in content["error"]


@pytest.mark.parametrize("wrong", [["--folds", "6"], ["--folds", "0"], ["--folds", "one"], ["--seeds", "x"], ["--rows", "none"]])
def test_what_there_is_not_is_wrong_usage(run_json, wrong):
    code, content = run_json(*wrong)
    assert code == 2
    assert content["problems"]


def test_without_runs_made_anew_no_repeats_are_listed(run_json):
    assert run_json("repeats") == (0, [])
