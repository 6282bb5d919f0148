"""The queue's health: supervisors that live, supervisors that are gone, runs that wait."""

import json
import time

from core.jobs import health
from core.runs.status import ProcessMark


def write(artifacts, name: str, mark: ProcessMark) -> None:
    (artifacts / "supervisors").mkdir(parents=True, exist_ok=True)
    (artifacts / "supervisors" / name).write_text(json.dumps({"process": mark.model_dump(), "heartbeat": time.time()}))


def test_nothing_to_do_is_healthy():
    assert health.look() == ("ok", "0 supervisors; 0 running, 0 queued, 0 interrupted", "")


def test_a_living_supervisor_is_counted(artifacts):
    write(artifacts, "one.json", ProcessMark.of_this())
    assert health.look()[:2] == ("ok", "1 supervisor; 0 running, 0 queued, 0 interrupted")


def test_a_supervisor_that_is_gone_is_named_with_the_way_out(artifacts):
    write(artifacts, "one.json", ProcessMark.of_this().model_copy(update={"started": 0.0}))
    (artifacts / "supervisors" / "two.json").write_text("[]")
    state, found, way_out = health.look()
    assert state == "warning"
    assert "one.json, two.json" in found
    assert "core work" in way_out
