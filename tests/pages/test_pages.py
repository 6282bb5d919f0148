"""Every page opens, empty and full, and shows a mistake where it was made."""

import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.data import library
from core.jobs import requests
from core.recipes import catalogue, fitting, published
from core.runs import store
from core.training import worker

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "pages").glob("[!_]*.py") if path.name != "parts.py")
SECONDS = 60  # for a page to be drawn on a busy machine

pytestmark = pytest.mark.filterwarnings("error::DeprecationWarning:pages")


@pytest.fixture
def open_page():
    """Open a page through the app, with link parameters; a page that raises fails the test."""

    def open_(page: str, **parameters: str) -> AppTest:
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=SECONDS)
        app.query_params.update(parameters)
        app.run()
        if page != "pages/home.py":
            app.switch_page(page)
            app.run()
        assert not app.exception, app.exception
        return app

    return open_


@pytest.fixture
def folder(make_folder):
    return make_folder({"a": 15, "b": 15}, size=24, patients=2, name="set")


@pytest.fixture
def run(folder):
    """A finished run of a second's training."""
    draft = fitting.draft(model="alasfoor-cnn22", **{"image.size": 24, "epochs": 2, "batch_size": 8})
    made = store.create(fitting.fit(draft, library.open_dataset(str(folder)))[0])
    worker.run(made)
    return made


def texts(app: AppTest) -> str:
    kinds = ("title", "header", "markdown", "caption", "error", "warning", "info", "success")
    return "\n".join(element.value for kind in kinds for element in app.get(kind))


@pytest.mark.parametrize("path", PAGES)
def test_every_page_opens_on_an_empty_machine_and_says_what_to_do(path, open_page):
    assert texts(open_page(path))


@pytest.mark.parametrize("path", ["pages/home.py", "pages/predict.py"])
def test_not_a_medical_device_stands_on_home_and_beside_every_answer(path, open_page):
    assert "Not a medical device" in texts(open_page(path))


@pytest.mark.usefixtures("run")
def test_home_lists_the_latest_runs_with_their_interval(open_page):
    table = open_page("pages/home.py").dataframe[0].value
    assert table["model"].tolist() == ["alasfoor-cnn22"]
    assert "–" in table["test accuracy"][0]


def test_the_demo_button_starts_a_run_and_opens_it(open_page, monkeypatch, run):
    monkeypatch.setattr("core.demo.recipe", lambda: run.recipe())
    monkeypatch.setattr(requests, "start", {run.recipe(): run}.__getitem__)
    app = open_page("pages/home.py")
    app.button[0].click().run()
    assert not app.exception
    assert "Test part" in texts(app)


def test_the_run_page_shows_metrics_split_and_matrix_of_the_run_in_the_link(run, open_page):
    app = open_page("pages/runs.py", run=run.id)
    assert app.query_params["run"] in (run.id, [run.id])
    assert "grouped by patient" in texts(app)
    assert {metric.label for metric in app.metric} >= {"Accuracy", "ROC AUC"}
    assert "Sensitivity" in app.dataframe[0].value


@pytest.mark.usefixtures("run")
def test_a_link_to_a_run_that_is_gone_says_so_and_offers_others(open_page):
    app = open_page("pages/runs.py")
    app.query_params["run"] = "20200101-000000-gone-0000"
    app.run()
    assert "which is not here" in texts(app)
    assert app.selectbox[0].options


def test_the_run_page_lives_when_a_run_folder_is_damaged(run, open_page):
    (run.folder / "recipe.json").write_text("{")
    assert "recipe" in texts(open_page("pages/runs.py", run=run.id)).lower()


def test_an_interrupted_run_can_go_on(run, open_page, monkeypatch):
    run.write_status(run.status().changed(state="cancelled"))
    started = []
    monkeypatch.setattr(requests, "go_on", started.append)
    app = open_page("pages/runs.py", run=run.id)
    next(button for button in app.button if button.label == "Go on with this run").click().run()
    assert started == [run]


def test_a_folder_is_imported_and_reported(folder, open_page):
    app = open_page("pages/data_sets.py")
    app.text_input[0].input(str(folder))
    app.button[0].click().run()
    assert not app.exception
    assert "30 images" in texts(app)
    assert [metric.value for metric in app.metric] == ["30", "2", "16", "0"]


@pytest.mark.parametrize(("given", "message"), [("", "which folder"), ("/no/such/folder", "a folder of class folders")])
def test_a_folder_that_is_none_is_refused_in_the_page(given, message, open_page):
    app = open_page("pages/data_sets.py")
    app.text_input[0].input(given)
    app.button[0].click().run()
    assert message in texts(app)


def test_the_training_page_previews_and_starts_what_was_chosen(open_page, monkeypatch, run):
    started = []

    def start(recipe):
        started.append(recipe)
        return run

    monkeypatch.setattr(requests, "start", start)
    app = training_page(open_page)
    assert "grouped by patient" in texts(app)
    assert {metric.label for metric in app.metric} == {"Parameters", "Memory", "Multiply-adds", "Steps an epoch", "Training time"}
    next(button for button in app.button if button.label == "Train").click().run()
    assert not app.exception
    assert [(recipe.epochs, recipe.image.size, recipe.data.name) for recipe in started] == [(3, 24, "set")]


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize(
    ("field", "value", "message"), [("Image size (px)", 8, "at least 16 px"), ("Batch size", 500, "no larger than the training part")]
)
def test_a_setting_that_does_not_fit_is_refused_in_the_page(field, value, message, open_page):
    app = training_page(open_page)
    next(box for box in app.number_input if box.label == field).set_value(value).run()
    assert not app.exception
    assert message in texts(app)


def test_a_data_set_of_one_class_is_refused_in_the_page(make_folder, open_page):
    library.open_dataset(str(make_folder({"a": 12}, size=24, name="set")))
    assert "at least two classes" in texts(training_page(open_page))


def test_an_upload_is_answered_with_probabilities_and_a_heat_map(run, folder, open_page):
    app = open_page("pages/predict.py", run=run.id)
    picture = next((folder / "a").glob("*.png"))
    app.file_uploader[0].upload(picture.name, picture.read_bytes(), "image/png").run()
    assert not app.exception
    assert "too small to show a chest: 24 × 24" in texts(app)  # the guard rail comes first
    assert "Answer: " not in texts(app)
    app.toggle[0].set_value(True).run()
    assert not app.exception
    assert "Answer: " in texts(app)
    assert "Raw magnitude" in texts(app)


@pytest.mark.usefixtures("run")
def test_many_networks_are_asked_about_one_image(folder, open_page):
    app = open_page("pages/predict.py", mode="many")
    picture = next((folder / "a").glob("*.png"))
    app.file_uploader[0].upload(picture.name, picture.read_bytes(), "image/png").run()
    assert "Doubted by 1 of 1 network" in texts(app)
    app.toggle[0].set_value(True).run()
    assert not app.exception
    assert "The network answers" in texts(app)
    assert re.search(r"a \d+\.\d %, b \d+\.\d %", texts(app))  # all its probabilities, not only that of its answer


def test_one_bad_file_does_not_keep_the_others_from_an_answer(run, folder, open_page):
    app = open_page("pages/predict.py", run=run.id)
    good, other = sorted((folder / "a").glob("*.png"))[:2]
    files = [
        (good.name, good.read_bytes(), "image/png"),
        ("notes.png", b"just text", "image/png"),
        ("x.png", other.read_bytes(), "image/png"),
    ]
    app.file_uploader[0].set_value(files).run()
    assert not app.exception
    table = app.dataframe[0].value
    assert table["image"].tolist() == [good.name, "notes.png", "x.png"]
    assert table["answer"].tolist() == ["withheld", "–", "withheld"]


def test_the_heat_map_lab_shows_methods_side_by_side(run, open_page):
    app = open_page("pages/heat_maps.py", run=run.id)
    assert {"HiResCAM", "Grad-CAM"} <= {option for box in app.multiselect for option in box.options}
    assert "No network was trained on the phantom" in texts(app)


def test_the_comparison_ranks_runs_and_tells_whether_they_differ(run, open_page):
    worker.run(again := store.create(run.recipe().model_copy(update={"seed": 5})))
    app = open_page("pages/compare.py", runs=f"{run.id},{again.id}")
    assert app.dataframe[0].value["Run"].tolist() in ([run.id, again.id], [again.id, run.id])
    assert "No evidence that alasfoor-cnn22" in texts(app) or "is better than" in texts(app)
    for view in ("settings", "curves", "matrices", "images"):
        assert texts(open_page("pages/compare.py", runs=f"{run.id},{again.id}", view=view))


def test_a_damaged_run_is_named_and_the_comparison_lives(run, open_page):
    worker.run(again := store.create(run.recipe()))
    (again.folder / "predictions.parquet").write_bytes(b"PAR1 no table")
    app = open_page("pages/compare.py", runs=f"{run.id},{again.id}")
    assert again.id in "\n".join(error.value for error in app.error)
    assert len(app.dataframe[0].value) == 2


@pytest.mark.usefixtures("run")
def test_probes_stand_in_the_table_of_runs(open_page):
    app = open_page("pages/compare.py")
    next(button for button in app.button if button.label == "Probe the data for shortcuts").click().run()
    assert not app.exception
    assert {"probe: image-size", "probe: thumbnail"} <= set(app.dataframe[0].value["Run"])


@pytest.mark.parametrize("view", ["figures", "matrix", "errors", "curves", "calibration", "files"])
def test_every_view_of_a_run_opens(view, run, open_page):
    assert texts(open_page("pages/runs.py", run=run.id, view=view))


@pytest.mark.parametrize(
    ("images", "said"), [("train", "The network learnt these images"), ("validation", "The epoch was chosen by these")]
)
def test_other_parts_say_what_their_figures_are_worth(images, said, run, open_page):
    assert said in texts(open_page("pages/runs.py", run=run.id, images=images))


@pytest.mark.usefixtures("run")
def test_a_network_is_evaluated_on_another_data_set_from_the_page(make_folder, open_page):
    library.open_dataset(str(make_folder({"a": 6, "b": 5}, size=24, name="other", seed=7)))
    app = open_page("pages/cross_data.py")
    app.button[0].click().run()
    assert not app.exception
    table = app.dataframe[0].value
    assert table["tested on"].tolist() == ["other", "set"]
    assert table["n"].tolist()[0] == 11


def test_an_upload_that_is_no_image_is_refused_with_the_way_out(run, open_page):
    app = open_page("pages/predict.py", run=run.id)
    app.file_uploader[0].upload("notes.png", b"just text", "image/png").run()
    assert not app.exception
    assert "notes.png" in texts(app)


def training_page(open_page) -> AppTest:
    """The page on the data set “set” with small settings, previewed."""
    app = open_page("pages/train.py", data="set", model="alasfoor-cnn22")
    app.selectbox[0].select("set")
    for box in app.number_input:
        if box.label in (small := {"Epochs": 3, "Image size (px)": 24, "Batch size": 8}):
            box.set_value(small[box.label])
    return app.run()


@pytest.mark.parametrize("paper", catalogue.papers(), ids=lambda paper: paper.key)
def test_the_board_shows_every_published_row_of_a_paper_with_its_cautions(paper, open_page):
    app = open_page("pages/papers.py", paper=paper.key)
    rows = app.table[0].value
    assert set(zip(rows["Table"], rows["Row"], strict=True)) == {(row.table, row.row) for row in published.rows(paper.key)}
    assert all(caution in texts(app) for caution in paper.cautions)
    assert "Assumed" in texts(app)


def test_a_whole_table_is_started_from_the_board(open_page, monkeypatch, folder, run):
    started = []
    monkeypatch.setattr(requests, "start", lambda recipe: started.append(recipe) or run)
    monkeypatch.setattr("core.recipes.fitting.fit", lambda recipe, manifest: (recipe, manifest))
    app = open_page("pages/papers.py", paper="benbakreti-2022")
    next(box for box in app.selectbox if box.label == "On data set").select(folder.name)
    next(button for button in app.button if button.label.startswith("Train the whole table")).click().run()
    assert not app.exception
    assert [recipe.name for recipe in started] == [entry.name for entry in catalogue.entries() if entry.paper == "benbakreti-2022"]


@pytest.mark.usefixtures("run")
def test_settings_are_changed_compared_and_saved_under_a_name(open_page):
    app = open_page("pages/train.py", data="set", recipe="alasfoor-2020")
    next(box for box in app.number_input if box.label == "Epochs").set_value(3).run()
    assert "epochs: 20 → 3" in texts(app)
    next(box for box in app.text_input if box.label == "Name").input("mine").run()
    next(button for button in app.button if button.label == "Save").click().run()
    assert not app.exception
    assert catalogue.saved() == ("mine",)


@pytest.mark.usefixtures("run")
def test_every_setting_that_nobody_touches_is_the_recipe_s_own(open_page):
    for entry in catalogue.entries():
        app = open_page("pages/train.py", data="set", recipe=entry.name)
        assert "Changed: " not in texts(app), entry.name


@pytest.mark.usefixtures("run")
def test_any_field_is_changed_by_a_widget_or_by_its_name(open_page, monkeypatch, run):
    started = []
    monkeypatch.setattr(requests, "start", lambda recipe: started.append(recipe) or run)
    app = training_page(open_page)
    of = {box.label: box for box in (*app.number_input, *app.selectbox, *app.toggle, *app.text_area)}
    of["Turned by up to (°)"].set_value(20.0)
    of["Mirrored"].set_value(True)
    of["Schedule"].select("step")
    of["Test fold"].set_value(2)
    of["Head"].select("pooled")
    of["Any other field"].input("execution.channels_last=off\n\nloss.label_smoothing=0.2")
    app.run()
    drops = next(box for box in app.number_input if box.label == "Drops every so many epochs")  # asked for that schedule alone
    drops.set_value(2).run()
    next(button for button in app.button if button.label == "Train").click().run()
    assert not app.exception
    (recipe,) = started
    assert (recipe.augmentation.rotation, recipe.augmentation.flip) == (20.0, True)
    assert (recipe.schedule.name, recipe.schedule.drop_every) == ("step", 2)
    assert (recipe.split.fold, recipe.head.kind) == (1, "pooled")
    assert (recipe.execution.channels_last, recipe.loss.label_smoothing) == ("off", 0.2)


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize(("text", "message"), [("epochs", "FIELD=VALUE"), ("image.sise=3", "Did you mean size")])
def test_a_field_that_there_is_not_is_refused_in_the_page(text, message, open_page):
    app = training_page(open_page)
    next(box for box in app.text_area if box.label == "Any other field").input(text).run()
    assert not app.exception
    assert message in texts(app)


@pytest.mark.usefixtures("run")
def test_any_network_of_timm_may_be_named(open_page):
    app = open_page("pages/train.py", data="set", model="other")
    next(box for box in app.text_input if box.label == "Its name in timm").input("resnet10t").run()
    for box in app.number_input:
        if box.label in (small := {"Image size (px)": 64, "Batch size": 8}):
            box.set_value(small[box.label])
    app.run()
    assert not app.exception
    assert "Parameters" in {metric.label for metric in app.metric}, texts(app)


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize(("name", "message"), [("resnet10tt", "Did you mean"), ("vit_tiny_patch16_224", "Grad-CAM")])
def test_a_network_that_timm_has_not_or_that_has_no_maps_is_refused_in_the_page(name, message, open_page):
    app = open_page("pages/train.py", data="set", model="other")
    next(box for box in app.text_input if box.label == "Its name in timm").input(name).run()
    assert not app.exception
    assert message in texts(app)


def test_a_class_that_a_recipe_needs_and_the_data_lacks_is_named_in_the_page(run, open_page):
    assert "COVID-19" in texts(open_page("pages/train.py", data=run.recipe().data.name, recipe="zhong-2020"))
