"""A run in a process of its own."""

import os
import time

import psutil

from core.data import library
from core.jobs import local
from core.recipes import fitting
from core.runs import index


def test_a_started_run_is_trained_by_another_process_in_a_session_of_its_own(make_folder):
    manifest = library.open_dataset(str(make_folder({"a": 15, "b": 15}, size=24, patients=2)))
    draft = fitting.draft(model="alasfoor-cnn22", **{"image.size": 24, "epochs": 2, "batch_size": 8})
    run = local.start(fitting.fit(draft, manifest)[0])
    sessions = set()
    deadline = time.monotonic() + 120
    while run.status().live and time.monotonic() < deadline:
        mark = run.status().process
        if mark and psutil.pid_exists(mark.pid):
            sessions.add(os.getsid(mark.pid))
        time.sleep(0.1)
    assert run.status().state == "done", run.log()
    assert sessions
    assert os.getsid(0) not in sessions
    assert [row.state for row in index.rows()] == ["done"]
