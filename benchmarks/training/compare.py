"""`python -m benchmarks training`: prepare the files, run every work, store what was measured after each."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks import machine, processes
from benchmarks.training import feed, files, passes, peers, works
from benchmarks.training.passes import Comparison
from benchmarks.training.peers import OURS, Setting
from benchmarks.training.works import Work
from core.errors import UsageError
from core.files import write_json
from core.settings import artifacts_dir

Say = Callable[[str], None]
FILE_SIZE = 1024  # pixels of a drawn PNG: the size in which NIH's set and the first Radiography release come
QUICK = {"images": 60, "epochs": 1, "repeats": 1, "file_size": 128}
QUICK_FOLDS = 5
"""Enough to see that every program runs: a test part of twelve, which has every class."""


@dataclass(frozen=True)
class Plan:
    """What to measure. None: as the work has it."""

    setting: Setting
    works: tuple[str, ...] = ()  # empty: all
    peers: tuple[str, ...] = ()  # empty: all that the work names
    data: Path | None = None  # for works on given files
    images: int | None = None
    epochs: int | None = None
    batch_size: int | None = None
    repeats: int = 3
    file_size: int = FILE_SIZE
    home: Path | None = None  # for drawn files, links and logs


def run(plan: Plan, out: Path, say: Say) -> dict[str, Any]:
    """Every work in turn; `out` is written after each, so that an interrupted measurement keeps what it has.

    Raises:
        UnknownName: a work or a peer that there is not.
        UsageError: a work on given files, and no folder.
    """
    chosen = plan.works or works.names()
    for name in chosen:
        if name not in works.FEEDS:
            _refuse_missing_folder(works.get(name), plan, asked=bool(plan.works))
    for name in plan.peers:
        peers.get(name)
    content: dict[str, Any] = {
        "kind": "training",
        "machine": machine.describe(plan.setting.python),
        "device": plan.setting.device,
        "works": [],
    }
    with machine.Control() as control:
        content["peaks"] = {name: control.peak(name, plan.setting.device) for name in ("fp32", "bf16")}
        for name in chosen:
            if name in works.FEEDS:
                content["works"].append(_feed(name, plan, say))
            else:
                content["works"].append(_work(works.get(name), plan, control, say))
            write_json(out, content)
    return content


def quick(setting: Setting, **choice: Any) -> Plan:
    """The plan that only asks whether everything runs."""
    return Plan(replace(setting, folds=QUICK_FOLDS), **QUICK, **choice)


def draw(home: Path | None, images: int, size: int, say: Say) -> Path:
    """The folder of drawn images that a comparison would use, drawn where it is not there yet."""
    return files.drawn(_home(home), images, size, _counted(say))


def _work(work: Work, plan: Plan, control: machine.Control, say: Say) -> dict[str, Any]:
    work = changed(work, plan)
    found: dict[str, Any] = {"work": work.name, "title": work.title, "model": work.model, "aims": dict(work.aims), "frozen": work.frozen}
    found |= {"epochs": work.epochs, "batch_size": work.batch(plan.setting.device), "image_size": work.image_size, "passes": []}
    hindrances = {name: peers.get(name).hindrance(work, plan.setting) for name in plan.peers or work.peers or peers.PEERS}
    found["left_out"] = {name: reason for name, reason in hindrances.items() if reason}
    if work.files == "given" and plan.data is None:
        found["left_out"] = {OURS: "not given: --data names a folder of class folders"}
        return found
    home, logs = _home(plan.home), passes.clean(_home(plan.home) / "logs" / work.name)
    with tempfile.TemporaryDirectory(prefix="links-", dir=home) as links:
        prepared = files.prepare(_folder(work, plan, home, Path(links), say), Path(links), plan.setting.folds)
        found |= {part: getattr(prepared, part) for part in ("classes", "train", "validation", "test")}
        found["multiply_adds"] = _multiply_adds(work, prepared.classes)
        say(f"{work.title}: {prepared.train} training and {prepared.validation} validation images, epochs: {work.epochs}")
        comparison = Comparison(work, prepared, plan.setting, control, logs.parent)
        participants = [OURS, *(name for name in hindrances if name not in found["left_out"])]
        measured = comparison.run(participants, plan.repeats, lambda item: say(_line(item)))
    return found | {"passes": [passes.to_json(item) for item in measured]}


def _feed(name: str, plan: Plan, say: Say) -> dict[str, Any]:
    """The real feed against a fixed batch, as often as there are repeats, each in a fresh process."""
    home, ratios, failure = _home(plan.home), [], ""
    folder = plan.data or files.drawn(home, plan.images or works.WORKS[0].images, plan.file_size)
    logs = passes.clean(home / "logs" / name)
    batch = plan.batch_size or works.WORKS[0].batch(plan.setting.device)
    command = [sys.executable, "-m", "benchmarks.training.feed", "--folder", str(folder), "--model", works.FEEDS[name]]
    command += ["--device", plan.setting.device, "--batch-size", str(batch)]
    command += ["--rounds", "1"] if plan.epochs == 1 else []
    with tempfile.TemporaryDirectory(prefix="cxrlab-") as artifacts:
        for repeat in range(plan.repeats):
            log, env = logs / f"{repeat + 1}.log", processes.environment(CXRLAB_ARTIFACTS=artifacts)
            usage = processes.measure(command, log, env=env, folder=processes.ROOT)
            if usage.status:
                failure = processes.last_lines(log)
                break
            ratios.append(feed.ratio(json.loads(log.read_text(encoding="utf-8"))))
            say(f"{name}: real feed ÷ fixed batch {ratios[-1]:.3f}")
    return {"work": name, "model": works.FEEDS[name], "aim": works.FEED_AIM, "batch_size": batch, "ratios": ratios, "failure": failure}


def changed(work: Work, plan: Plan) -> Work:
    """`work` with the images, epochs and batch of `plan` where it has any."""
    values: dict[str, Any] = {
        "images": plan.images,
        "epochs": plan.epochs,
        "batch_size": plan.batch_size,
        "gpu_batch_size": plan.batch_size,
    }
    return replace(work, **{name: value for name, value in values.items() if value is not None})


def _folder(work: Work, plan: Plan, home: Path, links: Path, say: Say) -> Path:
    if work.files == "given":
        return files.some_of(plan.data, work.images, links)

    return files.drawn(home, work.images, plan.file_size, _counted(say))


def _counted(say: Say) -> Callable[[int, int], None]:
    def drawing(done: int, total: int) -> None:
        if done % 50 == 0:
            say(f"drawing images: {done:,} of {total:,}")

    return drawing


def _multiply_adds(work: Work, classes: int) -> int:
    from core.models import registry

    return registry.multiply_adds(work.model, work.image_size, classes)


def _home(home: Path | None) -> Path:
    home = home or artifacts_dir() / "benchmarks"
    home.mkdir(parents=True, exist_ok=True)
    return home.resolve()


def _line(item: passes.Pass) -> str:
    what = item.failure or f"{item.wall:7.1f} s wall, {item.cpu:7.1f} s CPU, {item.peak_rss / 1e9:4.1f} GB"
    return f"  {item.repeat + 1} {item.participant:16} {what}; control {1000 * item.control:.1f} ms{', again' if item.again else ''}"


def _refuse_missing_folder(work: Work, plan: Plan, asked: bool) -> None:
    if work.files == "given" and plan.data is None and asked:
        raise UsageError("A work on given files needs their folder.", f"{work.name} without --data", "Name a folder of class folders.")
