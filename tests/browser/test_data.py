"""The explorer in a real browser: look at images by class, open one, see the sizes, run the audit, send the link to somebody else."""

from __future__ import annotations

import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from core.data import library
from tests.browser.acts import choose, settle


@pytest.fixture
def data(server, make_folder, monkeypatch: pytest.MonkeyPatch) -> str:
    """Smooth pictures in two classes, of which one file stands in both."""
    monkeypatch.setenv("CXRLAB_ARTIFACTS", str(server.artifacts))
    folder = make_folder({"covid": 30, "normal": 30}, size=48, patients=2, name="shown")
    same = np.random.default_rng(5).integers(0, 256, (6, 6), np.uint8)
    for path in ("covid/000.png", "normal/000.png"):
        Image.fromarray(same).resize((48, 48), Image.Resampling.BICUBIC).save(folder / path)
    return library.open_dataset(str(folder)).name


def test_filter_open_an_image_see_the_sizes_audit_and_share_the_link(page: Page, server, data: str):
    page.goto(f"{server.url}/explore?data={data}")
    expect(page.get_by_text("60 images, 1 to 24 shown")).to_be_visible()
    choose(page, "^Class", "^normal")
    expect(page.get_by_text("30 images, 1 to 24 shown")).to_be_visible()
    page.get_by_role("button", name="Increment value").or_(page.get_by_test_id("stNumberInputStepUp")).first.click()
    expect(page.get_by_text("30 images, 25 to 30 shown")).to_be_visible()
    settle(page)

    other = page.context.browser.new_page()
    other.goto(page.url)
    expect(other.get_by_text("30 images, 25 to 30 shown")).to_be_visible()
    expect(other.get_by_test_id("stImage")).to_have_count(6)
    other.close()

    page.get_by_test_id("stBaseButton-tertiary").first.click()
    page.wait_for_url(re.compile("image=normal"))
    expect(page.get_by_text("The patient’s other images")).to_be_visible()

    page.goto(f"{server.url}/explore?data={data}&view=numbers")
    expect(page.get_by_text("Mean images")).to_be_visible()
    expect(page.locator(".js-plotly-plot")).to_have_count(6)

    page.get_by_test_id("stMain").get_by_text("Audit", exact=True).click()
    page.get_by_role("button", name="Run the audit").click()
    expect(page.get_by_role("button", name="Run it again")).to_be_visible()
    page.get_by_text(re.compile("^Show ")).first.click()
    expect(page.get_by_test_id("stImage").first).to_be_visible()
