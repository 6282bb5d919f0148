"""Stored results → tables, for the console and for `RESULTS.md`. It measures nothing."""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.training import passes, peers, summary, works
from benchmarks.training.peers import OURS
from benchmarks.training.summary import Row
from core import wording
from core.errors import InvalidSpec

KINDS = ("training", "accuracy", "memory")
MEMORY_AIM = 3 * 2**30  # bytes beyond the mapped cache, on 21,165 images at 224
COLUMNS = ("program", "wall, s", "CPU, s", "peak, GB", "peer ÷ ours", "aim", "of peak")
DEVICES = {"cpu": "On the processor", "cuda": "On a GPU"}
NOT_MEASURED = "not measured"
SLOW = 10  # images a second below which a tenth of one is told
MARK = re.compile(r"<!-- (.+) -->")  # stands above every row and names it, so that a later report finds it again
NOTES = (
    "Each figure is a median of whole processes, measured from outside from start to exit; “peer ÷ ours” is followed by the smallest and "
    "largest ratio within one repeat, and a ratio above 1 says that ours was quicker.",
    "All participants had the same files, batch size, image size and epochs, in an order that changes from repeat to repeat. Peers read "
    "links to exactly the files of our training and validation part.",
    "Ours is `python -m core train` in an empty artifacts folder: import, decoding, training, test evaluation and all. The test part is "
    "evaluated by ours alone, and the peers never read it; both count against ours.",
    "Crops and augmentation are each program’s own. torchvision’s reference counts upon five classes: a few images stand under "
    "further labels for it; the files stay the same.",
    "CPU seconds are user and system time with all worker processes; memory is the largest single process. “Of peak” is the share of the "
    "device’s best matrix product, in the precision used, over the whole process: three forward passes’ operations a training image, one "
    "a validation image; loading, decoding and start-up stand in the time. It is not given for frozen trunks, which each program runs as "
    "often as it likes.",
    "A pass is marked as disturbed when the matrix product timed beside it was more than 15 % slower than the quickest; it is repeated "
    "once, and the repetition counts.",
)


def read(path: Path) -> dict[str, Any]:
    """Raises InvalidSpec: the file is no result of ours."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidSpec("A result is a JSON file.", f"{path}: {error}", "Name files that the other verbs wrote.") from error
    if not isinstance(content, dict) or content.get("kind") not in KINDS:
        raise InvalidSpec("A result is of a known kind.", path, f"Name files that these verbs wrote: {', '.join(KINDS)}.")
    return content


def console(content: Mapping[str, Any]) -> str:
    """The tables of one comparison as text."""
    blocks = []
    for work in content["works"]:
        if work["work"] in works.FEEDS:
            blocks.append(f"{work['work']}: real feed ÷ fixed batch {_feed(work)}")
            continue
        cells = [COLUMNS, *_cells(work, content)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
        blocks.append("\n".join([_title(work), *lines, *_remarks(work)]))
    return "\n\n".join(blocks)


def markdown(results: Sequence[Mapping[str, Any]], before: str = "") -> str:
    """`RESULTS.md`. A row measured twice is shown as the later result has it; one measured in none stays as the text `before` has it."""
    kept = _rows(before)
    lines = ["# Results", "", "Written by `python -m benchmarks report` from measured results; how to measure: [README](README.md).", ""]
    lines += ["## Training", "", *(f"- {note}" for note in NOTES), ""]
    for device, heading in DEVICES.items():
        lines += [f"### {heading}", ""]
        for work in works.names():
            lines += _row_lines(f"{work} {device}", kept, [f"**{_name(work)}**: {NOT_MEASURED}."], _trained(results, work, device))
    for kind, (heading, sentence) in TOLD.items():
        lines += [f"## {heading}", ""]
        for device, where in DEVICES.items():
            lines += _row_lines(f"{kind} {device}", kept, [f"- {where}: {NOT_MEASURED}."], _told(results, kind, device, sentence))
    return "\n".join(lines)


def accuracy_sentence(content: Mapping[str, Any]) -> str:
    """What speed costs in accuracy, with its interval."""
    difference, seeds = content["difference"], len(content["runs"]["fast"])
    mean, low, high = (100 * difference[name] for name in ("mean", "low", "high"))
    seconds = {mode: sum(item["seconds"] for item in items) for mode, items in content["runs"].items()}
    noise = "within noise" if low <= 0 <= high else "not within noise"
    trained = f"{content['model']} at {content['image_size']} px on {content['data']}, {content['epochs']} epochs, {seeds} seeds"
    return (
        f"{trained}: test accuracy of fast minus reference mode "
        f"{mean:+.2f} points ({100 * content['level']:.0f} % interval {low:+.2f} to {high:+.2f}; {noise}); "
        f"fast mode took {seconds['fast'] / seconds['reference']:.0%} of the time."
    )


def memory_sentence(content: Mapping[str, Any]) -> str:
    beyond, cache = content["beyond"], content["cache"]
    verdict = "below" if beyond < MEMORY_AIM else "NOT below"
    return (
        f"{content['model']} on {content['images']:,} images of {content['size']} px: {beyond / 2**30:.2f} GiB "
        f"resident beyond {cache / 2**30:.2f} GiB of mapped cache, {verdict} the 3 GiB aimed at; one epoch with import and decoding took "
        f"{content['seconds']:.0f} s."
    )


TOLD = {
    "accuracy": ("Accuracy: fast against reference mode", accuracy_sentence),
    "memory": ("Memory beyond the mapped cache", memory_sentence),
}


def _rows(text: str) -> dict[str, list[str]]:
    """The lines of every marked row, without those that are empty at its end."""
    rows: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        if mark := MARK.fullmatch(line):
            lines = rows[mark[1]] = []
        elif line.startswith("#"):
            lines = []
        else:
            lines.append(line)
    return {name: "\n".join(lines).rstrip().splitlines() for name, lines in rows.items()}


def _row_lines(name: str, kept: Mapping[str, list[str]], missing: list[str], measured: list[str]) -> list[str]:
    return [f"<!-- {name} -->", *(measured or kept.get(name, missing)), ""]


def _trained(results: Sequence[Mapping[str, Any]], name: str, device: str) -> list[str]:
    """The row of a work on a kind of device, by the last result that has it; empty: none has."""
    found = [(work, result) for result in _those(results, "training", device) for work in result["works"] if work["work"] == name]
    if not found:
        return []
    work, result = found[-1]
    if name in works.FEEDS:
        return [f"**{_name(name)}**: {_feed(work)}.", "", f"- {_measured(result)}"]
    table = ["| " + " | ".join(row) + " |" for row in (COLUMNS, ("---",) * len(COLUMNS), *_cells(work, result))]
    return [f"**{_title(work)}**", "", *table, "", *(f"- {remark}" for remark in _remarks(work)), f"- {_measured(result)}"]


def _told(results: Sequence[Mapping[str, Any]], kind: str, device: str, sentence: Callable[[Mapping[str, Any]], str]) -> list[str]:
    """As `_trained`, for what a sentence tells: each result has its own, so that several networks stand side by side."""
    those = _those(results, kind, device)
    return [line for result in those for line in (f"- {DEVICES[device]}: {sentence(result)}", f"  {_measured(result)}")]


def _those(results: Sequence[Mapping[str, Any]], kind: str, device: str) -> list[Mapping[str, Any]]:
    return [result for result in results if result["kind"] == kind and result["device"].startswith(device)]


def _title(work: Mapping[str, Any]) -> str:
    if "train" not in work:
        return f"{work['title']}: {NOT_MEASURED}"
    counts = f"{work['train']:,} training, {work['validation']:,} validation images"
    repeats = 1 + max(one["repeat"] for one in work["passes"])
    return f"{work['title']}; {counts}, epochs: {work['epochs']}, batch size {work['batch_size']}; {wording.count(repeats, 'repeat')}"


def _name(work: str) -> str:
    if work in works.FEEDS:
        return f"{works.FEEDS[work]}: real feed ÷ one batch that lies on the device"
    return works.get(work).title


def _feed(work: Mapping[str, Any]) -> str:
    if work["failure"]:
        return f"failed: {work['failure']}"
    values = work["ratios"]
    return f"{statistics.median(values):.3f} ({min(values):.3f}–{max(values):.3f}), aim {work['aim']}"


def _cells(work: Mapping[str, Any], result: Mapping[str, Any]) -> list[tuple[str, ...]]:
    items = [passes.from_json(item) for item in work["passes"]]
    adds = 0 if work["frozen"] else work.get("multiply_adds", 0)  # a frozen trunk runs without its backward pass, in ours not every epoch
    operations = summary.training_operations(adds, work.get("train", 0), work.get("validation", 0), work["epochs"])
    own = next((item.details["precision"] for item in items if item.details), "fp32")
    peaks = {name: result["peaks"][own if name == OURS else peers.get(name).precision] for name in {item.participant for item in items}}
    return [_row(row, work, result["device"]) for row in summary.rows(items, operations, peaks)]


def _row(row: Row, work: Mapping[str, Any], device: str) -> tuple[str, ...]:
    title = OURS if row.participant == OURS else peers.get(row.participant).title
    if row.failure:
        return (title, "failed", "", "", "", "", "")
    aim = work["aims"].get(f"{row.participant} gpu" if device.startswith("cuda") else row.participant)
    ratio = f"{row.ratio.value:.2f} ({row.ratio.low:.2f}–{row.ratio.high:.2f})" if row.ratio else "1"
    share = f"{row.peak_share:.0%}" if row.peak_share else ""
    wall = f"{row.wall:.1f}{' (reckoned)' if row.reckoned else ''}"
    return (title, wall, f"{row.cpu:.0f}", f"{row.peak_rss / 1e9:.1f}", ratio, f"≥ {aim}" if aim and row.ratio else "", share)


def _remarks(work: Mapping[str, Any]) -> list[str]:
    """Who did not take part or failed and why, which passes were disturbed, and what was reckoned."""
    items = [passes.from_json(item) for item in work["passes"]]
    lines = [f"{_participant(name)} did not take part: {reason}." for name, reason in work["left_out"].items()]
    lines += [f"{_participant(item.participant)} failed: {item.failure}." for item in items if item.failure]
    for item in items:
        if item.disturbed:
            what = f"{_participant(item.participant)}, repeat {item.repeat + 1}{', repeated' if item.again else ''}"
            lines.append(f"Disturbed: {what}, {item.wall:.1f} s with a control of {1000 * item.control:.0f} ms.")
    if any(item.measured for item in items):
        short, long = passes.LENGTHS
        lines.append(
            f"Times marked as reckoned are of {work['epochs']} epochs, from trainings of {short} and {long} epochs: the first, and the "
            "same difference for each further epoch."
        )
    paces = [item.details["images_per_second"] for item in items if item.details and item.details["images_per_second"]]
    if paces:
        own = next(item.details["precision"] for item in items if item.details)
        pace = statistics.median(paces)
        lines.append(f"Ours while training: {pace:,.{0 if pace >= SLOW else 1}f} images/s ({own}).")
    return lines


def _participant(name: str) -> str:
    return "Ours" if name == OURS else peers.get(name).title


def _measured(result: Mapping[str, Any]) -> str:
    """When and on what: rows of one table may come from several machines."""
    machine = result["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    what = f"{machine['processor']}, {machine['cores']} cores, {machine['memory'] / 2**30:.0f} GiB, {machine['gpu'] or 'no GPU'}"
    peaks = ", ".join(f"{name} {speed / 1e12:.2f}" for name, speed in result.get("peaks", {}).items())
    best = f"; best matrix product: {peaks} TFLOP/s" if peaks else ""
    return f"Measured {machine['date']} on {what}{best}; {machine['system']}; Python {machine['python']}; {versions}."
