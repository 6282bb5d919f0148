"""People sign in with a real provider of identity on this machine, and find what their role allows, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from core import access, owners
from core.access import LOCAL
from core.data import library
from core.recipes import fitting
from core.runs import store
from core.runs.store import Run
from core.training import worker
from tests.browser.acts import settle
from tests.browser.conftest import OUTPUT, PATIENCE, Server
from tests.people import ADMIN, OPERATOR, OTHER, VIEWER

UNVERIFIED = "mallory"  # who gives the administrator's address, which the provider has not verified


@dataclass(frozen=True)
class Lab:
    """A server on which people sign in, a shared run of the machine itself, a private one of OPERATOR, and a picture."""

    server: Server
    shared: Run
    private: Run
    picture: Path


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """The address of a provider of identity that knows everybody by the first part of the e-mail address."""
    oidc = pytest.importorskip("oidc_provider_mock")
    verified = [(who.name.split("@")[0], who.name, True) for who in (VIEWER, OPERATOR, OTHER, ADMIN)]
    users = [
        oidc.User(sub=sub, claims={"email": email, "email_verified": known, "name": sub})
        for sub, email, known in [*verified, (UNVERIFIED, ADMIN.name, False)]
    ]
    with oidc.run_server_in_thread(user_claims=users) as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture(scope="module")
def lab(provider: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    def settings(port: int) -> str:
        return f"""
[access]
admins = ["{ADMIN.name}"]
operators = ["{OPERATOR.name}", "{OTHER.name}"]
[auth]
redirect_uri = "http://127.0.0.1:{port}/oauth2callback"
cookie_secret = "0123456789abcdef0123456789abcdef"
client_id = "cxr-lab"
client_secret = "any"
server_metadata_url = "{provider}/.well-known/openid-configuration"
"""

    server = Server(tmp_path_factory.mktemp("artifacts"), settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CXRLAB_ARTIFACTS", str(server.artifacts))
        patch.setenv("CXRLAB_SECRETS", str(server.secrets))
        images = _images(tmp_path_factory.mktemp("images") / "lungs")
        with access.acting(LOCAL):
            draft = fitting.draft(model="alasfoor-cnn22", **{"image.size": 24, "epochs": 1, "batch_size": 8})
            recipe = fitting.fit(draft, library.open_dataset(str(images)))[0]
            shared = store.create(recipe)
            worker.run(shared)
        with access.acting(OPERATOR):
            private = store.create(recipe)
            private.write_status(private.status().changed(state="cancelled"))
            owners.show_to(private.folder, "private")
    yield Lab(server, shared, private, next(images.rglob("*.png")))
    server.end()


def _images(folder: Path) -> Path:
    rng = np.random.default_rng(0)
    for label in ("a", "b"):
        (folder / label).mkdir(parents=True)
        for number in range(30):
            Image.fromarray(rng.integers(0, 256, (24, 24), np.uint8)).save(folder / label / f"{number:02}.png")
    return folder


@pytest.fixture
def visit(browser: Browser, lab: Lab, request: pytest.FixtureRequest) -> Callable:
    """Open the app in a browser of its own, signed in as whoever the provider knows by that name, or as nobody."""
    expect.set_options(timeout=PATIENCE)

    @contextmanager
    def visit_(who: str | None = None) -> Iterator[Page]:
        context = browser.new_context(viewport={"width": 1400, "height": 1000})
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        try:
            page.goto(lab.server.url)
            if who:
                sign_in(page, who)
                page.wait_for_url(f"{lab.server.url}/**")
            yield page
        finally:
            OUTPUT.mkdir(exist_ok=True)
            page.screenshot(path=OUTPUT / f"{request.node.name}-{who}.png")
            context.close()

    return visit_


def called(email: str) -> str:
    return email.split("@")[0]


def test_nobody_sees_more_than_the_door_whatever_the_link(visit, lab: Lab):
    with visit() as page:
        for link in ("", "/train", f"/runs?run={lab.shared.id}", f"/predict?run={lab.private.id}", "/data_sets"):
            page.goto(lab.server.url + link)
            expect(page.get_by_role("button", name="Sign in")).to_be_visible()
            settle(page)
            expect(page.get_by_test_id("stSidebarNav")).to_have_count(0)
            assert lab.shared.id not in page.inner_text("body")
            assert "alasfoor" not in page.inner_text("body")


def test_an_address_that_is_not_verified_opens_nothing(visit):
    with visit(UNVERIFIED) as page:
        expect(page.get_by_text("the provider has not verified")).to_be_visible()
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()
        expect(page.get_by_test_id("stSidebarNav")).to_have_count(0)


def test_a_viewer_browses_and_predicts_and_starts_nothing(visit, lab: Lab):
    with visit(called(VIEWER.name)) as page:
        expect(page.get_by_text(f"{VIEWER.name} · viewer")).to_be_visible()
        expect(page.get_by_role("button", name="Try it: two-minute demo")).to_be_disabled()
        page.goto(f"{lab.server.url}/train?data=lungs")
        expect(page.get_by_role("button", name="Train", exact=True)).to_be_disabled()
        page.goto(f"{lab.server.url}/data_sets")
        expect(page.get_by_role("button", name="Import", exact=True)).to_be_disabled()
        page.goto(f"{lab.server.url}/runs?run={lab.shared.id}")
        expect(page.get_by_role("heading", name="Test part")).to_be_visible()
        page.goto(f"{lab.server.url}/predict?run={lab.shared.id}")
        page.locator("input[type=file]").set_input_files(lab.picture)
        expect(page.get_by_text(re.compile("Show anyway|Answer: "))).to_be_visible()
        with page.expect_download() as taken:
            page.goto(f"{lab.server.url}/runs?run={lab.shared.id}&view=files")
            _take_report(page)
        assert taken.value.path().stat().st_size > 1000


def _take_report(page: Page) -> None:
    button = page.get_by_role("button", name="HTML report")
    if not button.is_visible():
        page.get_by_text(re.compile("Take away|Files|Downloads")).first.click()
    button.click()


def test_a_forged_link_to_a_private_run_shows_nothing_of_it(visit, lab: Lab):
    with visit(called(OTHER.name)) as page:
        for link in (f"/runs?run={lab.private.id}", f"/predict?run={lab.private.id}", f"/shortcut_lab?run={lab.private.id}"):
            page.goto(lab.server.url + link)
            expect(page.get_by_text(re.compile("The link asks for"))).to_be_visible()
            settle(page)
            assert "Started by" not in page.inner_text("body")
        page.goto(f"{lab.server.url}/compare?runs={lab.private.id},{lab.shared.id}")
        settle(page)
        assert lab.private.id[-4:] not in page.inner_text("body")


def test_an_operator_trains_and_changes_own_runs_alone_and_an_administrator_all(visit, lab: Lab):
    with visit(called(OPERATOR.name)) as page:
        page.goto(f"{lab.server.url}/train?data=lungs&model=alasfoor-cnn22")
        expect(page.get_by_text("Training time")).to_be_visible()
        page.get_by_role("button", name="Train", exact=True).click()
        page.wait_for_url(re.compile(r"/runs\?run="))
        expect(page.get_by_text(f"Started by {OPERATOR.name}")).to_be_visible()
        run = Run(lab.server.artifacts / "runs" / re.search(r"run=([^&]+)", page.url)[1])
        page.get_by_role("button", name="Stop").click()
        page.get_by_role("button", name="Stop it").click()
        expect(page.get_by_role("button", name="Go on with this run")).to_be_visible()
        page.goto(f"{lab.server.url}/runs?run={lab.private.id}")
        expect(page.get_by_role("button", name="Go on with this run")).to_be_visible()

    with visit(called(OTHER.name)) as page:
        page.goto(f"{lab.server.url}/runs?run={run.id}")
        expect(page.get_by_text(f"Started by {OPERATOR.name}")).to_be_visible()
        settle(page)
        expect(page.get_by_role("button", name="Go on with this run")).to_have_count(0)
        expect(page.get_by_text("Private")).to_have_count(0)

    with visit(called(ADMIN.name)) as page:
        page.goto(f"{lab.server.url}/runs?run={lab.private.id}")
        expect(page.get_by_role("button", name="Go on with this run")).to_be_visible()
        page.get_by_text("Private").click()
        settle(page)
    assert lab.private.owner() == owners.Owner(OPERATOR.name, "shared")


def test_a_link_that_was_opened_signed_out_leads_to_its_very_view_after_signing_in(browser: Browser, lab: Lab):
    expect.set_options(timeout=PATIENCE)
    run = lab.shared.id
    views = {
        f"/runs?run={run}&view=matrix&cell=a+%E2%86%92+b&next=https%3A%2F%2Felsewhere.example": "Images of the cell",
        f"/compare?runs={run}&columns=accuracy": "Side by side",
        f"/predict?run={run}": "Chest X-rays",
    }
    for link, seen in views.items():
        context = browser.new_context(viewport={"width": 1400, "height": 1000})
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(lab.server.url + link)
        sign_in(page, called(VIEWER.name))
        page.wait_for_url(re.compile(re.escape(lab.server.url + link.partition("?")[0]) + r"\?.*" + run))
        expect(page.get_by_text(seen).first).to_be_visible()
        wanted = {name: values for name, values in parse_qs(link.partition("?")[2]).items() if name != "next"}
        assert wanted.items() <= parse_qs(urlsplit(page.url).query).items()
        assert "elsewhere" not in page.url

        # Once: whoever then opens the first page stays there.
        page.goto(lab.server.url)
        expect(page.get_by_role("heading", name="Latest runs")).to_be_visible()
        settle(page)
        assert urlsplit(page.url).path == "/"
        context.close()


def test_addresses_in_a_link_are_not_followed_after_signing_in(browser: Browser, lab: Lab):
    expect.set_options(timeout=PATIENCE)
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(f"{lab.server.url}/?run={lab.shared.id}&next=https://elsewhere.example&url=//elsewhere.example")
    sign_in(page, called(VIEWER.name))
    expect(page.get_by_role("heading", name="Latest runs")).to_be_visible()
    settle(page)
    assert page.url == f"{lab.server.url}/?run={lab.shared.id}"  # what is ours is kept
    context.close()


def sign_in(page: Page, who: str) -> None:
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name=who, exact=True).click()


def test_signing_out_ends_at_the_door(visit):
    with visit(called(VIEWER.name)) as page:
        page.get_by_role("button", name="Sign out").click()
        page.get_by_role("button", name="End session").click()  # the provider asks whether to end its own
        expect(page.get_by_role("button", name="Sign in")).to_be_visible()
