"""Teaching in a real browser: a tour over the real pages, a term explained where it stands, a recorded run that plays by itself."""

import re

import pytest
from playwright.sync_api import Page, expect

from core.data import library
from core.recipes import fitting
from core.runs import store
from core.training import worker
from tests.browser.acts import settle

POINTS = """() => {
    const plot = document.querySelector('.js-plotly-plot');
    const line = plot && plot.data && plot.data.find(trace => trace.name === 'validation');
    return line ? line.x.length : 0;
}"""
EPOCHS, SECONDS = 4, 12.0


@pytest.fixture
def recorded(server, make_folder, monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of a finished run in the server's artifacts, which says that it took twelve seconds."""
    monkeypatch.setenv("CXRLAB_ARTIFACTS", str(server.artifacts))
    folder = make_folder({"covid": 30, "normal": 30}, size=24, name="small")
    draft = fitting.draft(model="alasfoor-cnn22", **{"image.size": 24, "epochs": EPOCHS, "batch_size": 8})
    run = store.create(fitting.fit(draft, library.open_dataset(str(folder)))[0])
    worker.run(run)
    status = run.status()
    history = tuple(moment.model_copy(update={"at": status.created + SECONDS * (moment.state == "done")}) for moment in status.history)
    run.write_status(status.model_copy(update={"history": history, "finished": status.created + SECONDS}))
    return run.id


def test_a_tour_walks_the_real_pages_and_a_recorded_run_plays(page: Page, server, recorded: str):
    page.goto(f"{server.url}/guide")
    card = page.get_by_test_id("stVerticalBlock").filter(has=page.get_by_role("heading", name="Reading a confusion matrix")).last
    card.get_by_role("button", name="Start").click()
    page.wait_for_url(re.compile(r"/runs\?"))
    assert recorded in page.url
    expect(page.get_by_text("step 1 of 5")).to_be_visible()
    expect(page.get_by_role("heading", name="Test part")).to_be_visible()

    # A term is explained where it stands, with its figure.
    settle(page)
    page.get_by_role("button", name="Confusion matrix").click()
    window = page.get_by_test_id("stPopoverBody")
    expect(window.get_by_text("the diagonal is right")).to_be_visible()
    expect(window.locator(".js-plotly-plot")).to_be_visible()
    page.keyboard.press("Escape")

    # The next step changes the view; leaving the path and coming back loses nothing.
    page.get_by_role("button", name="Next").click()
    page.wait_for_url(re.compile("view=matrix"))
    expect(page.get_by_text("step 2 of 5")).to_be_visible()
    page.get_by_role("link", name="Data sets").click()
    expect(page.get_by_role("heading", name="Data sets")).to_be_visible()
    expect(page.get_by_text("step 2 of 5")).to_be_visible()
    page.get_by_role("button", name="Open the page of this step").click()
    page.wait_for_url(re.compile("/runs.*view=matrix"))
    settle(page)
    page.get_by_role("button", name="End the tour").click()
    expect(page.get_by_text("step 2 of 5")).to_have_count(0)
    page.wait_for_function("!location.search.includes('tour=')")

    # Teaching mode is in the link and survives a change of page.
    page.get_by_text("Teaching mode").click()
    page.wait_for_url(re.compile("teach=1"))
    page.get_by_role("link", name="Guide").click()
    page.wait_for_url(re.compile("/guide.*teach=1"))

    # The replay adds points by itself, stands still when paused, and ends with the results.
    page.goto(f"{server.url}/guide?part=replay&run={recorded}")
    expect(page.get_by_text("Replay of a recorded run")).to_be_visible()
    assert page.evaluate(POINTS) == 0
    page.get_by_role("button", name="Play").click()
    page.wait_for_function(f"({POINTS})() >= 1")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    settle(page)
    stood = page.evaluate(POINTS)
    assert 1 <= stood < EPOCHS
    page.wait_for_timeout(4_000)
    assert page.evaluate(POINTS) == stood
    page.get_by_role("button", name="Play").click()
    expect(page.get_by_role("heading", name="Test part")).to_be_visible()
    assert page.evaluate(POINTS) == EPOCHS
