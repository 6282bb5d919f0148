"""A command that is tied to whoever started it."""

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from core.jobs.launchers import tied

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties processes to each other")
PROGRAM = """if True:
    import os, subprocess, sys, time
    child = subprocess.Popen([sys.executable, sys.argv[1], str(os.getpid()), "/bin/sleep", "600"])
    print(child.pid, flush=True)
    time.sleep(600)
"""


def test_a_tied_command_is_killed_with_its_parent():
    with subprocess.Popen([sys.executable, "-c", PROGRAM, tied.__file__], stdout=subprocess.PIPE, text=True) as parent:
        child = psutil.Process(int(parent.stdout.readline()))
        _wait_for(lambda: child.name() == "sleep")
        parent.kill()
    _wait_for(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_a_tied_command_whose_parent_has_gone_already_does_not_start(tmp_path: Path):
    mark = tmp_path / "started"
    ended = subprocess.run([sys.executable, tied.__file__, "1", "/usr/bin/touch", str(mark)], check=False)
    assert ended.returncode == -9
    assert not mark.exists()


def test_a_tied_command_ends_as_it_would_alone():
    program = (
        "import os, subprocess, sys; sys.exit(subprocess.run([sys.executable, sys.argv[1], str(os.getpid()), *sys.argv[2:]]).returncode)"
    )
    ended = subprocess.run([sys.executable, "-c", program, tied.__file__, sys.executable, "-c", "raise SystemExit(7)"], check=False)
    assert ended.returncode == 7


def _wait_for(condition) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)
