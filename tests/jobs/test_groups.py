"""Jobs under one experiment's name are counted, and asked, as one."""

from __future__ import annotations

import pytest

from core.jobs import ended, groups, overview, queue, requests, supervisors
from core.jobs.groups import Group
from core.recipes import fitting
from core.runs.status import ProcessMark
from core.runs.store import Run


@pytest.fixture(autouse=True)
def _no_supervisor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisors, "ensure", lambda: None)


def submit(name: str = "", priority: int = 0, seed: int = 0) -> Run:
    recipe = fitting.draft(model="alasfoor-cnn22", seed=seed, **{"image.size": 24, "batch_size": 8})
    return requests.start(recipe, experiment_name=name, priority=priority)


def the_group() -> Group:
    (group,) = groups.groups(overview.lines())
    return group


def waiting() -> list[str]:
    return [job.run_id for job in queue.jobs() if job.state == "waiting"]


def test_states_are_counted_and_told_in_one_sentence():
    runs = [submit("seeds", seed=seed) for seed in range(4)]
    submit()
    queue.claim("here", {"cpu": 1}, "me")
    requests.pause(runs[3])
    assert the_group().counts == {"running": 1, "queued": 2, "paused": 1}
    assert the_group().sentence == "1 training · 2 waiting · 1 paused · the last one: start unknown"
    assert [line.run_id for line in the_group().waiting] == [run.id for run in runs[1:3]]


def test_a_single_run_is_no_group():
    submit("alone")
    submit()
    assert groups.groups(overview.lines()) == []


def test_an_experiment_that_ended_long_ago_is_not_shown(monkeypatch):
    for seed in range(2):
        requests.cancel(submit("old", seed=seed))
    assert the_group().share_ended == 1
    monkeypatch.setattr(ended, "changed_at", lambda _: 0.0)
    assert groups.groups(overview.lines()) == []


def test_all_are_paused_and_go_on_in_their_order():
    runs, other = [submit("seeds", seed=seed) for seed in range(3)], submit()
    assert groups.pause("seeds") == 3
    assert waiting() == [other.id]
    assert groups.go_on("seeds") == 3
    assert waiting() == [other.id, *(run.id for run in runs)]


def test_all_are_cancelled_those_that_train_by_request():
    first, second = (submit("seeds", seed=seed) for seed in range(2))
    queue.claim("here", {"cpu": 1}, "me")
    first.write_status(first.status().changed(state="running", process=ProcessMark.of_this()))
    assert groups.cancel("seeds") == 2
    assert first.cancel_requested()
    assert second.status().state == "cancelled"


def test_a_priority_for_all_keeps_their_order():
    other, runs = submit(), [submit("seeds", seed=seed) for seed in range(3)]
    groups.prioritise("seeds", 2)
    assert waiting() == [*(run.id for run in runs), other.id]
