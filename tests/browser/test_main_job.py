"""The main job in a real browser, on synthetic data: choose, train, watch, read, upload, explain."""

import re

from playwright.sync_api import Page, expect

from tests.browser.acts import choose, settle

VALIDATION_POINTS = """() => {
    const plot = document.querySelector('.js-plotly-plot');
    const line = plot && plot.data && plot.data.find(trace => trace.name === 'validation');
    return line ? line.x.length : 0;
}"""
WATCH_SHIFTS = """() => {
    window.shifts = 0;
    new PerformanceObserver(list => list.getEntries().forEach(shift => window.shifts += shift.value)).observe({type: 'layout-shift'});
}"""
LEAST_SEEN = 0.01
"""Of what shifts, how far, as shares of the window (Layout Instability, a browser's own measure); 0.1 in all is held for good. The line on
what trains may take another row in the sidebar: 0.0005.
"""
MATRIX_ROWS = """() => [...document.querySelectorAll('.js-plotly-plot')]
    .flatMap(plot => plot.data).find(trace => trace.type === 'heatmap')?.text.length"""


def test_choose_train_watch_read_upload_explain(page: Page, server):
    start_training(page, server, epochs=12)
    run_id = run_in_link(page)

    # The curve gains points without a reload.
    page.evaluate("window.notReloaded = true")
    wait_for_points(page, 1)
    before = page.evaluate(VALIDATION_POINTS)
    wait_for_points(page, before + 1)
    assert page.evaluate("window.notReloaded") is True

    # A reload finds the run again.
    page.reload()
    wait_for_points(page, before + 1)
    assert run_in_link(page) == run_id

    # The confusion matrix and the metrics come by themselves when training ends.
    expect(page.get_by_role("heading", name="Test part")).to_be_visible()
    expect(page.get_by_text("Balanced accuracy")).to_be_visible()
    page.get_by_text("Recipe", exact=True).scroll_into_view_if_needed()  # plots out of sight are not drawn
    page.wait_for_function(f"({MATRIX_ROWS})() === 4")

    # Upload an image: a label, probabilities, a heat map; another class gives another map.
    page.get_by_role("link", name="Ask this network about an image").click()
    expect(page.get_by_role("heading", name="Predict")).to_be_visible()
    assert run_in_link(page) == run_id
    picture = next((server.artifacts / "datasets" / "phantom" / "images" / "COVID-like").glob("*.png"))
    page.locator("input[type=file]").set_input_files(picture)
    expect(page.get_by_role("heading", name="Answer: ")).to_be_visible()
    heat_map = page.locator("[data-testid=stImage] img").first
    expect(heat_map).to_be_visible()
    expect(page.get_by_role("button", name="Page (HTML)")).to_be_visible()  # the page is whole
    settle(page)
    first = heat_map.get_attribute("src")
    answered = page.get_by_role("heading", name="Answer: ").inner_text().removeprefix("Answer: ")
    other = next(name for name in ("Normal", "COVID-like") if name != answered)
    choose(page, "Show what speaks for", other)
    expect(page.get_by_text(f"Grad-CAM for “{other}”")).to_be_visible()
    expect(heat_map).not_to_have_attribute("src", first or "")


def test_a_run_outlives_a_killed_app_and_the_restarted_app_shows_it(page: Page, server):
    start_training(page, server, epochs=20)
    run_id = run_in_link(page)
    server.wait_for(run_id, lambda status: status["epoch"] >= 1)
    server.kill()
    assert server.status(run_id)["state"] == "running"
    server.wait_for(run_id, lambda status: status["state"] != "running")
    assert server.status(run_id)["state"] == "done"
    server.start()
    page.goto(f"{server.url}/runs?run={run_id}")
    expect(page.get_by_role("heading", name="Test part")).to_be_visible()


def test_a_live_page_stands_still_and_the_run_is_stopped_there_and_keeps_its_best_model(page: Page, server):
    start_training(page, server, epochs=500)
    wait_for_points(page, 1)
    page.evaluate(WATCH_SHIFTS)
    wait_for_points(page, page.evaluate(VALIDATION_POINTS) + 3)
    assert page.evaluate("window.shifts") < LEAST_SEEN
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Stop it").click()
    expect(page.get_by_role("heading", name="Test part")).to_be_visible()
    expect(page.get_by_text(re.compile("^Cancelled.*best weights"))).to_be_visible()
    assert server.status(run_in_link(page))["result"]["accuracy"] > 0


def start_training(page: Page, server, epochs: int) -> None:
    """Choose synthetic data, the 22-layer CNN at a small size and the epochs; press Train."""
    page.goto(f"{server.url}/train")
    expect(page.get_by_role("heading", name="New run")).to_be_visible()
    choose(page, "Network", "22-layer CNN")
    expect(page.get_by_text("Steps an epoch")).to_be_visible()
    fill(page, "Epochs", epochs)
    page.get_by_text("Advanced").click()
    page.get_by_role("tab", name="Data").click()
    fill(page, "Image size (px)", 96)
    expect(page.get_by_text("Training time")).to_be_visible()
    page.get_by_role("button", name="Train", exact=True).click()
    page.wait_for_url(re.compile(r"/runs\?run="))


def fill(page: Page, label: str, value: int) -> None:
    box = page.get_by_role("spinbutton", name=label)
    box.fill(str(value))
    box.press("Enter")
    settle(page)


def wait_for_points(page: Page, count: int) -> None:
    page.wait_for_function(f"({VALIDATION_POINTS})() >= {count}")


def run_in_link(page: Page) -> str:
    return re.search(r"run=([^&]+)", page.url)[1]
