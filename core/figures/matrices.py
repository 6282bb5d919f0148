"""Tables of coloured cells: confusion matrices, agreement of runs, training set by test set."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Literal

import numpy as np
import plotly.graph_objects as go

from core.figures import words
from core.figures.theme import BEST, framed
from core.figures.words import percent

PALE_CELL, FULL_CELL, MARGIN_CELL = (222, 234, 243), (8, 58, 112), (88, 103, 114)
DARK_TEXT, LIGHT_TEXT = "#0b1a24", "#ffffff"
"""Text on a cell is set by its own colour, not by the page's theme."""

GAP = 0.2  # cells; between the matrix and its margins
LINE_HEIGHT = 16  # pixels, of a row's name


def confusion(
    matrix: np.ndarray | Sequence[Sequence[int]],
    classes: Sequence[str],
    show: Literal["count", "row", "column"] = "row",
    margins: bool = True,
    selectable: bool = False,
) -> go.Figure:
    """Counts in the cells, coloured by their share; rows are true classes, columns predicted ones.

    Args:
        matrix: images. int [classes, classes]
        show: which share stands below a count and colours it: "row" of the true class, "column" of those called so; "count" leaves the
            text away and colours by row.
        margins: sensitivity right of each true class, precision below each predicted one, accuracy in the corner, each with its n.
        selectable: an invisible point a cell with customdata [true index, predicted index], for a page to react to: cells of a heat map
            cannot be selected. The selected one is tinted.
    """
    matrix = np.asarray(matrix)
    of_row, of_column = _shares(matrix, 1), _shares(matrix, 0)
    shown = of_column if show == "column" else of_row
    hints = _cell_hints(matrix, classes, of_row, of_column)
    text = [
        [f"<b>{n:,}</b>" if show == "count" else f"<b>{n:,}</b><br>{percent(share, 0)}" for n, share in zip(numbers, row, strict=True)]
        for numbers, row in zip(matrix, shown, strict=True)
    ]
    figure = _cells(np.nan_to_num(shown), text, hints)
    if margins:
        _add_margins(figure, matrix, classes)
    if selectable:
        _add_targets(figure, hints)
    totals = [""] * len(classes) if margins else [f"<br>n = {total:,}" for total in matrix.sum(axis=1)]
    rows = [f"{_wrapped(name)}{total}" for name, total in zip(classes, totals, strict=True)]
    columns = [_wrapped(name) for name in classes]
    return _labelled(
        figure, rows + ["precision"] * margins, columns + ["sensitivity"] * margins, ("true", "predicted"), _in_words(matrix, classes)
    )


def agreement(matrix: np.ndarray | Sequence[Sequence[float]], names: Sequence[str]) -> go.Figure:
    """Share of images that two runs label alike. float [runs, runs], symmetric; the diagonal says nothing and stays empty."""
    shares = np.array(matrix, dtype=float)
    np.fill_diagonal(shares, np.nan)
    text = [[percent(share) if row != column else "" for column, share in enumerate(line)] for row, line in enumerate(shares)]
    hints = [
        [f"{a} and {b}<br>label {percent(share)} of the images alike" for b, share in zip(names, line, strict=True)]
        for a, line in zip(names, shares, strict=True)
    ]
    low = np.nanmin(shares, initial=1.0)
    scaled = (shares - low) / (1 - low) if low < 1 else shares
    pairs = {f"{names[row]} and {names[column]}": shares[row, column] for row, column in zip(*np.triu_indices(len(names), 1), strict=True)}
    least_first = dict(sorted(pairs.items(), key=lambda pair: pair[1]))
    said = f"Share of images that two runs label alike, least first: {words.counted(least_first, percent)}."
    labels = [_wrapped(name) for name in names]
    return _labelled(_cells(scaled, text, hints), labels, labels, ("", ""), said)


def cross_data(
    values: np.ndarray | Sequence[Sequence[float]], text: Sequence[Sequence[str]], rows: Sequence[str], columns: Sequence[str]
) -> go.Figure:
    """What a network trained on one data set (rows) is worth on another (columns).

    Args:
        values: shares in [0, 1] that colour the cells, NaN where there is none. float [rows, columns]
        text: in the cells. str [rows, columns]
    """
    shares = np.asarray(values, dtype=float)
    hints = [
        [f"trained on {row}<br>tested on {column}<br>{text[i][j] or '–'}" for j, column in enumerate(columns)] for i, row in enumerate(rows)
    ]
    shown = [[cell or "–" for cell in line] for line in text]
    said = [
        f"{row} on {column}: {text[i][j].replace('<br>', ', ') or 'nothing'}"
        for i, row in enumerate(rows)
        for j, column in enumerate(columns)
    ]
    return _labelled(
        _cells(shares, shown, hints), [_wrapped(name) for name in rows], [_wrapped(name) for name in columns],
        ("trained on", "tested on"), f"Networks by data set that they are tested on. {words.listed(said)}.",
    )  # fmt: skip


def _shares(matrix: np.ndarray, axis: int) -> np.ndarray:
    """Of each row (axis 1) or column (axis 0); NaN where that is empty. float [classes, classes]"""
    totals = matrix.sum(axis=axis, keepdims=True)
    return np.divide(matrix, totals, out=np.full(matrix.shape, np.nan), where=totals > 0)


def _in_words(matrix: np.ndarray, classes: Sequence[str]) -> str:
    """How many are right, and where each true class went, largest first."""
    images, right = int(matrix.sum()), int(np.diagonal(matrix).sum())
    said = []
    for name, row in zip(classes, matrix, strict=True):
        called = [f"{row[place]:,} as {classes[place]}" for place in np.argsort(-row, kind="stable") if row[place]]
        said.append(f"true {name}: {', '.join(called[: words.MOST]) or 'no image'}")
    share = percent(right / images) if images else "–"
    return f"Confusion matrix of {words.count(images, 'image')}, {right:,} right ({share}). {words.listed(said)}."


def _cell_hints(matrix: np.ndarray, classes: Sequence[str], of_row: np.ndarray, of_column: np.ndarray) -> list[list[str]]:
    """What a cell says when it is pointed at."""
    return [
        [
            f"true: {true}<br>predicted: {called}<br>{matrix[i, j]:,} image{'' if matrix[i, j] == 1 else 's'}<br>"
            f"{percent(of_row[i, j])} of the true {true}<br>{percent(of_column[i, j])} of those called {called}"
            for j, called in enumerate(classes)
        ]
        for i, true in enumerate(classes)
    ]


def _cells(shares: np.ndarray, text: Sequence[Sequence[str]], hints: Sequence[Sequence[str]]) -> go.Figure:
    """Cells coloured by `shares` in [0, 1] (NaN: no cell), with text in them and hints for the pointer. Each [rows, columns]"""
    figure = go.Figure(
        go.Heatmap(
            z=shares, text=hints, hovertemplate="%{text}<extra></extra>", hoverongaps=False, zmin=0, zmax=1, showscale=False,
            colorscale=[[0, f"rgb{PALE_CELL}"], [1, f"rgb{FULL_CELL}"]], xgap=2, ygap=2,
        )
    )  # fmt: skip
    size = _font_size(max(shares.shape))
    _write(figure, [(row, column, text[row][column], size, text_colour(share)) for (row, column), share in np.ndenumerate(shares)])
    return figure


def _write(figure: go.Figure, texts: Sequence[tuple[float, float, str, int, str | None]]) -> None:
    """(row, column, text, size, colour) as annotations, all at once: Plotly checks those that are there again with each one added."""
    notes = [
        {"x": column, "y": row, "text": text, "showarrow": False, "font": {"size": size, "color": colour}}
        for row, column, text, size, colour in texts
    ]
    figure.layout.annotations = (*figure.layout.annotations, *notes)


def text_colour(share: float) -> str | None:
    """The colour with more contrast on a cell (they cross at 0.61); the page's own where there is no cell."""
    if np.isnan(share):
        return None
    return LIGHT_TEXT if share > 0.61 else DARK_TEXT


def _add_margins(figure: go.Figure, matrix: np.ndarray, classes: Sequence[str]) -> None:
    """A column of sensitivities, a row of precisions and the accuracy, apart from the cells, as MATLAB's plotconfusion has them."""
    count, hits = len(classes), np.diagonal(matrix)
    real, called, everything = matrix.sum(axis=1), matrix.sum(axis=0), int(matrix.sum())
    places = [(row, count, "sensitivity", name) for row, name in enumerate(classes)]
    places += [(count, column, "precision", name) for column, name in enumerate(classes)]
    values = [*zip(hits, real, strict=True), *zip(hits, called, strict=True), (hits.sum(), everything)]
    z = np.full((count + 2, count + 2), np.nan)  # one more for the gap
    hints = np.full(z.shape, "", dtype=object)
    texts, size = [], min(12, _font_size(count))
    for (row, column, metric, name), (right, total) in zip([*places, (count, count, "accuracy", "")], values, strict=True):
        share = percent(right / total if total else np.nan)
        at = (row + (row == count), column + (column == count))
        z[at], hints[at] = 1, f"{metric}{f' of {name}' if name else ''}: {share}<br>{right:,} of {total:,}"
        head = "accuracy<br>" if metric == "accuracy" else ""
        text = f"{head}<b>{share}</b><br>n = {total:,}"
        texts.append((row + GAP * (row == count), column + GAP * (column == count), text, size, LIGHT_TEXT))
    _write(figure, texts)
    edges = [*(np.arange(count + 1) - 0.5), count - 0.5 + GAP, count + 0.5 + GAP]
    figure.add_heatmap(
        z=z, x=edges, y=edges, text=hints.tolist(), hovertemplate="%{text}<extra></extra>", hoverongaps=False, showscale=False,
        colorscale=[[0, f"rgb{MARGIN_CELL}"], [1, f"rgb{MARGIN_CELL}"]], xgap=2, ygap=2,
    )  # fmt: skip


def _add_targets(figure: go.Figure, hints: Sequence[Sequence[str]]) -> None:
    """One point a cell, drawn as a bar, since that fills its cell at any width of the page; a marker's size is fixed in pixels."""
    places = [(row, column) for row in range(len(hints)) for column in range(len(hints))]
    figure.data[0].update(hoverinfo="skip", hovertemplate=None)
    figure.add_bar(
        x=[column for _, column in places], base=[row - 0.5 for row, _ in places], y=[1] * len(places), width=1, customdata=places,
        hovertext=[hints[row][column] for row, column in places], hovertemplate="%{hovertext}<extra></extra>", showlegend=False,
        marker={"color": BEST, "opacity": 0}, selected={"marker": {"opacity": 0.4}}, unselected={"marker": {"opacity": 0}},
    )  # fmt: skip
    figure.update_layout(hovermode="closest", clickmode="event+select", dragmode=False)


def _labelled(figure: go.Figure, rows: Sequence[str], columns: Sequence[str], titles: tuple[str, str], said: str) -> go.Figure:
    """`said` in words; axes with a name a row and column (those beyond the cells are margins), read from the top."""
    cells = np.shape(figure.data[0].z)
    for update, names, count, title in (
        (figure.update_yaxes, rows, cells[0], titles[0]),
        (figure.update_xaxes, columns, cells[1], titles[1]),
    ):
        places = [place + GAP * (place >= count) for place in range(len(names))]
        ends = [-0.5, places[-1] + 0.5]
        update(
            title=title or None, tickvals=places, ticktext=list(names), showgrid=False, zeroline=False, ticks="", fixedrange=True,
            range=ends[::-1] if update == figure.update_yaxes else ends,
        )  # fmt: skip
    figure.update_xaxes(autotickangles=[0, -40, -90])  # leaning so that the last one stays within the page
    return framed(figure, 100 + round(_cell_height(cells[0], rows) * (len(rows) + GAP)), said)


def _cell_height(count: int, rows: Sequence[str]) -> int:
    """Pixels of a cell in a matrix of `count` rows; the lines of a row's name must not reach into the next row's."""
    lines = max(name.count("<br>") + 1 for name in rows)
    return max(70 if count <= 4 else 56 if count <= 8 else 48, LINE_HEIGHT * lines + 6)


def _font_size(count: int) -> int:
    return 14 if count <= 4 else 12 if count <= 8 else 10


def _wrapped(name: str) -> str:
    return "<br>".join(textwrap.wrap(name, 11, break_long_words=False))
