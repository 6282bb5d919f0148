"""A program from its start to its exit, measured from outside."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""The folder that holds `core` and `benchmarks`."""
LIMITERS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
"""Variables that would keep a program from using the cores it takes by itself."""


@dataclass(frozen=True)
class Usage:
    """What one process took, with all children that it waited for."""

    wall: float  # seconds from start to exit
    cpu: float  # seconds, user and system
    peak_rss: int  # bytes, of the largest single process: a peer's workers are not added up
    status: int  # exit status; negative: ended by that signal


def environment(**changes: str) -> dict[str, str]:
    """This process's environment without limits on threads, with our packages to be found, and with `changes`."""
    kept = {name: value for name, value in os.environ.items() if name not in LIMITERS}
    path = os.pathsep.join(filter(None, [str(ROOT), kept.get("PYTHONPATH", "")]))
    return kept | {"PYTHONPATH": path, "PYTHONUNBUFFERED": "1"} | changes


def measure(command: Sequence[str], log: Path, *, env: Mapping[str, str], folder: Path, limit: float = 7200.0) -> Usage:
    """Run `command` in `folder`; its standard output goes to `log`, standard error to `log` + ".err".

    After `limit` seconds it is killed with all its children.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "wb") as out, open(f"{log}.err", "wb") as err:
        begun = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=err, env=env, cwd=folder, start_new_session=True)
        killer = threading.Timer(limit, os.killpg, (process.pid, signal.SIGKILL))
        killer.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        finally:
            killer.cancel()
        wall = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    scale = 1 if sys.platform == "darwin" else 1024  # the unit of ru_maxrss differs
    return Usage(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * scale, process.returncode)


def last_lines(log: Path, count: int = 3) -> str:
    """The end of what a program said before it failed."""
    for file in (Path(f"{log}.err"), log):
        lines = [line.strip() for line in file.read_text(errors="replace").splitlines() if line.strip()] if file.is_file() else []
        if lines:
            return " / ".join(lines[-count:])
    return "no output"
