"""The report as a page: whole in itself, honest, and safe whatever a class is called."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core import wording
from core.report import html
from core.runs.store import Run

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def page_of(run: Run, **options: object) -> str:
    """The report without the library that draws."""
    return re.sub(r"(?s)<script>/\*\*.*?</script>", "", html.report(run, **options), count=1)


def test_a_report_holds_what_the_run_is_what_it_found_and_how_to_repeat_it(make_run: Callable[..., Run]) -> None:
    run = make_run(synthetic=True)
    page = page_of(run, extra_cautions=["A probe is better."])
    for text in (
        "ResNet-18 on my set (synthetic)", "Not a medical device", wording.SYNTHETIC_NOTE, "A probe is better.", run.id,
        "Calibration error",
        "Mean by class size", "Two-minute demonstration", "torch 2.15.0", "--data &#39;my set&#39; --recipe recipe.json",
        "grouped by patient",
    ):  # fmt: skip
        assert text in page, text
    assert "What is missing" not in page


def test_a_class_called_like_a_tag_stays_text(make_run: Callable[..., Run]) -> None:
    page = page_of(make_run())
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page


def test_a_run_without_predictions_says_what_is_missing(make_run: Callable[..., Run]) -> None:
    page = page_of(make_run(finished=False))
    assert "What is missing" in page
    assert "The file …/x.png is damaged." in page
    assert "Test part:" not in page


@pytest.mark.parametrize("finished", [True, False])
def test_a_report_asks_no_network_and_names_no_folder(make_run: Callable[..., Run], finished: bool) -> None:
    page = page_of(make_run(finished=finished, weights={"source": "file", "place": "/home/me/first.pt"}))
    assert "default-src 'none'" in page
    assert not re.findall(r"<(?:link|img|iframe)\b|\bsrc=|url\(", page)
    assert "/home/me" not in page


def test_comparisons_and_further_figures_are_in_it(make_run: Callable[..., Run]) -> None:
    import plotly.graph_objects as go

    from core.evaluation.metrics import evaluate_predictions

    run = make_run()
    other = evaluate_predictions(run.predictions(), run.recipe().data.classes, "validation")
    page = page_of(run, comparisons={"border pixels": other}, further_figures={"ROC & more": go.Figure(go.Scatter(x=[0, 1], y=[0, 1]))})
    assert "<td>border pixels</td>" in page
    assert 'data-figure="ROC &amp; more"' in page


def test_a_browser_draws_the_figures_without_network_or_error(make_run: Callable[..., Run], browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text(html.report(make_run()), encoding="utf-8")
    said: list[str] = []
    page = browser.new_page(viewport={"width": 390, "height": 800}, color_scheme="dark")
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: said.append(request.url) if not request.url.startswith(("file:", "data:", "blob:")) else None)
    page.goto((tmp_path / "report.html").as_uri())
    page.wait_for_selector(".plot .ytick text")
    labels = page.locator(".plot .ytick text").all_text_contents()
    width = page.evaluate("document.documentElement.scrollWidth")
    page.close()
    assert said == []
    assert "<script>alert(1)</script>" in labels
    assert width == 390
