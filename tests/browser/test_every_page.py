"""Every page in a real browser: in light, in dark and on a phone, and the main job by the keyboard alone.

Each page is visited once. Pictures of all its looks are kept in `test-output/`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from core.data import library, phantom
from core.recipes import fitting
from core.runs import store
from core.training import worker
from tests.browser import drawings
from tests.browser.acts import drawn
from tests.browser.conftest import OUTPUT, PATIENCE, ROOT, Server

PAGES = sorted(path.stem for path in (ROOT / "pages").glob("[!_]*.py") if path.name != "parts.py")
WIDE, PHONE = {"width": 1400, "height": 1000}, {"width": 390, "height": 844}
LOOKS = {"light": ("light", WIDE), "dark": ("dark", WIDE), "phone": ("light", PHONE)}
GRAVE = ("moderate", "serious", "critical")
STILL = """*, *::before, *::after { transition: none !important; animation: none !important }
    [data-stale=true] { opacity: 1 !important }"""  # a colour on its way is no finding, nor what pales while it is drawn anew
HEIGHT = """Math.max(...['stMain', 'stSidebarContent'].map(
    part => document.querySelector(`[data-testid=${part}]`)?.scrollHeight ?? 0))"""
WIDTH = "Math.max(document.documentElement.scrollWidth, document.querySelector('[data-testid=stMain]').scrollWidth)"
MOST_TABS = 150  # presses, before something counts as out of the keyboard's reach


@dataclass(frozen=True)
class Known:
    """A finding in what Streamlit itself draws, which no page can change."""

    rule: str
    selector: str  # every node of the finding matches it
    reason: str


KNOWN = (
    Known("list", "[data-testid=stSidebarNavItems]", "Streamlit's navigation puts the groups of pages into its list as plain boxes."),
    Known("listitem", "[data-testid=stSidebarNavItems] li", "The same boxes stand between the list and its items."),
    Known(
        "scrollable-region-focusable",
        "[data-testid=stTable] *, *:has(> [data-testid=stTable])",
        "A wide st.table scrolls in a frame of its own; browsers make such frames reachable by Tab, which the rule does not know.",
    ),
)


@dataclass(frozen=True)
class Visit:
    """What was found on one page in its three looks."""

    findings: dict[str, list[str]]  # by look; what no entry of `KNOWN` covers
    met: frozenset[Known]
    phone_width: int  # pixels that the page takes on a phone
    plots: tuple[str, ...]  # what each says to those who do not see it


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """With synthetic images, two finished runs, one that was cancelled and one that failed, and the recorded benchmark."""
    artifacts = tmp_path_factory.mktemp("artifacts")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CXRLAB_ARTIFACTS", str(artifacts))
        patch.setenv("CXRLAB_SECRETS", str(artifacts / "secrets.toml"))
        folder = artifacts / "datasets" / library.PHANTOM / "images"
        phantom.write(folder, per_class=20, size=48)
        library.import_folder(folder, library.PHANTOM, synthetic=True)
        for seed in range(4):
            draft = fitting.draft(model="alasfoor-cnn22", seed=seed, **{"image.size": 32, "epochs": 1, "batch_size": 16})
            run = store.create(fitting.fit(draft, library.open_dataset(library.PHANTOM))[0])
            if seed < 2:
                worker.run(run)
            else:
                run.write_status(run.status().changed(state="cancelled" if seed == 2 else "failed", message="Ended by hand."))
    server = Server(artifacts, records=ROOT / "artifacts" / "recorded")
    yield server
    server.end()


@pytest.fixture(scope="module")
def finished(server: Server) -> list[str]:
    """Ids of the finished runs."""
    return sorted(folder.name for folder in (server.artifacts / "runs").iterdir() if (folder / "predictions.parquet").is_file())


@pytest.fixture(scope="module")
def tab(browser: Browser) -> Iterator[Page]:
    """One for all visits: what the app is made of is loaded once."""
    expect.set_options(timeout=PATIENCE)
    tab = browser.new_page(viewport=WIDE)
    tab.set_default_timeout(PATIENCE)
    OUTPUT.mkdir(exist_ok=True)
    yield tab
    tab.close()


@pytest.fixture(scope="module")
def visits(tab: Page, server: Server, finished: list[str]) -> dict[str, Visit]:
    """Every page once, those with several views at the one that holds most."""
    asked = {"runs": f"run={finished[-1]}&view=curves", "compare": f"runs={','.join(finished)}", "explore": "view=numbers"}
    links = {page: f"{server.url}/{'' if page == 'home' else page}?{asked.get(page, '')}" for page in PAGES}
    return {page: visit(tab, page, link) for page, link in links.items()}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_accessible_and_its_plots_legible_in_light_in_dark_and_on_a_phone(name: str, visits: dict[str, Visit]):
    assert {look: found for look, found in visits[name].findings.items() if found} == {}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_does_not_scroll_sideways_on_a_phone(name: str, visits: dict[str, Visit]):
    assert visits[name].phone_width <= PHONE["width"]


@pytest.mark.parametrize("name", PAGES)
def test_every_plot_says_something_to_those_who_do_not_see_it(name: str, visits: dict[str, Visit]):
    assert all(visits[name].plots)


def test_plots_were_seen(visits: dict[str, Visit]):
    assert all(visits[name].plots for name in ("home", "explore", "train", "runs", "benchmark", "cross_data"))


def test_every_known_finding_is_still_there(visits: dict[str, Visit]):
    assert set(KNOWN) - frozenset().union(*(each.met for each in visits.values())) == set()


def test_the_main_job_is_done_by_the_keyboard_alone(page: Page, server: Server, finished: list[str]):
    page.goto(server.url)
    drawn(page)
    press(page, "link", "New run", "Enter")
    expect(page.get_by_role("heading", name="New run")).to_be_visible()
    drawn(page)
    pick(page, "Data set", "phantom")
    page.wait_for_url(re.compile("data=phantom"))
    pick(page, "Network", "22-layer")
    page.wait_for_url(re.compile("model=alasfoor-cnn22"))
    reach(page, "spinbutton", "Epochs")
    page.keyboard.press("Control+A")
    page.keyboard.type("1")
    page.keyboard.press("Enter")
    press(page, "button", "Train", "Enter")
    page.wait_for_url(re.compile(r"/runs\?run="))
    run = re.search(r"run=([^&]+)", page.url)[1]
    assert run not in finished
    expect(page.get_by_role("heading", name="Test part")).to_be_visible()
    drawn(page)
    press(page, "link", "Ask this network about an image", "Enter")
    expect(page.get_by_role("heading", name="Predict")).to_be_visible()
    page.wait_for_url(re.compile(f"run={run}"))
    assert store.Run(server.artifacts / "runs" / run).recipe().epochs == 1
    reach(page, "button", "Upload")


def visit(tab: Page, name: str, link: str) -> Visit:
    tab.emulate_media(color_scheme="light")
    tab.set_viewport_size(WIDE)
    tab.goto(link)
    tab.add_style_tag(content=STILL)
    findings, met, width = {}, set(), 0
    for look, (theme, size) in LOOKS.items():
        tab.emulate_media(color_scheme=theme)
        tab.set_viewport_size(size)
        tab.wait_for_function(f"getComputedStyle(document.querySelector('[data-testid=stApp]')).colorScheme === '{theme}'")
        drawn(tab)
        width = tab.evaluate(WIDTH)  # of the last look, the phone's
        show_all(tab)
        tab.screenshot(path=OUTPUT / f"page-{name}-{look}.png")
        findings[look], known = judge(tab)
        findings[look] += drawings.faults(tab)
        met |= known
    plots = tab.get_by_test_id("stPlotlyChart").evaluate_all("plots => plots.map(plot => plot.getAttribute('aria-label') ?? '')")
    return Visit(findings, frozenset(met), width, tuple(plots))


def show_all(tab: Page) -> None:
    """Make the window as high as the page: what is out of sight is not drawn, and not looked at."""
    for _ in range(3):
        height, now = tab.evaluate(HEIGHT), tab.viewport_size
        if height <= now["height"]:
            return
        tab.set_viewport_size({"width": now["width"], "height": height})
        drawn(tab)


def judge(tab: Page) -> tuple[list[str], set[Known]]:
    """What axe finds that is not known, a line a node, and which entries of `KNOWN` it meets."""
    left, met = [], set()
    for finding in Axe().run(tab).response["violations"]:
        if finding["impact"] not in GRAVE:
            continue
        for node in finding["nodes"]:
            known = next((each for each in KNOWN if each.rule == finding["id"] and matches(tab, node["target"][0], each.selector)), None)
            if known:
                met.add(known)
            else:
                left.append(f"{finding['id']} ({finding['impact']}): {node['html'][:200]} {node['failureSummary']}")
    return left, met


def matches(tab: Page, target: str, selector: str) -> bool:
    return tab.evaluate("([target, selector]) => document.querySelector(target)?.matches(selector) ?? false", [target, selector])


def reach(page: Page, role: str, name: str) -> None:
    """Press Tab until what has this role and name has the focus."""
    wanted = page.get_by_role(role, name=re.compile(rf"\b{name}\b")).first
    wanted.wait_for()
    for _ in range(MOST_TABS):
        if wanted.evaluate("element => element === document.activeElement || element.contains(document.activeElement)"):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"The keyboard does not reach the {role} “{name}”.")


def press(page: Page, role: str, name: str, key: str) -> None:
    reach(page, role, name)
    page.keyboard.press(key)


def pick(page: Page, label: str, typed: str) -> None:
    """Choose in a select box by typing a part of the option."""
    reach(page, "combobox", label)
    page.keyboard.type(typed)
    expect(page.get_by_role("option", name=re.compile(typed, re.I)).first).to_be_visible()
    page.keyboard.press("Enter")
