"""The explorer shows what was asked for, keeps it in the link, and shows the audit with the images that prove it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from core.data import audit, library
from core.data.audit import Audit, Finding, Pair
from core.evaluation import probes
from core.evaluation.predicted import Predicted

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60  # for a page to be drawn on a busy machine

pytestmark = pytest.mark.filterwarnings("error::DeprecationWarning:pages")


@pytest.fixture
def folder(make_folder) -> Path:
    """Thirty images a class; the first two of each are the same file, one of them in both classes."""
    made = make_folder({"a": 30, "b": 30}, size=24, patients=2, name="set")
    same = Image.fromarray(np.random.default_rng(9).integers(0, 256, (24, 24), np.uint8))
    for path in ("a/000.png", "a/001.png", "b/000.png"):
        same.save(made / path)
    library.open_dataset(str(made))
    return made


def explore(**parameters: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=SECONDS)
    app.query_params.update(parameters)
    app.run()
    app.switch_page("pages/explore.py").run()
    assert not app.exception, app.exception
    return app


def texts(app: AppTest) -> str:
    kinds = ("title", "header", "markdown", "caption", "error", "warning", "info", "success")
    return "\n".join(element.value for kind in kinds for element in app.get(kind))


def in_link(app: AppTest, name: str) -> str:
    value = app.query_params[name]
    return value[0] if isinstance(value, list) else value


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception, app.exception
    return app


def opens(app: AppTest) -> list[str]:
    """Keys of the buttons that open an image of the grid."""
    return [button.key for button in app.button if (button.key or "").startswith("grid ")]


@pytest.mark.usefixtures("folder")
def test_a_link_brings_another_person_to_the_same_images():
    app = explore(**{"data": "set", "class": "b", "page": "2"})
    assert "30 images, 25 to 30 shown" in texts(app)
    assert opens(app) == [f"grid {row}" for row in range(54, 60)]
    app = explore(data="set", patient="a-3")
    assert len(opens(app)) == 2


@pytest.mark.usefixtures("folder")
def test_another_filter_begins_with_its_first_page():
    app = explore(data="set", page="3")
    next(box for box in app.selectbox if box.label == "Class").select("b").run()
    assert (in_link(app, "class"), in_link(app, "page")) == ("b", "1")
    assert "1 to 24 shown" in texts(app)


@pytest.mark.usefixtures("folder")
def test_filters_that_no_image_meets_say_so():
    assert "No image meets all filters" in texts(explore(data="set", patient="nobody"))


@pytest.mark.usefixtures("folder")
def test_a_part_of_a_split_holds_its_share_of_the_images():
    app = explore(data="set", split="default", part="test")
    assert 9 <= len(opens(app)) <= 15


@pytest.mark.usefixtures("folder")
def test_an_image_is_opened_with_all_that_is_known_of_it_and_closed_again():
    explore(data="set", view="numbers")
    app = explore(data="set")
    next(button for button in app.button if button.key == "grid 2").click().run()
    assert in_link(app, "image") == "a/002.png"
    facts = {row[0]: row[1] for row in app.dataframe[0].value.itertuples()}
    assert facts["Patient"] == "a-1"
    assert facts["Size"] == "24 × 24 px"
    assert len(facts["SHA-256"]) == 64
    assert "1 other image" in texts(app)
    assert sum((button.key or "").startswith("near ") for button in app.button) == 6
    press(app, "All images")
    assert "image" not in app.query_params
    assert opens(app)


@pytest.mark.usefixtures("folder")
def test_an_image_that_is_not_there_is_said_and_leads_back():
    app = explore(data="set", image="a/999.png")
    assert "none of that name" in texts(app)
    assert opens(press(app, "All images"))


@pytest.mark.usefixtures("folder")
def test_sizes_greys_and_mean_images_are_measured_and_shown():
    app = explore(data="set", view="numbers")
    assert len(app.get("plotly_chart")) == 1 + 3 + 2  # class balance; sizes twice and greys; a difference a class
    assert "says little or nothing of its class" in texts(app)


def test_a_data_set_that_was_not_drawn_yet_offers_to_draw_it():
    assert [button.label for button in explore(data="phantom").button] == ["Draw it now"]


def test_markup_in_a_class_name_stays_text(make_folder):
    library.open_dataset(str(make_folder({"a": 3, "**b** :red[x] <i>": 3}, name="marked")))
    app = explore(data="marked")
    assert r"\*\*b\*\* :red\[x\] \<i\>" in [button.label for button in app.button]


PAIR = Pair(0, 30, "a/000.png", "b/000.png", "a", "b", "same file", 1.0)
FOUND = Audit(
    data="set", sha256="", images=60, classes={"a": 30, "b": 30}, patients=30, sources={"x": 30, "y": 30},
    unreadable=(("a/broken.png", "no image"),), duplicates=(PAIR,),
    leakage={"patients_in_classes": {"a-0": ["a", "b"]}, "patients_in_parts": {}, "pairs_across_parts": 0, "split": False},
    by_source={"x": {"a": 30}, "y": {"b": 30}}, source_association=1.0,
    findings=(
        Finding("duplicates", "red", "One image stands twice.", (0, 30)),
        Finding("patients in classes", "amber", "One patient stands in two classes.", (0, 1)),
        Finding("files", "green", "All files are alike."),
    ),
)  # fmt: skip


@pytest.fixture
def found(monkeypatch) -> Audit:
    monkeypatch.setattr(audit, "stored", lambda _manifest: FOUND)
    return FOUND


@pytest.mark.usefixtures("folder", "found")
def test_every_finding_has_a_light_with_a_word_and_the_images_that_prove_it():
    app = explore(data="set", view="audit")
    said = texts(app)
    assert all(finding.sentence in said for finding in FOUND.findings)
    assert all(word in said for word in ("serious", "take care", "fine"))
    assert [toggle.label for toggle in app.toggle] == ["Show 2 images"] * 2
    app.toggle[0].set_value(True).run()
    assert "same file, r = 1.000" in texts(app)
    app.toggle[1].set_value(True).run()
    assert not app.exception
    assert "**a-0**: a, b" in texts(app)
    assert in_link(app, "findings") == "duplicates,patients in classes"
    assert [toggle.value for toggle in explore(data="set", view="audit", findings="duplicates").toggle] == [True, False]


@pytest.mark.usefixtures("folder", "found")
def test_sources_that_give_the_class_away_and_files_left_out_are_listed():
    tables = [table.value for table in explore(data="set", view="audit").dataframe]
    assert tables[0]["gives away"].tolist() == ["✖ only a", "✖ only b"]
    assert tables[1]["file"].tolist() == ["a/broken.png"]


@pytest.mark.usefixtures("folder")
def test_the_audit_runs_from_its_button(monkeypatch):
    kept = []
    monkeypatch.setattr(audit, "stored", lambda _manifest: kept[0] if kept else None)
    monkeypatch.setattr(audit, "audit", lambda *_args, **_more: kept.append(FOUND) or FOUND)
    app = explore(data="set", view="audit")
    assert "not read before" in texts(app)
    press(app, "Run the audit")
    assert "One image stands twice." in texts(app)


def test_another_data_set_with_shared_images_is_not_external(make_folder, monkeypatch):
    for name in ("set", "other", "third"):
        library.open_dataset(str(make_folder({"a": 4, "b": 4}, name=name, seed=len(name))))
    shared = Pair(0, 4, "a/000.png", "b/000.png", "a", "b", "near", 0.99, mirrored=True)
    monkeypatch.setattr(audit, "overlap", lambda _first, second, *_: (shared,) if second.name == "other" else ())
    app = press(explore(data="set", view="overlap", other="other"), "Look for shared images")
    assert "1 image of other (8) are in set too" in texts(app)
    assert "near, mirrored, r = 0.990" in texts(app)
    assert "No image of set is in third" in texts(press(explore(data="set", view="overlap", other="third"), "Look for shared images"))


@pytest.mark.usefixtures("folder")
def test_a_data_set_is_probed_without_a_run(monkeypatch):
    columns = {"sample_id": [f"{row}.png" for row in range(40)], "label": ["a", "b"] * 20, "patient_id": "", "split": "test"}
    table = pd.DataFrame(columns | {"probability_a": [0.9, 0.1] * 20, "probability_b": [0.1, 0.9] * 20})
    monkeypatch.setattr(probes, "for_data", lambda *_args, **_more: {"border": Predicted("border", ("a", "b"), table)})
    app = press(explore(data="set", view="probes"), "Probe for shortcuts")
    (row,) = app.dataframe[0].value.to_dict("records")
    assert (row["probe"], row["chance"]) == ("border", "50.0 %")
    assert row["accuracy"].startswith("100.0 % (")
    assert "serious" in texts(app)
