"""A new machine, without data and network: the records that came with the project fill the pages, and one network answers an upload."""

import io
from pathlib import Path

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from core.benchmark import table as tables
from core.data import phantom
from core.report.tables import markdown_text
from core.runs import store

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60


@pytest.fixture
def shipped(monkeypatch):
    monkeypatch.setenv("CXRLAB_RECORDED", str(ROOT / "artifacts" / "recorded"))


@pytest.fixture
def open_page():
    def open_(page: str, **parameters: str) -> AppTest:
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=SECONDS)
        app.query_params.update(parameters)
        app.run()
        app.switch_page(page)
        app.run()
        assert not app.exception, app.exception
        return app

    return open_


def texts(app: AppTest) -> str:
    kinds = ("title", "header", "markdown", "caption", "error", "warning", "info")
    return "\n".join(element.value for kind in kinds for element in app.get(kind))


def test_without_records_the_page_says_how_to_make_them(open_page):
    app = open_page("pages/benchmark.py")
    assert "Nothing is recorded here" in texts(app)
    assert "python -m core benchmark record" in app.code[0].value


@pytest.mark.usefixtures("shipped")
def test_the_page_shows_rows_probes_reading_and_what_was_not_run(open_page):
    app, table = open_page("pages/benchmark.py"), tables.stored()
    assert [row["Recipe"] for row in table.rows()] == app.dataframe[0].value["Recipe"].tolist()
    assert app.markdown[-1].value == "\n".join(f"- {what}" for what in table.not_run())
    assert all(one.recipe in app.markdown[-1].value for one in table.missing)
    assert len(app.selectbox[0].options) == sum(len(side.runs) for line in table.lines for side in line.sides.values())


@pytest.mark.usefixtures("shipped")
def test_a_recorded_run_opens_without_its_images(open_page):
    run = next(line.sides["honest"].runs[0] for line in tables.stored().lines if "honest" in line.sides)
    app = open_page("pages/runs.py", run=run)
    assert {metric.label for metric in app.metric} >= {"Accuracy", "ROC AUC"}
    assert not app.error
    assert "Go on with this run" not in [button.label for button in app.button]


@pytest.mark.usefixtures("shipped")
def test_home_papers_and_compare_show_what_was_recorded(open_page):
    assert "Recorded benchmark" in texts(open_page("pages/home.py"))
    board = open_page("pages/papers.py", paper="alasfoor-2020").table[0].value
    assert board["Ours: data"].str.contains("recorded").any()
    assert open_page("pages/compare.py").dataframe[0].value["Run"].str.contains("recorded").any()


@pytest.mark.usefixtures("shipped")
def test_an_upload_is_answered_by_the_recorded_network_which_is_called_weak(open_page, artifacts):
    app = open_page("pages/predict.py")
    assert "It is weak" in texts(app)
    picture = io.BytesIO()
    Image.fromarray(phantom.draw(phantom.CLASSES[0], 3).image).save(picture, "PNG")
    app.file_uploader[0].upload("scan.png", picture.getvalue(), "image/png").run()
    assert not app.exception
    classes = store.find(tables.stored().answers).recipe().data.classes
    assert any(markdown_text(name) in texts(app) for name in classes) or "unlike the images" in texts(app)
    assert artifacts.is_dir()


@pytest.mark.usefixtures("shipped")
def test_where_pictures_or_weights_of_a_recorded_run_are_missing_the_page_says_so(open_page):
    run = next(name for side in tables.stored().lines[0].sides.values() for name in side.runs if name != tables.stored().answers)
    assert "came without its pictures" in texts(open_page("pages/runs.py", run=run, view="errors"))
    assert "one has kept its model" in texts(open_page("pages/runs.py", run=run, images="train"))
    assert not open_page("pages/heat_maps.py").error
