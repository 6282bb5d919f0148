"""Matrices: every cell says its count and share, margins say what they are shares of, and text is legible on its cell."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import figures
from core.figures import matrices

CLASSES = ("covid", "normal", "viral pneumonia")
MATRIX = np.array([[3, 1, 0], [0, 2, 0], [1, 1, 2]])
LAWS = settings(max_examples=40, deadline=None, derandomize=True)


def texts(figure: go.Figure) -> dict[tuple[float, float], str]:
    """What is written in the cells, by row and column; the margin has the next index."""
    return {(int(note.y), int(note.x)): note.text.replace("<b>", "").replace("</b>", "") for note in figure.layout.annotations}


def points(figure: go.Figure) -> Any:
    return next(trace for trace in figure.data if trace.type == "bar")


@st.composite
def confusions(draw: st.DrawFn) -> np.ndarray:
    count = draw(st.integers(2, 15))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return rng.integers(0, 5, (count, count)) * rng.integers(0, 2, (count, 1))  # some rows are empty


def test_a_confusion_matrix_is_coloured_by_row_and_labelled_by_count() -> None:
    figure = figures.confusion(MATRIX, CLASSES, margins=False)
    (cells,) = figure.data
    np.testing.assert_allclose(cells.z, [[0.75, 0.25, 0], [0, 1, 0], [0.25, 0.25, 0.5]])
    assert [texts(figure)[0, column] for column in range(3)] == ["3<br>75 %", "1<br>25 %", "0<br>0 %"]
    assert "n = 4" in figure.layout.yaxis.ticktext[0]


def test_shares_may_be_of_the_column_or_left_away() -> None:
    by_column = figures.confusion(MATRIX, CLASSES, show="column")
    np.testing.assert_allclose(np.array(by_column.data[0].z)[:, 1], [0.25, 0.5, 0.25])
    assert texts(by_column)[1, 1] == "2<br>50 %"
    counts = figures.confusion(MATRIX, CLASSES, show="count")
    assert texts(counts)[1, 1] == "2"
    np.testing.assert_array_equal(counts.data[0].z, figures.confusion(MATRIX, CLASSES).data[0].z)


def test_margins_are_sensitivity_precision_and_accuracy_each_with_its_n() -> None:
    figure = figures.confusion(MATRIX, CLASSES)
    written = texts(figure)
    assert [written[row, 3] for row in range(3)] == ["75.0 %<br>n = 4", "100.0 %<br>n = 2", "50.0 %<br>n = 4"]
    assert [written[3, column] for column in range(3)] == ["75.0 %<br>n = 4", "50.0 %<br>n = 4", "100.0 %<br>n = 2"]
    assert written[3, 3] == "accuracy<br>70.0 %<br>n = 10"
    assert (figure.layout.yaxis.ticktext[-1], figure.layout.xaxis.ticktext[-1]) == ("precision", "sensitivity")


def test_margins_stand_apart_and_explain_themselves() -> None:
    figure = figures.confusion(MATRIX, CLASSES)
    edges, words = figure.data[1].x, np.array(figure.data[1].text)
    assert edges[4] - edges[3] == pytest.approx(matrices.GAP)
    assert words[0, 4] == "sensitivity of covid: 75.0 %<br>3 of 4"
    assert words[4, 2] == "precision of viral pneumonia: 100.0 %<br>2 of 2"
    drawn = ~np.isnan(np.array(figure.data[1].z, dtype=float))
    np.testing.assert_array_equal(drawn, words != "")
    assert drawn.sum() == 7


@given(confusions(), st.sampled_from(["count", "row", "column"]))
@LAWS
def test_an_empty_row_or_column_is_undefined_and_never_breaks_a_figure(matrix: np.ndarray, show: Any) -> None:
    classes = [f"c{number}" for number in range(len(matrix))]
    figure = figures.confusion(matrix, classes, show=show, selectable=True)
    written, count = texts(figure), len(matrix)
    assert np.isfinite(np.array(figure.data[0].z)).all()
    for number in range(count):
        assert written[number, count].startswith("–") == (matrix[number].sum() == 0)
        assert written[count, number].startswith("–") == (matrix[:, number].sum() == 0)
        if show == "row":
            assert written[number, 0].endswith("–") == (matrix[number].sum() == 0)
    assert len(written) == (count + 1) ** 2
    assert "nan" not in "".join(written.values())


def test_large_counts_have_separators() -> None:
    assert texts(figures.confusion([[1250, 0], [0, 7]], CLASSES[:2]))[0, 0] == "1,250<br>100 %"


def test_a_confusion_matrix_reads_from_the_top() -> None:
    layout = figures.confusion(np.eye(3, dtype=int), CLASSES).layout
    assert (layout.xaxis.title.text, layout.yaxis.title.text) == ("predicted", "true")
    assert layout.yaxis.range[0] > layout.yaxis.range[1]


def test_a_pointed_cell_speaks_in_words() -> None:
    words = figures.confusion(MATRIX, CLASSES).data[0].text[0][1]
    assert words == "true: covid<br>predicted: normal<br>1 image<br>25.0 % of the true covid<br>25.0 % of those called normal"


@given(confusions())
@LAWS
def test_every_cell_can_be_selected_and_names_itself(matrix: np.ndarray) -> None:
    figure = figures.confusion(matrix, [f"c{number}" for number in range(len(matrix))], selectable=True)
    targets = points(figure)
    assert [tuple(place) for place in targets.customdata] == list(np.ndindex(matrix.shape))
    for (row, column), x, base, height, words in zip(
        targets.customdata, targets.x, targets.base, targets.y, targets.hovertext, strict=True
    ):
        assert (x, base + height / 2) == (column, row)
        assert words.startswith(f"true: c{row}<br>predicted: c{column}<br>{matrix[row, column]} image")
    assert targets.width == 1
    assert targets.marker.opacity == 0 < targets.selected.marker.opacity
    assert figure.data[0].hoverinfo == "skip"


def test_nothing_can_be_selected_unless_asked_for() -> None:
    assert {trace.type for trace in figures.confusion(MATRIX, CLASSES).data} == {"heatmap"}


def luminance(colour: np.ndarray) -> np.ndarray:
    """WCAG 2: of sRGB in 0–255. float [..., 3] → [...]"""
    share = np.asarray(colour) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]


def contrast(one: np.ndarray, other: np.ndarray) -> float:
    high, low = sorted((float(luminance(one)), float(luminance(other))), reverse=True)
    return (high + 0.05) / (low + 0.05)


def rgb(colour: str) -> np.ndarray:
    return np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)])


@given(st.floats(0, 1))
@LAWS
def test_text_stands_out_from_every_cell(share: float) -> None:
    cell = np.array(matrices.PALE_CELL) * (1 - share) + np.array(matrices.FULL_CELL) * share
    assert contrast(rgb(matrices.text_colour(share)), cell) > 4
    assert contrast(rgb(matrices.LIGHT_TEXT), np.array(matrices.MARGIN_CELL)) > 4.5


def test_runs_are_not_compared_with_themselves() -> None:
    matrix = np.array([[1, 0.9, 0.8], [0.9, 1, 0.75], [0.8, 0.75, 1]])
    figure = figures.agreement(matrix, ["a", "b", "c"])
    assert [texts(figure)[0, column] for column in range(3)] == ["", "90.0 %", "80.0 %"]
    np.testing.assert_allclose(figure.data[0].z, [[np.nan, 0.6, 0.2], [0.6, np.nan, 0], [0.2, 0, np.nan]], atol=1e-12)
    assert figure.data[0].text[0][1] == "a and b<br>label 90.0 % of the images alike"
    assert matrix[0, 0] == 1


@pytest.mark.parametrize("matrix", [[[1.0]], [[1.0, 1.0], [1.0, 1.0]]], ids=["one run", "equal runs"])
def test_runs_that_agree_in_all_give_a_valid_figure(matrix: list[list[float]]) -> None:
    assert "NaN" not in figures.agreement(matrix, ["a", "b"][: len(matrix)]).to_json()


def test_a_pair_of_data_sets_without_a_figure_has_no_cell() -> None:
    figure = figures.cross_data([[0.9, 0.5], [np.nan, 0.8]], [["90 %", "50 %"], ["", "80 %"]], ["a", "b"], ["c", "d"])
    assert (texts(figure)[1, 0], texts(figure)[0, 1]) == ("–", "50 %")
    assert np.isnan(figure.data[0].z[1][0])
    assert figure.layout.annotations[2].font.color is None  # on the page itself, so in its own colour
    assert figure.data[0].text[0][1] == "trained on a<br>tested on d<br>50 %"


def test_a_row_is_as_high_as_the_lines_of_its_name() -> None:
    short, long = (figures.cross_data([[0.5]] * 6, [["x"]] * 6, [name] * 6, ["set"]).layout.height for name in ("short", "five lines " * 5))
    assert long - short == pytest.approx(6.2 * (5 * matrices.LINE_HEIGHT + 6 - 56), abs=1)


def test_more_columns_than_rows_fit() -> None:
    figure = figures.cross_data([[0.9, 0.5, 0.4]], [["a", "b", "c"]], ["one"], ["x", "y", "z"])
    assert (figure.layout.xaxis.range, figure.layout.yaxis.range) == ((-0.5, 2.5), (0.5, -0.5))
