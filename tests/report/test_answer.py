"""A page about an answer says all that must stand beside it, opens without network, and shows names as text."""

from __future__ import annotations

import base64
import csv
import io
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from core import wording
from core.errors import CoreError, InvalidSpec
from core.report import answer as answers
from core.report import tables
from core.report.answer import AnswerRecord, Origin
from core.report.tables import Table
from core.runs.store import Run

QUICK = settings(max_examples=40, deadline=None, derandomize=True)
HOSTILE = "<script>alert(1)<"
GREYS = np.random.default_rng(0).integers(0, 256, (40, 60), np.uint8)
READ, HEAT = answers.picture(GREYS), answers.picture(np.repeat(255 - GREYS[..., None], 3, axis=2))
ORIGIN = Origin("ResNet-18", "run-1", "0123456789ab", "my set (synthetic)", "75.0 % (50.0–90.0) of 12 images", cautions=("Synthetic.",))
RECORD = AnswerRecord(ORIGIN, "scan.png", "covid", {"normal": 0.25, "covid": 0.75}, READ, answered=1e9)


def sources(html: str) -> list[bytes]:
    """The pictures in a page, decoded."""
    return [base64.b64decode(content) for content in re.findall(r'src="data:image/png;base64,([^"]*)"', html)]


def test_a_page_names_image_answer_probabilities_and_run() -> None:
    html = answers.page([RECORD])
    for text in (
        "scan.png",
        "Answer: covid",
        "75.0 %",
        "25.0 %",
        *(ORIGIN.network, ORIGIN.run_id, ORIGIN.recipe_id, ORIGIN.data, ORIGIN.accuracy),
    ):
        assert text in html
    assert wording.moment(RECORD.answered) in html
    assert "not calibrated" in html


def test_every_answer_is_called_no_medical_device_and_has_its_cautions() -> None:
    html = answers.page([RECORD, RECORD, RECORD])
    for section in html.split("<article")[1:]:
        assert "Not a medical device:" in section
        assert "Synthetic." in section


def test_a_page_needs_no_network() -> None:
    html = answers.page([replace(RECORD, heat_map=HEAT)] * 2)
    assert "http" not in html.replace("http-equiv", "")
    assert all(link.startswith(("#", "data:")) for link in re.findall(r'(?:src|href)="([^"]*)"', html))
    assert "default-src 'none'" in html


def test_the_pictures_are_inside() -> None:
    assert sources(answers.page([RECORD])) == [READ]
    html = answers.page([replace(RECORD, heat_map=HEAT, method="Grad-CAM", explained="normal", peak="3.2 units of the logit")])
    assert sources(html) == [READ, HEAT]
    assert "Grad-CAM for “normal”" in html
    assert "3.2 units of the logit" in html


@pytest.mark.parametrize("field", ["image", "method", "explained", "peak"])
def test_markup_in_a_text_stays_text(field: str) -> None:
    html = answers.page([replace(RECORD, heat_map=HEAT, **{field: HOSTILE})])
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;" in html


def test_markup_in_classes_warnings_and_the_runs_own_words_stays_text() -> None:
    origin = Origin(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, (HOSTILE,))
    odd = AnswerRecord(origin, "x.png", HOSTILE, {HOSTILE: 1.0}, READ, 1e9, positive=HOSTILE, threshold=0.5, warnings=(HOSTILE,))
    assert "<script" not in answers.page([odd, replace(odd, findings=(HOSTILE,))])


@pytest.mark.parametrize("path", ["/home/me/secret/scan.png", r"C:\Users\me\secret\scan.png", "secret/scan.png"])
def test_folders_are_never_shown(path: str) -> None:
    record = replace(RECORD, image=path)
    assert record.name == "scan.png"
    assert "secret" not in answers.page([record, record])
    assert "secret" not in str(answers.table([record]))


def test_findings_stand_before_the_answer_and_warnings_after_it() -> None:
    html = answers.page([replace(RECORD, findings=("Unlike the training images.",), warnings=("Very small.",))])
    assert html.index("Unlike the training images.") < html.index("Answer: covid") < html.index("Very small.")


@pytest.mark.parametrize(("threshold", "called"), [(0.74, True), (0.75, True), (0.76, False)])
def test_a_threshold_says_whether_it_is_reached(threshold: float, called: bool) -> None:
    record = replace(RECORD, positive="covid", threshold=threshold)
    assert record.called is called
    html = answers.page([record])
    assert wording.percent(threshold) in html
    assert ("not reached" in html) is not called
    assert f"left: {100 * threshold:.2f}%" in html


def test_without_a_threshold_nothing_is_called() -> None:
    assert RECORD.called is None
    assert "Threshold" not in answers.page([RECORD])


def test_a_temperature_is_said() -> None:
    html = answers.page([replace(RECORD, temperature=1.73)])
    assert "temperature of 1.73" in html
    assert "not calibrated" not in html


def test_several_answers_begin_with_a_list_that_leads_to_each() -> None:
    html = answers.page([RECORD, replace(RECORD, image="other.png")])
    assert re.findall(r'href="#([^"]*)"', html) == re.findall(r'<article id="([^"]*)"', html) == ["answer-1", "answer-2"]
    assert "2 answers" in html
    assert "href" not in answers.page([RECORD])


def test_a_page_without_answers_is_refused() -> None:
    with pytest.raises(InvalidSpec, match="at least one answer"):
        answers.page([])


@pytest.mark.parametrize("change", [{"label": "flu"}, {"positive": "flu", "threshold": 0.5}])
def test_a_class_without_a_probability_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(InvalidSpec, match="flu"):
        answers.page([replace(RECORD, **change)])


def test_rows_of_several_networks_share_their_columns() -> None:
    other = replace(RECORD, label="flu", probabilities={"flu": 0.9, "covid": 0.1}, positive="covid", threshold=0.5)
    first, second = answers.table([RECORD, other])
    assert list(first) == list(second)
    assert (first["probability_normal"], first["probability_covid"], first["probability_flu"]) == (0.25, 0.75, None)
    assert (second["probability_normal"], second["probability_covid"], second["probability_flu"]) == (None, 0.1, 0.9)
    assert (first["called"], second["called"]) == (None, False)


@QUICK
@given(st.lists(st.floats(0, 1), min_size=2, max_size=2))
def test_probabilities_in_csv_are_not_rounded(shares: list[float]) -> None:
    record = replace(RECORD, probabilities=dict(zip(("normal", "covid"), shares, strict=True)))
    (row,) = csv.DictReader(io.StringIO(tables.csv(Table(answers.table([record])))))
    assert [float(row["probability_normal"]), float(row["probability_covid"])] == shares


def test_a_file_name_in_csv_is_no_formula() -> None:
    text = tables.csv(Table(answers.table([replace(RECORD, image='=HYPERLINK("x").png')])))
    assert pd.read_csv(io.StringIO(text))["image"].tolist() == ['\'=HYPERLINK("x").png']


def test_a_picture_keeps_its_values_where_it_is_small_and_its_shape_where_it_is_large() -> None:
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(READ))), GREYS)
    large = Image.open(io.BytesIO(answers.picture(np.zeros((3000, 1500), np.uint8))))
    assert large.size == (answers.LONGEST // 2, answers.LONGEST)


def test_the_origin_of_a_finished_run_states_its_test_accuracy_with_interval(make_run: Callable[..., Run]) -> None:
    run = make_run(patients=False)
    origin = Origin.of(run)
    assert origin.accuracy == "75.0 % (50.0–90.0) of 12 images"
    assert (origin.run_id, origin.recipe_id, origin.data) == (run.id, run.recipe().id, "my set")
    assert origin.software == "CXR Lab 0.1.0, torch 2.15.0"
    assert any("Patients are unknown" in caution for caution in origin.cautions)


def test_the_origin_of_an_unfinished_run_leaves_out_what_is_unknown(make_run: Callable[..., Run]) -> None:
    origin = Origin.of(make_run(finished=False))
    assert (origin.accuracy, origin.split, origin.software) == ("", "", "")
    html = answers.page([replace(RECORD, origin=origin)])
    assert "Test accuracy" not in html


def test_one_answer_prints_on_one_page_and_several_on_one_each_after_their_list(chromium: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER_PATH", chromium)
    shares = {"covid": 1.0, **dict.fromkeys("abcd", 0.0)}
    full = replace(RECORD, heat_map=HEAT, findings=("Odd.",) * 2, warnings=("Small.",) * 3, probabilities=shares)
    for number, sheets in ((1, 1), (2, 3)):
        content = answers.pdf(answers.page([full] * number))
        assert content.startswith(b"%PDF")
        assert len(re.findall(rb"/Type\s*/Page\b", content)) == sheets


def test_without_a_browser_a_person_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER_PATH", "/nowhere/chromium")
    with pytest.raises(CoreError, match=r"Install Chromium.*print it from there"):
        answers.pdf(answers.page([RECORD]))


def test_a_browser_that_does_not_print_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "browser"
    script.write_text("#!/bin/sh\nexit 3\n")
    script.chmod(0o755)
    monkeypatch.setenv("BROWSER_PATH", str(script))
    with pytest.raises(CoreError, match="starts and prints"):
        answers.pdf(answers.page([RECORD]))


def test_a_page_that_no_browser_would_be_handed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "LARGEST_PAGE", 10)
    with pytest.raises(CoreError, match="fewer answers"):
        answers.pdf(answers.page([RECORD]))
