"""The part of the Queue page that shows experiments."""

from __future__ import annotations

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.recipes.recipe import compose
from core.recipes.specs import DataSpec
from core.runs import store, ticket

DATA = DataSpec(name="set", sha256="0" * 64, classes=("a", "b"))


@pytest.fixture(autouse=True)
def links(monkeypatch):
    """Pages that were linked to, with the link's parameters."""
    found = []
    monkeypatch.setattr(st, "page_link", lambda page, query_params=None, **_: found.append((page, query_params)))
    return found


def drawn(**parameters: str) -> AppTest:
    def script() -> None:
        from pages import _experiments

        _experiments.show()

    app = AppTest.from_function(script, default_timeout=60)
    app.query_params.update(parameters)
    app.run()
    assert not app.exception, app.exception
    return app


def run(name: str, accuracy: float, **changes):
    recipe = compose(DATA, "alasfoor-cnn22", **changes)
    made = store.create(recipe, before_visible=ticket.Ticket(submitted=1.0, experiment_name=name).write)
    made.write_status(made.status().changed(state="done", result={"accuracy": accuracy, "accuracy_low": 0.1, "accuracy_high": 0.9}))
    return made


def test_without_experiments_the_way_to_one_is_shown(links):
    drawn()
    assert links == [("pages/train.py", {"several": "1"})]


def test_the_experiment_of_the_link_is_shown_with_mean_deviation_and_interval(links):
    run("other", 0.5)
    runs = [run("trial", accuracy, seed=seed, **{"optimiser.lr": lr}) for lr in (0.1, 0.01) for seed, accuracy in ((0, 0.7), (1, 0.8))]
    app = drawn(experiment="trial")
    experiments, variations = (table.value for table in app.dataframe)
    assert set(experiments["experiment"]) == {"other", "trial"}
    assert set(variations["optimiser.lr"]) == {"0.1", "0.01"}
    assert set(variations["Accuracy"]) == {"75.0 % ± 7.1 (2 runs)"}
    assert set(variations["Accuracy, 95 %"]) == {"75.0 % (11.5–100.0)"}
    assert "Student’s t over 2 seeds" in "\n".join(caption.value for caption in app.caption)
    page, parameters = links[-1]
    assert page == "pages/compare.py"
    compared = parameters["runs"].split(",")
    assert len(compared) == 2
    assert set(compared) < {made.id for made in runs}
    assert app.query_params["experiment"] in ("trial", ["trial"])
