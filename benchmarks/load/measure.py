"""One measurement from the empty folder to its figures: the app starts, a job trains, people come, browsers come, people leave."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.load import browsers, content, figures, plan, server, visitors
from benchmarks.load.figures import Stretch
from benchmarks.load.plan import Content
from benchmarks.load.samples import Watch
from benchmarks.load.server import Server
from benchmarks.load.visitors import Seen
from core.errors import CoreError

SETTLED = 3  # epochs after which the trainer has its speed
TOLD = 60.0  # seconds between two words of progress
KEPT = 20  # different errors that are told


@dataclass(frozen=True)
class Plan:
    """Minutes are of the stretches in their order: alone, visited, with browsers among the visitors, alone again."""

    sessions: int = 30
    minutes: float = 30.0
    alone: float = 5.0
    browsers: int = 2
    browsed: float = 3.0
    think: tuple[float, float] = (10.0, 30.0)  # seconds
    recipe: str = "alasfoor-2020"
    seed: int = 0


@dataclass
class Course:
    """What has happened so far. A stretch is absent where its minutes are 0."""

    watch: Watch
    people: Seen
    tabs: Seen  # what the real browsers have seen
    stretches: dict[str, Stretch]


def run(planned: Plan, say: Callable[[str], None]) -> dict[str, Any]:
    """Raises CoreError: the app does not start, what is looked at cannot be made, or there is no browser where some are wanted."""
    if planned.browsers:
        browsers.chromium()
    with tempfile.TemporaryDirectory(prefix="cxrlab-load-") as folder, server.running(Path(folder)) as app:
        there = content.prepare(app.artifacts, planned.recipe, say)
        course = asyncio.run(_course(planned, app, there, say))
        complaints = [line for line in app.log.read_text(errors="replace").splitlines() if "Error" in line or "Traceback" in line]
    return result(planned, course, complaints)


async def _course(planned: Plan, app: Server, there: Content, say: Callable[[str], None]) -> Course:
    course = Course(Watch(app, there.training), Seen(), Seen(), {})
    picture = content.picture()
    walks = [plan.walk(planned.seed + 1_000 + number, there, planned.think) for number in range(planned.browsers)]

    async def told() -> None:
        while True:
            await asyncio.sleep(TOLD)
            say(_progress(course))

    async with _meanwhile(course.watch.run(), told()):
        await _settled(course.watch, say)
        course.stretches["alone"] = await _stretch(planned.alone, say, "alone")
        people = [
            visitors.browse(app.address, number, planned.seed, there, planned.think, picture, course.people)
            for number in range(planned.sessions)
        ]
        async with _meanwhile(*people):
            course.stretches["visited"] = await _stretch(planned.minutes, say, "visited")
            if walks and planned.browsed:
                async with _meanwhile(browsers.browse(app.address, walks, course.tabs)):
                    course.stretches["browsed"] = await _stretch(planned.browsed, say, "with browsers")
        course.stretches["alone again"] = await _stretch(planned.alone, say, "alone again")
        course.watch.sample()
    return course


class _meanwhile:  # noqa: N801  reads as a statement
    """Runs coroutines while the block goes on, and ends them with it; one that fails ends the block."""

    def __init__(self, *works: Coroutine[Any, Any, None]) -> None:
        self._works = works

    async def __aenter__(self) -> None:
        self._group = asyncio.TaskGroup()
        await self._group.__aenter__()
        self._tasks = [self._group.create_task(work) for work in self._works]

    async def __aexit__(self, *error: Any) -> None:
        for task in self._tasks:
            task.cancel()
        await self._group.__aexit__(*error)


async def _settled(watch: Watch, say: Callable[[str], None]) -> None:
    say("waiting until the training has its speed")
    deadline = time.monotonic() + 600
    while len(watch.epoch_ends) < SETTLED:
        if time.monotonic() > deadline:
            raise CoreError("The training gets going.", f"{len(watch.epoch_ends)} epochs in ten minutes", "Give a smaller --recipe.")
        await asyncio.sleep(1)


async def _stretch(minutes: float, say: Callable[[str], None], name: str) -> Stretch:
    say(f"{name}: {minutes:g} min")
    begun = time.time()
    await asyncio.sleep(60 * minutes)
    return begun, time.time()


def _progress(course: Course) -> str:
    last = [change.seconds for change in course.people.changes if change.at > time.time() - TOLD]
    timed = figures.times(last)
    pages = f"{timed.n} page changes, median {timed.median:.2f} s, p95 {timed.p95:.2f} s" if timed else "no page changes"
    held = course.watch.samples[-1].memory / 2**20
    return f"{pages}; {len(course.people.errors)} errors; the app holds {held:.0f} MiB; {len(course.watch.epoch_ends)} epochs"


def result(planned: Plan, course: Course, complaints: list[str]) -> dict[str, Any]:
    """The JSON document."""
    stretches, samples = course.stretches, course.watch.samples
    begin, end = stretches["visited"]
    visits = begin, stretches.get("browsed", (begin, end))[1]
    settled = begin + planned.think[1], end  # by then all have come
    alone = [stretches["alone"], (stretches["alone again"][0] + planned.think[1], stretches["alone again"][1])]
    ends = course.watch.epoch_ends
    slowed = figures.ratio(figures.epochs(ends, alone), figures.epochs(ends, [settled]))
    memory = figures.memory([sample for sample in samples if visits[0] <= sample.at <= visits[1]])
    people = [change for change in course.people.changes if change.at <= end]
    errors = figures.grouped([*course.people.errors, *course.tabs.errors])
    return {
        "kind": "load",
        "machine": machine.describe(sys.executable) | {"streamlit": version("streamlit")},
        "plan": asdict(planned),
        "changes": _told(figures.times([change.seconds for change in people])),
        "by_page": {name: asdict(found) for name, found in figures.by_page(people).items()},
        "browsers": _told(figures.times([change.seconds for change in course.tabs.changes])),
        "browsers_by_page": {name: asdict(found) for name, found in figures.by_page(course.tabs.changes).items()},
        "sessions": course.people.sessions,
        "live_runs": course.people.live_runs,
        "errors": sum(errors.values()),
        "errors_told": dict(list(errors.items())[:KEPT]),
        "refusals": dict(list(figures.grouped([*course.people.refusals, *course.tabs.refusals]).items())[:KEPT]),
        "complaints": complaints[:KEPT],
        "memory": _told(memory),
        "training": _told(slowed),
        "epochs": len(ends),
        "busy": {name: figures.busy([one for one in samples if first <= one.at <= last]) for name, (first, last) in stretches.items()},
        "samples": [asdict(sample) for sample in samples],
    }


def _told(found: Any) -> dict[str, Any] | None:
    return asdict(found) if found else None
