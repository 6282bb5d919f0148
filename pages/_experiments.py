"""Experiments: what was queued under one name, and what each variation came to. The Queue page shows it."""

from __future__ import annotations

import streamlit as st

from core import wording
from core.evaluation import experiments, overview
from core.report.tables import Table, markdown_text
from core.runs import index
from pages import _downloads, parts

DEFAULT = ("accuracy", "balanced_accuracy")


def show(name: str | None = None) -> None:
    """The table of all experiments, and one of them: `name`, or the one that the link's `experiment` or the person chooses."""
    rows = index.rows()
    found = experiments.summaries(rows)
    if not found:
        st.caption("No experiment yet: several runs that are queued together make one.")
        st.page_link("pages/train.py", label="Queue several runs", icon=":material/grid_view:", query_params={"several": "1"})
        return
    lines = [
        {
            "experiment": one.name,
            "runs": one.states_text,
            "variations": one.variations,
            "data": ", ".join(one.data),
            "begun": wording.moment(one.created),
            "models": ", ".join(one.models),
        }
        for one in found
    ]
    st.dataframe(lines, hide_index=True, key="experiments", alt="Experiments with their runs by state")
    chosen = name or parts.choose("Experiment", [one.name for one in found], "experiment")
    with parts.errors_here(stop=False):
        _variations(_opened(chosen, tuple((row.run_id, row.state) for row in rows if row.experiment_name == chosen), rows))


@st.cache_data(max_entries=16, show_spinner="Looking at the runs …")
def _opened(name: str, key: tuple, _rows: list[index.Row]) -> experiments.Experiment:  # noqa: ARG001
    """Cached by the states of its runs."""
    return experiments.open_experiment(name, _rows)


def _variations(found: experiments.Experiment) -> None:
    metrics = st.multiselect("Metrics", overview.METRICS, DEFAULT, wording.METRICS.__getitem__, key="experiment metrics")
    texts = found.text_table(metrics)
    st.dataframe(texts, hide_index=True, key="variations", alt="Variations with mean, standard deviation and interval of each metric")
    st.caption("Mean ± standard deviation is over the runs that are done.")
    for sentence in found.sentences:
        st.caption(markdown_text(sentence))
    with st.container(horizontal=True, vertical_alignment="center"):
        _downloads.of_table(Table(texts, f"Experiment {found.name}", found.sentences), found.name)
        if len(found.to_compare) > 1:
            st.page_link(
                "pages/compare.py", label="Compare its runs", icon=":material/compare_arrows:",
                query_params={"runs": ",".join(found.to_compare)},
                help="One run of each variation, or those of a single variation, ten at most.",
            )  # fmt: skip
