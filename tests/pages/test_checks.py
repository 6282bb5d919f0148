"""The checks of heat maps, in the lab and of an upload, run beside the page, and their results stay."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from core import background
from core.data import library, phantom
from core.recipes import fitting
from core.runs import store
from core.training import worker

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def app(make_folder: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The app with a run of a second's training, and nothing in the background yet."""
    folder = make_folder({"a": 15, "b": 15}, size=24, patients=2, name="set")
    draft = fitting.draft(model="alasfoor-cnn22", **{"image.size": 24, "epochs": 2, "batch_size": 8})
    worker.run(store.create(fitting.fit(draft, library.open_dataset(str(folder)))[0]))
    pool = background.Pool()
    monkeypatch.setattr(background, "pool", lambda name="checks": pool)  # noqa: ARG005  one for this test
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=120).run()


@pytest.fixture
def lab(app: AppTest) -> AppTest:
    app.switch_page("pages/heat_maps.py").run()
    assert not app.exception
    return app


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception
    return app


def ended(app: AppTest) -> str:
    """What the page says when the background has nothing to do any more."""
    pool = background.pool()
    for key in list(pool._found):
        pool.wait(key, 120)
    app.run()
    assert not app.exception
    return "\n".join(element.value for kind in ("markdown", "caption", "error") for element in app.get(kind))


def test_deletion_and_insertion_end_in_curves_and_a_reading(lab: AppTest) -> None:
    said = ended(press(lab, "Deletion and insertion"))
    assert "Petsiuk et al. 2018" in said
    assert "Area under its probability" in said


def test_road_ends_in_a_table_of_the_maps_compared_and_of_random_ones(lab: AppTest) -> None:
    said = ended(press(lab, "ROAD"))
    assert "Rong et al. 2022" in said
    rows = lab.dataframe[0].value
    assert rows["map"].tolist()[0] == "Grad-CAM"
    assert "random maps" in rows["map"].tolist()[-1]
    assert {"hottest 20 %", "coldest 80 %"} <= set(rows)


def test_the_map_of_an_upload_is_checked_where_it_is_shown(app: AppTest) -> None:
    stream = io.BytesIO()
    Image.fromarray(phantom.draw("Normal", 0, size=128).image).save(stream, "PNG")
    app.switch_page("pages/predict.py").run()
    app.file_uploader[0].upload("scan.png", stream.getvalue(), "image/png").run()
    for anyway in [toggle for toggle in app.toggle if toggle.label == "Show anyway"]:  # the guard may doubt a chest that was drawn
        anyway.set_value(True).run()
    said = ended(press(app, "Deletion and insertion"))
    assert "Area under its probability" in said
    assert "Of the map above: Grad-CAM." in said
