"""Every figure: valid at its smallest input, without colours of text or background of its own, light to import."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from core import figures

STEP = {"kind": "step", "epoch": 1, "step": 1, "steps": 1, "loss": None, "lr": 0.1}
EPOCH = {"kind": "epoch", "epoch": 1, "lr": 0.1, "best": True} | {
    f"{part}_{name}": 0.5 for part in ("train", "validation") for name in ("loss", "accuracy")
}
SMALLEST = {
    "no epoch": lambda: figures.curves([], epochs=1),
    "no number": lambda: figures.curves([STEP], epochs=1, log=True, rates=True),
    "one epoch": lambda: figures.curves([STEP, EPOCH], epochs=1, rates=True),
    "no run": lambda: figures.overlay([], log=True),
    "a run without values": lambda: figures.overlay([figures.Series("a", "#000000", np.array([]), np.array([]))]),
    "no images": lambda: figures.confusion(np.zeros((2, 2), dtype=int), ("a", "b"), selectable=True),
    "one class": lambda: figures.confusion([[3]], ("a",)),
    "no image of a class": lambda: figures.class_counts({"covid": 0}),
    "one part": lambda: figures.part_counts(pd.DataFrame({"train": [1]}, index=["covid"])),
    "one step": lambda: figures.learning_rate(np.array([0.1]), steps=1),
    "certain": lambda: figures.shares({"covid": 1.0, "normal": 0.0}),
    "no curve": lambda: figures.roc({}),
    "an empty curve": lambda: figures.precision_recall({"a": ([], [])}, areas={"a": np.nan}, prevalence={"a": 0.0}),
    "one bin": lambda: figures.reliability([np.nan], [np.nan], [np.nan], [np.nan], [0], np.nan),
    "one threshold": lambda: figures.threshold([0.5], [np.nan], [1], [np.nan], [1], 0.5),
    "no group": lambda: figures.spread({}),
    "no network": lambda: figures.cost([]),
    "one run": lambda: figures.agreement([[1.0]], ["a"]),
    "no line": lambda: figures.lines({}, "x", "y"),
    "no bar": lambda: figures.bars({}, "y"),
    "equal values": lambda: figures.groups({"a": [1.0, 1.0]}, 1.0, "x", "limit"),
    "no repeat": lambda: figures.intervals([], [], [], 0.5),
    "one pixel": lambda: figures.pictures({"a": np.zeros((1, 1))}),
    "nothing tested": lambda: figures.cross_data([[np.nan]], [[""]], ["a"], ["b"]),
}


@pytest.mark.parametrize("draw", SMALLEST.values(), ids=SMALLEST.keys())
@pytest.mark.filterwarnings("error")
def test_the_smallest_inputs_give_a_valid_figure(draw) -> None:
    figure = draw()
    assert go.Figure(figure.to_dict()).layout.height > 0
    assert "NaN" not in figure.to_json()
    assert "nan" not in figures.alt_text(figure)


@pytest.mark.parametrize("draw", SMALLEST.values(), ids=SMALLEST.keys())
def test_text_and_background_are_left_to_the_page_s_theme(draw) -> None:
    layout = draw().layout
    assert (layout.font.color, layout.paper_bgcolor, layout.plot_bgcolor) == (None, None, None)
    assert layout.margin.to_plotly_json() == {"l": 10, "r": 10, "t": 30, "b": 10}


def test_every_public_name_is_there_once() -> None:
    assert len(set(figures.__all__)) == len(figures.__all__)
    assert all(hasattr(figures, name) for name in figures.__all__)


def test_figures_need_no_other_part_of_the_engine() -> None:
    code = "import sys; import core.figures; print(sorted(m for m in sys.modules if m == 'torch' or m.startswith('core.')))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert all(name.strip("[]' \n").startswith("core.figures") for name in loaded.split(","))
