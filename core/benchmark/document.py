"""The tables in docs/benchmark.md: written between two marks by the command, never by hand."""

from __future__ import annotations

from pathlib import Path

from core.benchmark import reading
from core.benchmark.table import Table
from core.errors import UnusableData
from core.files import write_text
from core.report import tables

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def path() -> Path:
    return Path(__file__).resolve().parents[2] / "docs" / "benchmark.md"


def markdown(table: Table) -> str:
    """Reading, rows, probes, and what was not run."""
    said = "\n".join(f"- {tables.markdown_text(sentence)}" for sentence in reading.read(table))
    rows = tables.markdown(tables.Table(table.rows(), table.title, tuple(table.notes())))
    parts = ["### What it says", said, "### The rows", rows.strip()]
    if table.probes:
        parts += ["### The probes", tables.markdown(tables.Table(table.probe_rows(), "Shortcut probes on the same folds")).strip()]
    missing = "\n".join(f"- {what}" for what in table.not_run()) or "Nothing: all rows and folds were run."
    return "\n\n".join([*parts, "### What was not run", missing]) + "\n"


def written() -> str:
    """What stands between the marks now. Raises as `write`."""
    return _parts()[1].strip() + "\n"


def write(table: Table) -> None:
    """Put the tables between the marks.

    Raises:
        UnusableData: the marks are not there.
    """
    before, _, after = _parts()
    write_text(path(), f"{before}{BEGIN}\n{markdown(table)}{END}{after}")


def _parts() -> tuple[str, str, str]:
    """What stands before the marks, between and after them."""
    before, begin, rest = path().read_text(encoding="utf-8").partition(BEGIN)
    content, end, after = rest.partition(END)
    if not begin or not end:
        raise UnusableData("The document has two marks for its tables.", f"{path()} without {BEGIN} or {END}", "Put them back.")
    return before, content, after
