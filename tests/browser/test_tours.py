"""Every guided tour is walked to its end over the real pages: at each step a person does what the step says, and then goes on.

A picture of each step's page stays in `test-output/`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import skimage.data
from PIL import Image
from playwright.sync_api import Page, expect

from core.data import library, phantom
from core.recipes import fitting
from core.runs import index, store
from core.teaching import quiz, tours
from core.training import worker
from tests.browser.acts import choose, drawn, settle
from tests.browser.conftest import OUTPUT, TRAINING, Server

CLASSES_SHOWN = """() => [...document.querySelectorAll('.js-plotly-plot')]
    .flatMap(plot => plot.data || []).find(trace => trace.type === 'heatmap')?.text?.length ?? 0"""


@pytest.fixture
def small_phantom(server: Server, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of synthetic chests under the name of those that the demo draws, but few and small."""
    monkeypatch.setenv("CXRLAB_ARTIFACTS", str(server.artifacts))
    folder = server.artifacts / "datasets" / "phantom" / "images"
    if not library.is_registered("phantom"):
        phantom.write(folder, per_class=24, size=96)
        library.import_folder(folder, "phantom", synthetic=True)
    return folder


@pytest.fixture
def trained(small_phantom: Path) -> str:  # noqa: ARG001
    """The id of a tested run: the one that the first tour trained, where that was walked before."""
    tested = [row.run_id for row in index.rows() if row.accuracy is not None]
    if tested:
        return tested[-1]
    draft = fitting.draft(model="alasfoor-cnn22", **{"image.size": 64, "epochs": 2, "batch_size": 16})
    run = store.create(fitting.fit(draft, library.open_dataset("phantom"))[0])
    worker.run(run)
    return run.id


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    Image.fromarray(skimage.data.astronaut()).save(tmp_path / "photo.jpg")
    return tmp_path / "photo.jpg"


def test_train_your_first_network(page: Page, server: Server, small_phantom: Path, photo: Path):
    assert small_phantom.is_dir()

    def start() -> None:
        page.get_by_role("button", name="Try it: two-minute demo").click()
        page.wait_for_url(re.compile(r"/runs\?.*run="))
        expect(page.locator(".st-key-tour")).to_contain_text("step 2 of")  # the tour goes on by itself

    def watch() -> None:
        expect(page.locator(".js-plotly-plot").first).to_be_visible()
        expect(page.get_by_role("heading", name="Test part")).to_be_visible(timeout=TRAINING)  # comes by itself
        expect(page.get_by_role("button", name="Next")).to_be_enabled()

    def read() -> None:
        expect(page.get_by_text(re.compile(r"^95 %: \d")).first).to_be_visible()

    def look_at_errors() -> None:
        expect(page.get_by_text(re.compile(r"images?, 1 to \d+ shown"))).to_be_visible()
        page.get_by_text("Grad-CAM for the answer").click()
        expect(page.get_by_test_id("stImage").first).to_be_visible()

    def upload() -> None:
        page.locator("input[type=file]").first.set_input_files(photo)
        expect(page.get_by_text("The answer is withheld")).to_be_visible()
        page.get_by_text("Show anyway").click()
        expect(page.get_by_role("heading", name="Answer: ")).to_be_visible()

    walk(page, server, "first-network", [start, watch, read, look_at_errors, upload])


def test_reading_a_confusion_matrix(page: Page, server: Server, trained: str):
    def find() -> None:
        page.wait_for_function(f"({CLASSES_SHOWN})() > 1")

    def by_rows() -> None:
        page.wait_for_url(re.compile(r"cells=row"))
        find()

    def by_columns() -> None:
        page.wait_for_url(re.compile(r"cells=column"))
        find()

    def click_a_cell() -> None:
        drawn(page)  # a click on the plot that is about to be replaced is lost
        find()
        plot = page.locator(".st-key-matrix .js-plotly-plot .nsewdrag").first
        plot.scroll_into_view_if_needed()
        box = plot.bounding_box()
        classes = page.evaluate(CLASSES_SHOWN)
        plot.click(position={"x": box["width"] * 1.5 / classes, "y": box["height"] * 0.5 / classes})  # the first row's second cell
        page.wait_for_url(re.compile("cell="))
        expect(page.get_by_text(re.compile(r"^No image\.$|images?, 1 to \d+ shown"))).to_be_visible()

    def beat_the_network() -> None:
        images = len(quiz.draw(store.find(trained)).samples)
        for number in range(1, images + 1):
            expect(page.get_by_role("heading", name=f"Image {number} of {images}")).to_be_visible()
            page.get_by_test_id("stMain").get_by_role("button", name="Normal").click()
        expect(page.get_by_text("The network, accuracy")).to_be_visible()

    walk(page, server, "confusion-matrix", [find, by_rows, by_columns, click_a_cell, beat_the_network], trained)


def test_threshold_and_prevalence(page: Page, server: Server, trained: str):
    def curves() -> None:
        expect(page.locator(".js-plotly-plot").nth(1)).to_be_visible()

    def threshold() -> None:
        slide(page, "Call it at a probability of", "Home")
        expect(metric(page, "Sensitivity")).to_contain_text("100.0 %")
        expect(metric(page, "Specificity")).to_contain_text("0.0 %")
        slide(page, "Call it at a probability of", "End")
        expect(metric(page, "Specificity")).to_contain_text("100.0 %")
        slide(page, "Call it at a probability of", "PageDown")
        expect(page).to_have_url(re.compile(r"threshold=0\.\d"))

    def prevalence() -> None:
        threshold_before = re.search(r"threshold=([\d.]+)", page.url)[1]
        slide(page, "Share of patients", "Home")
        page.wait_for_url(re.compile(r"prevalence=0\.1"))
        expect(page.get_by_text("At a prevalence of 0.1 %")).to_be_visible()
        assert f"threshold={threshold_before}" in page.url

    def calibration() -> None:
        expect(page.get_by_text("A single temperature")).to_be_visible()
        expect(page.locator(".js-plotly-plot").nth(1)).to_be_visible()

    walk(page, server, "threshold", [curves, threshold, prevalence, calibration], trained)


def test_what_a_heat_map_can_and_cannot_tell(page: Page, server: Server, trained: str, small_phantom: Path):
    def several_methods() -> None:
        expect(page.get_by_text(re.compile(r", peak "))).to_have_count(4)

    def another_class() -> None:
        strongest = page.get_by_text("Grad-CAM++, peak ").inner_text()
        answer = re.search(r"answer: (.+)", page.get_by_text("as the network saw it; answer: ").inner_text())[1]
        choose(page, "^(Selected .*)?Class", "Normal" if answer != "Normal" else "COVID-like")
        page.wait_for_url(re.compile("class="))
        several_methods()
        expect(page.get_by_text("Grad-CAM++, peak ")).not_to_have_text(strongest)

    def take_hot_places_away() -> None:
        page.get_by_test_id("stTabs").get_by_role("button", name="Deletion and insertion").click()
        expect(page.get_by_text("Area under its probability")).to_be_visible()

    def measure() -> None:
        page.get_by_role("button", name=re.compile(r"^Measure \d+ network")).click()
        expect(page.get_by_text("Hits: the hottest place lies in the lesion")).to_be_visible()

    def compare_with_nothing() -> None:
        page.locator("input[type=file]").first.set_input_files(next((small_phantom / "COVID-like").glob("*.png")))
        expect(page.get_by_role("heading", name=re.compile("Answer: |The answer is withheld"))).to_be_visible()
        drawn(page)  # what stands below the heading comes after it
        if page.get_by_text("Show anyway").is_visible():
            page.get_by_text("Show anyway").click()
        page.locator("summary", has_text="Is this map to be trusted?").click()
        page.get_by_role("button", name="Compare with a network that knows nothing").click()
        expect(page.get_by_text("of the layers random").first).to_be_visible()

    walk(page, server, "heat-maps", [several_methods, another_class, take_hot_places_away, measure, compare_with_nothing], trained)


def test_why_97_percent_may_mean_nothing(page: Page, server: Server, trained: str):
    assert trained

    def plant() -> None:
        page.get_by_role("button", name="Plant the marker").click()
        expect(page.get_by_text("its clean twin")).to_be_visible()

    def train_both() -> None:
        epochs = page.get_by_role("spinbutton", name="Epochs")
        epochs.fill("1")
        epochs.press("Enter")
        settle(page)
        page.get_by_role("button", name="Train both").click()
        expect(page.get_by_role("heading", name="3 · Unmask")).to_be_visible(timeout=TRAINING)

    def unmask() -> None:
        page.get_by_role("button", name="Unmask the network").click()
        expect(page.get_by_text("What this means for published figures")).to_be_visible()

    def probe() -> None:
        page.get_by_role("button", name="Probe for shortcuts").click()
        expect(page.get_by_text("Chance is always to answer")).to_be_visible()

    def read_a_paper() -> None:
        expect(page.get_by_text("To beware of")).to_be_visible()
        expect(page.get_by_role("heading", name="Papers")).to_be_visible()

    walk(page, server, "shortcut", [plant, train_both, unmask, probe, read_a_paper])


def walk(page: Page, server: Server, name: str, acts: list[Callable[[], None]], run: str = "") -> None:
    """Start a tour from its card; at each step do what `acts` has for it, and go on. `run`: on which the tour plays."""
    tour = tours.get(name)
    assert len(acts) == len(tour.steps)
    page.set_viewport_size({"width": 1400, "height": 1800})  # for the pictures
    page.goto(f"{server.url}/guide")
    page.locator(f".st-key-start-{name}").get_by_role("button", name="Start").click()
    for number, (step, act) in enumerate(zip(tour.steps, acts, strict=True), start=1):
        bar = page.locator(".st-key-tour")
        expect(bar).to_contain_text(f"step {number} of {len(tour.steps)}")
        expect(bar).to_contain_text(step.title)
        page.wait_for_url(re.compile(rf"//[^/]+/{step.page}(\?|$)"))
        expect(bar.get_by_role("button", name="Open the page of this step")).to_have_count(0)
        if run and step.needs:
            expect(page).to_have_url(re.compile(f"run={run}"))
        act()
        settle(page)
        expect(page.locator('[data-stale="true"]')).to_have_count(0)
        page.screenshot(path=OUTPUT / f"tour-{name}-{number}.png")
        if f"step {number + 1} of" not in bar.inner_text():  # else what was done has led on
            bar.get_by_role("button", name="Next" if number < len(tour.steps) else "Finish").click()
    expect(page.locator(".st-key-tour")).to_have_count(0)


def slide(page: Page, label: str, key: str) -> None:
    """Move a slider by its keyboard."""
    handle = page.get_by_test_id("stSlider").filter(has_text=label).get_by_role("slider")
    handle.scroll_into_view_if_needed()
    handle.press(key)
    settle(page)


def metric(page: Page, label: str):
    return page.get_by_test_id("stMetric").filter(has=page.get_by_text(label, exact=True))
