"""The Data sets page: cards, the three ways to bring a set in, the report, and forgetting a set."""

from __future__ import annotations

import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from core.data import audit, library
from core.data.sources import fetching
from core.data.sources.transfer import DownloadFailed

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.filterwarnings("error::DeprecationWarning:pages")


@pytest.fixture(autouse=True)
def lights(monkeypatch) -> dict[str, str]:
    """The light that the kept audit of a data set shows, by its name."""
    found: dict[str, str] = {}
    kept = {name: SimpleNamespace(light=name) for name in ("green", "amber", "red")}
    monkeypatch.setattr(audit, "stored", lambda manifest: kept.get(found.get(manifest.name, "")))
    return found


def open_page(**parameters: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params.update(parameters)
    app.run()
    app.switch_page("pages/data_sets.py")
    app.run()
    assert not app.exception, app.exception
    return app


def texts(app: AppTest) -> str:
    kinds = ("markdown", "caption", "text", "error", "warning", "info", "success")
    return "\n".join(element.value for kind in kinds for element in app.get(kind))


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click()
    app.run()
    assert not app.exception, app.exception
    return app


def test_an_empty_machine_offers_the_phantom():
    app = open_page()
    assert "phantom (synthetic)" in texts(app)
    assert "Draw it now" in [button.label for button in app.button]


def test_what_is_imported_stands_on_the_shelf_at_once_and_in_the_link(make_folder, lights):
    lights["set"] = "red"
    app = open_page()
    app.text_input[0].input(str(make_folder({"a": 4, "b": 3}, patients=2)))
    press(app, "Import")
    assert "7 images** imported" in texts(app) or "7 images imported" in texts(app)
    assert "a 4, b 3" in texts(app)
    assert "audit: serious" in texts(app)
    assert app.query_params["data"] in ("set", ["set"])


@pytest.mark.parametrize(("light", "shown"), [("green", "audit: fine"), ("amber", "take care"), ("", "not audited")])
def test_a_card_shows_the_light_of_the_kept_audit(light, shown, make_folder, lights):
    lights["set"] = light
    library.import_folder(make_folder({"a": 2, "b": 2}))
    assert shown in texts(open_page())


def test_markup_in_names_of_classes_and_files_is_harmless(make_folder):
    evil = "<img src=x onerror=alert(1)>![x](http:evil)"
    folder = make_folder({evil: 3, "b": 3})
    (folder / evil / "000.png").write_bytes(b"no image")
    library.import_folder(folder, "set")
    app = open_page(data="set")
    assert evil in "\n".join(element.value for element in app.get("text"))
    assert not [element for kind in ("markdown", "caption", "info", "warning") for element in app.get(kind) if evil in element.value]
    assert not [element for element in app.get("markdown") if element.allow_html and "stMarkdownBadge" not in element.value]


def test_the_report_names_what_was_left_out_and_why(make_folder):
    folder = make_folder({"a": 3, "b": 3})
    (folder / "a" / "000.png").write_bytes(b"no image")
    library.import_folder(folder, "set")
    app = open_page(data="set")
    assert [metric.value for metric in app.metric] == ["5", "2", "unknown", "1"]
    assert "1 file left out" in texts(app)
    reasons, files = app.dataframe[-2].value, app.dataframe[-1].value
    assert reasons["files"].tolist() == [1]
    assert files["file"].tolist() == ["a/000.png"]


def test_a_zip_on_this_machine_is_imported_by_its_path(make_folder, tmp_path):
    folder = make_folder({"a": 2, "b": 2})
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as archive:
        for file in folder.rglob("*.png"):
            archive.write(file, file.relative_to(folder))
    app = open_page()
    app.text_input[0].input(str(tmp_path / "packed.zip"))
    press(app, "Import")
    assert library.describe("packed").images == 4


def test_no_archive_is_asked_for(make_folder):
    library.import_folder(make_folder({"a": 1, "b": 1}))
    app = open_page(**{"from": "zip"})
    assert "Choose a ZIP archive first" in texts(press(app, "Import"))


def test_a_source_is_shown_with_licence_size_citation_and_cautions_before_it_is_fetched():
    shown = texts(open_page(**{"from": "source"}, source="darkcovidnet"))
    for part in ("**Licence:** not published", "418 MB", "Ozturk", "width and height alone"):
        assert part in shown
    assert "phantom" not in open_page(**{"from": "source"}).selectbox[0].options


def test_a_source_is_fetched_imported_and_compared_with_what_was_published(make_folder, monkeypatch):
    folder = make_folder({"Covid-19": 3, "No_findings": 4})
    monkeypatch.setattr(fetching, "_fetch", lambda _spec, _folder, progress: progress(1, 1) or folder)
    app = press(open_page(**{"from": "source"}, source="darkcovidnet"), "Fetch and import")
    assert library.describe("darkcovidnet").images == 7
    assert "- COVID-19: 3 imported, 125 published" in texts(app)


def test_a_source_that_cannot_be_had_says_so_with_the_way_by_hand(monkeypatch):
    def fail(*_):
        raise DownloadFailed("A download needs a connection that holds.", "https://example.org/a.zip", "Or download it by hand.")

    monkeypatch.setattr(fetching, "_fetch", fail)
    app = press(open_page(**{"from": "source"}, source="darkcovidnet"), "Fetch and import")
    assert "https://example.org/a.zip" in texts(app)
    assert "by hand" in texts(app)


def test_a_set_is_removed_and_its_images_stay(make_folder):
    folder = make_folder({"a": 2, "b": 2})
    library.import_folder(folder, "set")
    app = open_page(data="set")
    assert "Its images stay where they are" in texts(app)
    press(app, "Remove set")
    assert not library.is_registered("set")
    assert len(list(folder.rglob("*.png"))) == 4


def test_a_set_whose_folder_is_gone_can_still_be_looked_at_and_removed(make_folder):
    folder = make_folder({"a": 2, "b": 2})
    library.import_folder(folder, "set")
    folder.rename(folder.with_name("elsewhere"))
    press(open_page(data="set"), "Remove set")
    assert not library.is_registered("set")
