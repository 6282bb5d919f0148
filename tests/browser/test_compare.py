"""Comparing in a real browser: choose three runs, sort, read the verdict, click a cell, see its images, take table and report away."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from core.data import library
from core.recipes import fitting
from core.runs import store
from core.training import worker
from tests.browser.acts import choose


@pytest.fixture
def runs(server, make_folder, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids of three runs of a second's training on one small set, in the server's artifacts."""
    monkeypatch.setenv("CXRLAB_ARTIFACTS", str(server.artifacts))
    folder = make_folder({"covid": 30, "normal": 30}, size=24, patients=2, name="small")
    made = []
    for epochs in (1, 2, 3):
        draft = fitting.draft(model="alasfoor-cnn22", **{"image.size": 24, "epochs": epochs, "batch_size": 8})
        made.append(store.create(fitting.fit(draft, library.open_dataset(str(folder)))[0]))
        worker.run(made[-1])
    return [run.id for run in made]


def test_choose_three_runs_sort_click_a_cell_see_images_take_table_and_report_away(page: Page, server, runs: list[str]):
    page.goto(f"{server.url}/compare")
    expect(page.get_by_role("heading", name="Side by side")).to_be_visible()
    choice = page.get_by_test_id("stMultiSelect").filter(has=page.get_by_text("Runs", exact=True))
    for _ in runs:
        choice.get_by_role("combobox").click()
        page.get_by_role("option", name=re.compile("alasfoor-cnn22")).first.click()
        page.wait_for_timeout(500)
    page.keyboard.press("Escape")
    expect(page.get_by_text(re.compile("No evidence that|is better than")).first).to_be_visible()
    page.wait_for_url(re.compile("runs=" + "(?:%2C|,)".join(["[^%,&]+"] * 3) + "(?:&|$)"))

    choose(page, "Sorted by", "^Loss")
    page.wait_for_url(re.compile("sort=loss"))

    table = download(page, page.get_by_role("button", name="LaTeX"))
    assert r"\toprule" in table.read_text()
    assert table.read_text().count("alasfoor-cnn22") >= 3

    # The images behind a cell: the middle of the first cell is clicked, as a person would.
    page.goto(f"{server.url}/runs?run={runs[-1]}&view=matrix")
    plot = page.locator(".js-plotly-plot").filter(has_text="predicted").first
    plot.scroll_into_view_if_needed()
    expect(page.get_by_text("Click a cell to see its images.")).to_be_visible()
    page.wait_for_timeout(1000)  # the plot settles
    for cell in range(4):
        click_cell(page, plot, *divmod(cell, 2))
        if page.get_by_test_id("stImage").count():
            break
    expect(page.get_by_test_id("stImage").first).to_be_visible()
    expect(page.get_by_text(re.compile(r"covid → covid|normal → normal|covid → normal|normal → covid")).first).to_be_visible()

    page.goto(f"{server.url}/runs?run={runs[-1]}&view=files")
    report = download(page, page.get_by_role("button", name="HTML report"))
    assert runs[-1] in report.read_text()
    assert "Not a medical device" in report.read_text()


def click_cell(page: Page, plot: Locator, row: int, column: int) -> None:
    """Click the middle of a cell of the 2 × 2 matrix, found by the plot's own axes."""
    place = plot.evaluate(
        """(plot, [row, column]) => {
            const {xaxis, yaxis} = plot._fullLayout, box = plot.getBoundingClientRect();
            return [box.left + xaxis._offset + xaxis.d2p(column), box.top + yaxis._offset + yaxis.d2p(row)];
        }""",
        [row, column],
    )
    page.mouse.click(*place)
    page.wait_for_timeout(2500)


def download(page: Page, button: Locator) -> Path:
    button.first.scroll_into_view_if_needed()
    with page.expect_download() as waiting:
        button.first.click()
    return Path(waiting.value.path())
