"""Figures as text, and their place in a document."""

from dataclasses import asdict

import pytest

from benchmarks.load import report
from benchmarks.load.figures import Memory, Ratio, Times
from benchmarks.load.measure import Plan
from core.errors import UnusableData

MACHINE = {
    "processor": "EPYC", "cores": 2, "gpu": None, "memory": 2**34, "system": "Linux", "python": "3.11", "versions": {"torch": "2.14"},
    "date": "2026-11-25 03:00 UTC", "streamlit": "1.67",
}  # fmt: skip


def found(p95=1.0, ratio=1.05, slope=0.0, errors=0):
    pages = asdict(Times(2_000, 0.2, p95, 1.5, 3.0))
    return {
        "machine": MACHINE,
        "plan": asdict(Plan()),
        "changes": pages,
        "by_page": {"runs": pages},
        "browsers": None,
        "browsers_by_page": {},
        "sessions": 150,
        "live_runs": 9_000,
        "errors": errors,
        "errors_told": {"runs?: ValueError": errors} if errors else {},
        "memory": asdict(Memory(7 * 10**8, 8 * 10**8, 8 * 10**8, 9 * 10**8, slope, slope - 1, slope + 1)),
        "training": asdict(Ratio(2.0, 2.0 * ratio, ratio, ratio - 0.01, ratio + 0.01)),
        "busy": {"alone": {"app": 0.01, "trainer": 1.9}, "visited": {"app": 0.2, "trainer": 1.7, "visitors": 0.02}},
    }


def test_aims_that_are_met_are_said_to_be_and_so_are_those_that_are_not():
    assert "not met" not in report.text(found())
    for missed in ({"p95": 2.5}, {"ratio": 1.2}, {"slope": 10.0**8}, {"errors": 3}):
        assert report.text(found(**missed)).count("**not met**") == 1
    assert "Told 3 times: runs?: ValueError" in report.text(found(errors=3))


def test_what_could_not_be_measured_is_said():
    said = "\n".join(report.sentences(found() | {"memory": None, "training": None, "changes": None}))
    assert "too few epochs" in said
    assert "too few samples" in said


def test_every_process_has_its_column_and_a_gap_where_it_was_not_there():
    rows = report._busy_rows(found()["busy"])
    assert [list(row) for row in rows] == [["", "app", "trainer", "visitors"]] * 2
    assert rows[0]["visitors"] == "–"


def test_the_figures_take_the_place_between_the_marks_and_nothing_else(tmp_path):
    document = tmp_path / "load.md"
    document.write_text(f"Before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    report.write(found(), document)
    report.write(found(), document)
    text = document.read_text()
    assert text.startswith(f"Before\n{report.BEGIN}\n- 30 people")
    assert text.endswith(f"{report.END}\nafter\n")
    assert "old" not in text
    document.write_text("nothing")
    with pytest.raises(UnusableData, match="two marks"):
        report.write(found(), document)
