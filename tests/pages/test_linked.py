"""A link brings another person to the same place: what it asks for is shown on every page, and what is changed there stands in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.data import library
from core.recipes import fitting
from core.runs import store
from core.runs.store import Run
from core.training import worker

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60  # for a page to be drawn on a busy machine

pytestmark = pytest.mark.filterwarnings("error::DeprecationWarning:pages")


@pytest.fixture
def runs(make_folder) -> list[Run]:
    """Two finished runs of a second's training, of two seeds."""
    folder = make_folder({"a": 30, "b": 30}, size=24, name="set")
    library.open_dataset(str(make_folder({"a": 6, "b": 6}, size=24, name="other", seed=7)))
    made = []
    for seed in (1, 2):
        draft = fitting.draft(model="alasfoor-cnn22", seed=seed, **{"image.size": 24, "epochs": 1, "batch_size": 8})
        made.append(store.create(fitting.fit(draft, library.open_dataset(str(folder)))[0]))
        worker.run(made[-1])
    return made


def opened(page: str, **parameters: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=SECONDS)
    app.query_params.update(parameters)
    app.run()
    app.switch_page(f"pages/{page}.py").run()
    assert not app.exception, app.exception
    return app


def widget(app: AppTest, label: str):
    kinds = ("selectbox", "multiselect", "number_input", "slider", "toggle", "text_input", "expander")
    return next(one for kind in kinds for one in app.get(kind) if one.label == label)


def in_link(app: AppTest, name: str) -> str | None:
    value = app.query_params.get(name)
    return value[0] if isinstance(value, list) else value


def test_the_cell_of_a_matrix_stands_in_the_link_with_its_page_and_its_maps(runs):
    app = opened("runs", run=runs[0].id, view="matrix", cell="a → b", maps="1")
    assert widget(app, "Images of the cell").value == "a → b"
    widget(app, "Images of the cell").select("b → b").run()
    assert in_link(app, "cell") == "b → b"
    widget(app, "Images of the cell").select("").run()
    assert in_link(app, "cell") is None


def test_a_threshold_and_its_class_and_prevalence_stand_in_the_link(runs):
    app = opened("runs", run=runs[0].id, view="curves", **{"class": "b", "threshold": "0.25", "prevalence": "2.5"})
    values = [widget(app, label).value for label in ("Class", "Call it at a probability of")]
    assert values == ["b", 0.25]
    assert next(slider for slider in app.slider if "prevalence" in slider.label).value == 2.5
    widget(app, "Call it at a probability of").set_value(0.5).run()
    assert in_link(app, "threshold") == "0.5"

    # Another class begins at its own threshold, at the same prevalence.
    widget(app, "Class").select("a").run()
    assert in_link(app, "threshold") is None
    assert in_link(app, "prevalence") == "2.5"


def test_what_is_folded_out_stands_in_the_link(runs):
    app = opened("runs", run=runs[0].id, open="recipe,log")
    assert [name for name in ("recipe", "environment", "log") if app.session_state[f"linked open {name}"]] == ["recipe", "log"]
    app.session_state["linked open log"] = False
    app.run()
    assert in_link(app, "open") == "recipe"


def test_filters_columns_and_curves_of_a_comparison_stand_in_the_link(runs):
    both = ",".join(run.id for run in runs)
    link = {"data": "set", "models": "alasfoor-cnn22", "columns": "accuracy,mcc", "open": "costs", "cost": "minutes"}
    app = opened("compare", runs=both, view="curves", curve="accuracy", part="train", smoothing="0.3", log="1", **link)
    assert widget(app, "Data set").value == ["set"]
    assert widget(app, "Columns").value == ["accuracy", "mcc"]
    assert (widget(app, "Cost").value, widget(app, "Curve").value, widget(app, "Part").value) == ("minutes", "accuracy", "train")
    assert (widget(app, "Smoothing").value, widget(app, "Logarithmic").value) == (0.3, True)
    widget(app, "Columns").set_value([]).run()
    assert in_link(app, "columns") == ""
    assert widget(app, "Columns").value == []


def test_sets_of_the_matrix_of_train_and_test_sets_stand_in_the_link(runs):
    app = opened("cross_data", runs=runs[1].id, tested="other")
    assert (widget(app, "Networks").value, widget(app, "Tested on").value) == ([runs[1].id], ["other"])


def test_image_methods_layer_and_class_of_the_heat_map_lab_stand_in_the_link(runs):
    app = opened("heat_maps", run=runs[0].id, image="3", methods="gradcam,hirescam", **{"class": "b"})
    assert (widget(app, "Test image").value, widget(app, "Methods").value, widget(app, "Class").value) == (3, ["gradcam", "hirescam"], "b")
    layer = widget(app, "Layer").options[0]
    widget(app, "Layer").select(layer).run()
    widget(app, "Test image").set_value(2).run()
    assert (in_link(app, "image"), in_link(app, "layer"), in_link(app, "class")) == ("2", layer, None)


@pytest.mark.usefixtures("runs")
def test_the_row_of_a_paper_its_data_and_what_is_folded_out_stand_in_the_link():
    app = opened("papers", paper="alasfoor-2020", data="set", random="1", open="matrix1")
    rows = widget(app, "Row")
    other = app.session_state["linked row"]
    assert widget(app, "On data set").value == "set"
    assert widget(app, "Without ImageNet weights").value
    assert app.session_state["linked open matrix1"]
    rows.select_index(1).run()
    assert in_link(app, "row") == app.session_state["linked row"] != other


@pytest.mark.usefixtures("runs")
def test_a_network_of_timm_and_the_epochs_of_a_new_run_stand_in_the_link():
    app = opened("train", data="set", model="other", timm="resnet10t", epochs="7")
    assert (widget(app, "Its name in timm").value, widget(app, "Epochs").value) == ("resnet10t", 7)


@pytest.mark.usefixtures("runs")
def test_recipes_networks_and_seeds_of_a_sweep_stand_in_the_link():
    app = opened("train", several="1", data="set", recipe="demo", model="resnet18,resnet10t", seeds="0-1")
    assert widget(app, "Recipes").value == ["demo"]
    assert widget(app, "Networks under the default recipe").value == ["resnet18", "resnet10t"]
    assert widget(app, "Seeds").value == "0-1"


def test_the_class_to_mark_stands_in_the_link_of_the_shortcut_lab(make_folder):
    library.open_dataset(str(make_folder({"a": 12, "b": 12, "c": 12}, size=24, name="set")))
    app = opened("shortcut_lab", data="set", beside="a,c", **{"class": "b"})
    assert (widget(app, "Class that gets the marker").value, widget(app, "Classes beside it").value) == ("b", ["a", "c"])


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize("image", ["0", "999", "-1", "x", ""])
def test_a_number_that_is_none_of_the_page_s_is_the_usual_one(image):
    assert widget(opened("heat_maps", image=image), "Test image").value == 1


@pytest.mark.usefixtures("runs")
def test_names_that_are_not_here_are_passed_over():
    app = opened("compare", columns="accuracy,no-metric", data="gone", models="alasfoor-cnn22")
    assert (widget(app, "Columns").value, widget(app, "Data set").value) == (["accuracy"], [])


def test_another_link_on_the_same_page_is_followed(runs):
    app = opened("runs", run=runs[0].id, view="matrix", cell="a → b")
    app.query_params["cell"] = "b → a"
    app.run()
    assert widget(app, "Images of the cell").value == "b → a"
