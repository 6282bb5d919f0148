"""One supervisor is there when somebody is needed, known by its process; the dead are not counted."""

from __future__ import annotations

import os
import signal

import psutil
import pytest

from core.jobs import supervisors
from core.runs.status import ProcessMark
from tests.jobs.conftest import until


@pytest.mark.usefixtures("real_supervisors")
def test_where_none_lives_one_is_started_in_a_session_of_its_own_and_a_second_is_not():
    supervisors.ensure()
    (first,) = supervisors.living()
    supervisors.ensure()
    assert supervisors.living() == [first]
    assert os.getsid(first.process.pid) == first.process.pid
    os.kill(first.process.pid, signal.SIGKILL)
    until(lambda: not supervisors.living())
    supervisors.ensure()
    assert [one.process.pid for one in supervisors.living()] != [first.process.pid]


@pytest.mark.usefixtures("real_supervisors")
def test_a_polite_kill_ends_it_and_takes_its_file_along(artifacts):
    supervisors.ensure()
    (one,) = supervisors.living()
    os.kill(one.process.pid, signal.SIGTERM)
    until(lambda: list((artifacts / "supervisors").iterdir()) == [])


def test_a_file_of_a_dead_supervisor_or_a_damaged_one_counts_for_nothing(artifacts):
    with supervisors.registered("local", {"cpu": 1}) as me:
        gone = me.model_copy(update={"name": "gone", "process": ProcessMark.of_this().model_copy(update={"started": 1.0})})
        (artifacts / "supervisors" / "gone.json").write_text(gone.model_dump_json())
        (artifacts / "supervisors" / "broken.json").write_text("{")
        assert supervisors.living() == [me]
        assert not (artifacts / "supervisors" / "gone.json").exists()
    assert supervisors.living() == []


def test_a_supervisor_on_another_machine_is_believed_while_its_file_is_fresh(artifacts):
    with supervisors.registered("local", {"cpu": 1}) as me:
        elsewhere = me.model_copy(update={"name": "far", "process": ProcessMark(pid=1, started=0.0, host="another machine")})
        file = artifacts / "supervisors" / "far.json"
        file.write_text(elsewhere.model_dump_json())
        assert {one.name for one in supervisors.living()} == {me.name, "far"}
        os.utime(file, (0, 0))
        assert supervisors.living() == [me]
        assert file.exists()  # its own machine knows better


@pytest.fixture
def real_supervisors(artifacts):
    """They may be started here; whatever is left is ended."""
    yield
    for process in psutil.process_iter(["environ"]):
        if process.pid != os.getpid() and (process.info["environ"] or {}).get("CXRLAB_ARTIFACTS") == str(artifacts):
            process.kill()
