"""The benchmark's table as figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from core import charts, figures, wording
from core.benchmark.protocol import HONEST, PUBLISHED
from core.benchmark.table import Side, Table
from core.evaluation import overview
from core.evaluation.intervals import Estimate
from core.runs import index

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from core.runs.index import Row


def sides(table: Table) -> go.Figure:
    """Every row under both protocols, with the best probe by patient; rows of fewer classes, which it does not speak of, stand below."""
    lines = sorted(table.lines, key=table.ranked, reverse=True)
    rows = [
        figures.Beside(
            line.recipe if table.ranked(line) else f"{line.recipe} ({wording.count(line.classes, 'class', 'classes')})",
            _bounds(line.sides.get(PUBLISHED.name)),
            _bounds(line.sides.get(HONEST.name)),
        )
        for line in lines
    ]
    honest = {one.name: one.accuracy[HONEST.name].value for one in table.probes if HONEST.name in one.accuracy}
    best = max(honest, key=honest.__getitem__, default=None)
    reference = (f"probe: {best}", honest[best]) if best else None
    return figures.sides(rows, ("random folds", "folds by patient"), reference, sum(map(table.ranked, lines)))


def cost(table: Table, column: str, protocol: str = HONEST.name) -> go.Figure:
    """Accuracy under a protocol of the rows with all classes, against one of `overview.COSTS`, with the Pareto front."""
    known = {row.run_id: row for row in index.rows() if row.recorded}
    return charts.cost(_lines(table, known, protocol), column)


def _lines(table: Table, known: Mapping[str, Row], protocol: str) -> list[overview.Line]:
    return [
        overview.Line(
            name=line.recipe,
            model=line.model,
            data=table.data,
            rows=tuple(known[run] for run in line.sides[protocol].runs if run in known),
            metrics={"accuracy": Estimate(*_bounds(line.sides[protocol]))},
            spread={},
            images=line.sides[protocol].images,
        )
        for line in table.lines
        if protocol in line.sides and table.ranked(line)
    ]


def _bounds(side: Side | None) -> tuple[float, float, float] | None:
    """Value, low, high; None where it was not run."""
    return (side.accuracy.value, side.accuracy.low, side.accuracy.high) if side else None
