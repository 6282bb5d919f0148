"""What the queue costs: `python -m benchmarks.queue [--jobs N] [--waiting N]`.

Enqueueing, claiming from a long queue, a supervisor's look and its memory, and how many trivial jobs drain in a minute without leaving a
process or an open file behind. The trivial trainer is the one of the tests: it writes "done" and ends.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import Annotated

import psutil
import typer

from core.jobs import queue, requests, supervisors
from core.jobs.launchers.local import Local
from core.jobs.supervisor import Supervisor
from core.recipes.recipe import Recipe, compose
from core.recipes.specs import DataSpec
from core.runs import store, ticket
from core.runs.store import Run

ROOT = Path(__file__).resolve().parents[1]
TRAINER = ROOT / "tests" / "jobs" / "trivial_trainer.py"


def main(
    jobs: Annotated[int, typer.Option(help="Trivial jobs to drain.")] = 1_000,
    waiting: Annotated[int, typer.Option(help="Jobs in the table from which is claimed.")] = 10_000,
    seconds: Annotated[float, typer.Option(help="For which an idle and a watching supervisor are looked at.")] = 30.0,
) -> None:
    recipe = compose(DataSpec(name="set", sha256="", classes=("a", "b")), "alasfoor-cnn22", **{"image.size": 32})
    with _artifacts():
        _enqueue_and_drain(recipe, jobs)
    with _artifacts():
        _claim(recipe, waiting)
    with _artifacts():
        _supervisor(recipe, seconds)


def _enqueue_and_drain(recipe: Recipe, jobs: int) -> None:
    times = [_timed(lambda: requests.start(recipe, supervised=False)) for _ in range(jobs)]
    typer.echo(f"enqueue: median {_ms(median(times))}, 95 % under {_ms(quantiles(times, n=20)[-1])}, {jobs:,} jobs")
    me, supervisor = psutil.Process(), Supervisor(Local({"cpu": 2}, _trivial))
    supervisor.step("me")
    files, begun = me.num_fds(), time.perf_counter()
    while supervisor.step("me"):
        supervisor.launcher.wait(0.5)
    supervisor.launcher.wait(0)
    took = time.perf_counter() - begun
    done = sum(store.find(run).status().state == "done" for run in store.ids())
    typer.echo(
        f"drain: {done:,} of {jobs:,} done in {took:.0f} s, {_ms(took / jobs)} a job; open files {files} → {me.num_fds()}, "
        f"children left {len(me.children())}"
    )


def _claim(recipe: Recipe, waiting: int) -> None:
    run = requests.start(recipe, supervised=False)
    known = ticket.of(run)

    def fill(connection) -> None:
        for number in range(waiting):
            queue._insert(connection, Run(run.folder.with_name(f"run-{number}")), known.changed(place=number + 2))

    queue._use(fill)
    claims, releases = [], []
    for _ in range(20):
        begun = time.perf_counter()
        job = queue.claim("here", {"cpu": 1}, "me")
        claims.append(time.perf_counter() - begun)
        releases.append(_timed(lambda: queue.return_to_queue(job, 0)))  # noqa: B023
    typer.echo(f"claim from {waiting:,}: median {_ms(median(claims))}, most {_ms(max(claims))}; return: median {_ms(median(releases))}")


def _supervisor(recipe: Recipe, seconds: float) -> None:
    process = subprocess.Popen([sys.executable, "-m", "core", "work"], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not supervisors.living():
            time.sleep(0.05)
        time.sleep(2)  # past its start
        watched = psutil.Process(process.pid)
        typer.echo(f"supervisor, idle: {_share(watched, seconds)} of a core, {watched.memory_info().rss / 2**20:.0f} MiB")
        requests.start(recipe, supervised=False)  # of data that are not there: its trainer ends soon
        time.sleep(seconds)
        typer.echo(f"supervisor, after a job: {watched.memory_info().rss / 2**20:.0f} MiB")
    finally:
        process.terminate()
        process.wait()


def _share(process: psutil.Process, seconds: float) -> str:
    before = process.cpu_times()
    time.sleep(seconds)
    after = process.cpu_times()
    return f"{(after.user + after.system - before.user - before.system) / seconds:.2%}"


@contextmanager
def _artifacts() -> Iterator[None]:
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"CXRLAB_ARTIFACTS": folder, "CXRLAB_RECORDED": f"{folder}/none"}
        yield


def _trivial(run: Run, device: str) -> list[str]:
    return [sys.executable, "-S", "-E", str(TRAINER), str(run.folder), device]


def _timed(work) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.1f} ms"


if __name__ == "__main__":
    typer.run(main)
