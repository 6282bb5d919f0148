"""The model card and its checklist claim what the record holds, and no more."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from core import wording
from core.report import card, claim, record
from core.runs.store import Run

SECTIONS = [
    "Model details", "Intended use", "Out of scope", "Training data", "Evaluation data", "Metrics", "Limitations", "How to repeat it",
    "CLAIM 2024 checklist",
]  # fmt: skip


def answers(run: Run, **options: object) -> dict[int, str]:
    return {int(row["No."]): row["Answer"] for row in claim.checklist(record.gather(run, **options))}


@pytest.mark.parametrize("finished", [True, False])
def test_a_card_has_every_section_and_every_item(make_run: Callable[..., Run], finished: bool) -> None:
    text = card.model_card(make_run(finished=finished))
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == SECTIONS
    assert [int(number) for number in re.findall(r"^\| (\d+) \|", text.partition("CLAIM 2024")[2], re.MULTILINE)] == list(range(1, 45))
    assert "{{" not in text
    assert "None" not in text.replace("None are stored", "")


def test_names_in_a_card_are_no_markdown_and_no_html(make_run: Callable[..., Run]) -> None:
    text = card.model_card(make_run())
    assert "<script>" not in text
    assert r"\<script\>alert(1)\</script\>" in text


def test_a_card_names_no_folder_of_this_machine(make_run: Callable[..., Run]) -> None:
    text = card.model_card(make_run(weights={"source": "file", "place": "/home/me/first.pt"}))
    assert "first.pt" in text
    assert "/home/me" not in text


def test_cautions_are_limitations(make_run: Callable[..., Run]) -> None:
    limitations = card.model_card(make_run(synthetic=True), ["A probe is better."]).partition("## Limitations")[2]
    assert limitations.strip().startswith(f"- A probe is better.\n- {wording.SYNTHETIC_NOTE}")


def test_each_answer_is_filled_partly_or_open(make_run: Callable[..., Run]) -> None:
    found = answers(make_run())
    assert all(answer.startswith(("filled from the record: ", "partly: ")) or answer == claim.OPEN for answer in found.values())
    assert all("; open: " in answer for answer in found.values() if answer.startswith("partly"))


@pytest.mark.parametrize("item", [2, 4, 5, 6, 11, 13, 15, 16, 18, 21, 31, 33, 34, 44])
def test_what_no_record_can_hold_is_left_to_the_author(make_run: Callable[..., Run], item: int) -> None:
    assert answers(make_run(synthetic=True))[item] == claim.OPEN


@pytest.mark.parametrize("item", [12, 19, 20, 23, 28, 29, 32, 35, 36, 37, 38, 39, 43])
def test_what_a_failed_run_never_stored_is_left_open(make_run: Callable[..., Run], item: int) -> None:
    assert answers(make_run(finished=False))[item] == claim.OPEN


def test_the_split_and_its_level_are_as_the_record_has_them(make_run: Callable[..., Run]) -> None:
    assert "train 36, validation 12, test 12 images" in answers(make_run())[19]
    assert answers(make_run())[20].endswith("grouped by patient")
    assert answers(make_run(patients=False))[20].endswith("ungrouped (patients unknown)")


def test_only_synthetic_data_has_a_known_source(make_run: Callable[..., Run]) -> None:
    assert answers(make_run(synthetic=True))[7].startswith("filled")
    assert answers(make_run())[7].startswith("partly")


def test_comparisons_are_part_of_a_sensitivity_analysis(make_run: Callable[..., Run]) -> None:
    run = make_run()
    assert answers(run)[30] == claim.OPEN
    assert "border pixels" in answers(run, comparisons={"border pixels": record.gather(run).evaluation})[30]
