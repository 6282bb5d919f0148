"""The recorded benchmark, as the pages Benchmark and Home read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.benchmark import table as tables
from core.errors import CoreError
from pages import _plots, parts

if TYPE_CHECKING:
    from core.benchmark.table import Table


def stored() -> Table | None:
    """The recorded table; where it is damaged the page says so."""
    try:
        return tables.stored()
    except CoreError as error:
        parts.problems(error)
        return None


def picture(table: Table) -> None:
    from core.benchmark import charts

    _plots.show(_plots.shared(("sides", table.to_text()), lambda: charts.sides(table)), "sides")
    st.caption(
        f"{table.title}. With 95 % intervals, wide where folds are missing. Rows with fewer classes, which are easier to tell apart, stand "
        "below without a probe."
    )


def in_one_picture() -> None:
    """For Home; nothing where nothing is recorded."""
    table = stored()
    if table is None:
        return
    st.header("Recorded benchmark")
    picture(table)
    st.page_link("pages/benchmark.py", label="What it means", icon=":material/leaderboard:")
