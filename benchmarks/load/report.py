"""A measurement's figures as text, for the console and, between two marks, for docs/load.md."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core import wording
from core.errors import UnusableData
from core.files import write_text
from core.report.tables import Table, markdown

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
PAGE_AIM = 2.0  # seconds, at the 95th percentile
SLOWED_AIM = 1.10  # training with visitors ÷ without
FLAT = 0.05  # growth in ten minutes, as a share of what the app holds, from which on memory is called growing
_MEBIBYTE = 2**20


def text(found: Mapping[str, Any]) -> str:
    """Markdown: what it says, against the aims, then the tables."""
    parts = ["\n".join(f"- {sentence}" for sentence in sentences(found))]
    parts.append(markdown(Table(_page_rows(found["by_page"]), "Page changes of visitors over the websocket, in seconds")).strip())
    if found["browsers_by_page"]:
        title = "Pages in Chromium on the same machine, in seconds until they are drawn"
        parts.append(markdown(Table(_page_rows(found["browsers_by_page"]), title)).strip())
    parts.append(markdown(Table(_busy_rows(found["busy"]), "Cores that each process kept busy, on average")).strip())
    parts.append(_machine(found))
    return "\n\n".join(parts) + "\n"


def sentences(found: Mapping[str, Any]) -> list[str]:
    """Each aim with what was measured."""
    plan = found["plan"]
    said = [
        f"{plan['sessions']} people browsed for {plan['minutes']:g} min, looking at each page for {plan['think'][0]:g} to "
        f"{plan['think'][1]:g} s, in {found['sessions']:,} sessions one after another; {found['live_runs']:,} refreshes of live parts."
    ]
    said.append(f"Errors shown, broken connections, pages that never came: {found['errors']}. Aim 0: {_met(found['errors'] == 0)}.")
    if changes := found["changes"]:
        said.append(
            f"{changes['n']:,} page changes: median {changes['median']:.2f} s, 95 % within {changes['p95']:.2f} s, 99 % within "
            f"{changes['p99']:.2f} s, longest {changes['longest']:.2f} s. "
            f"Aim 95 % within {PAGE_AIM:g} s: {_met(changes['p95'] < PAGE_AIM)}."
        )
    if tabs := found["browsers"]:
        said.append(
            f"In {plan['browsers']} real browsers, opened from a link: {tabs['n']:,} pages, median {tabs['median']:.2f} s, 95 % within "
            f"{tabs['p95']:.2f} s; loading the app's program and drawing included, on the cores that the app and the training use."
        )
    said += [_training(found["training"]), _memory(found["memory"])]
    return [*said, *(f"Told {count} times: {error}" for error, count in found["errors_told"].items())]


def write(found: Mapping[str, Any], path: Path) -> None:
    """Put the figures between the marks of `path`.

    Raises:
        UnusableData: the marks are not there.
    """
    before, begin, rest = path.read_text(encoding="utf-8").partition(BEGIN) if path.is_file() else ("", "", "")
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise UnusableData("The document has two marks for its figures.", f"{path} without {BEGIN} or {END}", "Put them back.")
    write_text(path, f"{before}{BEGIN}\n{text(found)}{END}{after}")


def _training(slowed: Mapping[str, float] | None) -> str:
    if slowed is None:
        return "Training: too few epochs to compare."
    return (
        f"An epoch took {slowed['alone']:.2f} s alone and {slowed['visited']:.2f} s with visitors: × {slowed['ratio']:.3f} "
        f"({slowed['low']:.3f} to {slowed['high']:.3f}). Aim below × {SLOWED_AIM:.2f}: {_met(slowed['ratio'] < SLOWED_AIM)}."
    )


def _memory(memory: Mapping[str, float] | None) -> str:
    if memory is None:
        return "Memory: too few samples after the warm-up."
    slope, low, high = (memory[name] / _MEBIBYTE for name in ("slope", "low", "high"))
    flat = memory["slope"] < FLAT * memory["warm"]
    return (
        f"The app held {wording.size(memory['start'])} when they came, {wording.size(memory['warm'])} after 5 min, "
        f"{wording.size(memory['end'])} at the end, {wording.size(memory['highest'])} at most. From 5 min on it changed by "
        f"{slope:+.1f} MiB in ten minutes ({low:+.1f} to {high:+.1f}). Aim below {wording.percent(FLAT)} of it: {_met(flat)}."
    )


def _met(yes: bool) -> str:
    return "met" if yes else "**not met**"


def _page_rows(by_page: Mapping[str, Mapping[str, float]]) -> list[dict[str, str]]:
    return [
        {"Page": name, "n": f"{found['n']:,}"}
        | {title: f"{found[key]:.2f}" for title, key in (("median", "median"), ("95 %", "p95"), ("99 %", "p99"), ("longest", "longest"))}
        for name, found in by_page.items()
    ]


def _busy_rows(busy: Mapping[str, Mapping[str, float]]) -> list[dict[str, str]]:
    processes = dict.fromkeys(process for used in busy.values() for process in used)
    return [{"": stretch} | {one: f"{used[one]:.2f}" if one in used else "–" for one in processes} for stretch, used in busy.items()]


def _machine(found: Mapping[str, Any]) -> str:
    where, plan = found["machine"], found["plan"]
    versions = {"streamlit": where["streamlit"], "torch": where["versions"].get("torch"), "python": where["python"]}
    on = ", ".join([where["processor"], wording.count(where["cores"], "core"), *filter(None, [where["gpu"]])])
    told = ", ".join(f"{name} {number}" for name, number in versions.items())
    return f"Measured {where['date']} on {on}, {wording.size(where['memory'])}; {told}. Training: {plan['recipe']} on the phantom set."
