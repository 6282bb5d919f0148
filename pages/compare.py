"""All runs in one table, with their intervals and what they cost; two to ten of them side by side."""

import streamlit as st

from core import charts, wording
from core.evaluation import overview, probes
from core.report.tables import Table
from core.runs import index, store
from pages import _downloads, _linked, _plots, _side_by_side, _teaching, parts

DEFAULT = ("accuracy", "balanced_accuracy", "roc_auc", "parameters", "minutes")
WIDTHS = {"Run": 290, "Model": 110, "Data": 140, "n": 50}  # pixels: long names leave room for figures
titles = wording.METRICS | {name: cost.title for name, cost in overview.COSTS.items()}

parts.title("Compare")
rows = [row for row in index.rows() if row.accuracy is not None]
if not rows:
    st.write("No run has been tested yet, so there is nothing to compare.")
    st.page_link("pages/train.py", label="Train a network", icon=":material/model_training:")
    st.stop()


@st.cache_data(max_entries=64)
def probe_lines(key: str) -> list[overview.Line]:
    """Cached by the folder that the answers of the probes lie in, which is named by what they rest on."""
    return [overview.probe_line(name, found.data, found.metrics, found.images) for name, found in probes.tested(key).items()]


with st.container(horizontal=True, vertical_alignment="bottom"):
    by = parts.choose("A line for", list(overview.GROUPS), "by", overview.GROUPS.__getitem__)
    ranked_by = parts.choose("Sorted by", [*overview.METRICS, *overview.COSTS], "sort", titles.__getitem__)
    data = _linked.some("Data set", sorted({row.taken for row in rows}), "data", placeholder="all")
    models = _linked.some("Model", sorted({row.model for row in rows}), "models", placeholder="all")
columns = _linked.some("Columns", [*overview.METRICS, *overview.COSTS], "columns", DEFAULT, titles.__getitem__)

wanted = [row for row in rows if (not data or row.taken in data) and (not models or row.model in models)]
probed_data = [] if models else probes.stored_keys()
stamp = (*data, "", *probed_data, "", *((row.run_id, row.seconds, row.accuracy) for row in wanted))  # what the plots rest on
found = [line for key in probed_data for line in probe_lines(key)]
lines = overview.lines(wanted, by) + overview.pooled([line for line in found if not data or line.data in data])
lines = overview.ranked(lines, ranked_by)
texts = overview.text_table(lines, columns)
event = st.dataframe(
    texts,
    height=560 if len(texts) > 15 else "auto",
    key="table",
    hide_index=True,
    column_config={name: {"width": width} for name, width in WIDTHS.items()},
    on_select="rerun",
    selection_mode="multi-row",
    alt="Runs with their metrics and costs",
)
st.caption(
    f"{wording.count(len(wanted), 'run')} on the test part, with 95 % intervals, or mean ± standard deviation over runs. ★ best on its "
    "data; whether it can be told from the next is another question: put them side by side. Over different images ranks mean nothing, so "
    "each data set has its own. Probes see no lungs, or hardly any: where one comes near a network, the network may live on the same "
    "shortcut."
)
_teaching.explain("accuracy", "balanced_accuracy", "roc_auc", "interval", "probe", "seed")
with st.container(horizontal=True, vertical_alignment="center"):
    table = Table(texts, "Test figures of all runs")
    _downloads.of_table(table, "comparison", lambda: Table(overview.table(lines, columns)))
    probed = st.button(
        "Probe the data for shortcuts", icon=":material/troubleshoot:",
        help="Simple classifiers that see only the image's size, its border, its outer part, or 16×16 pixels, on the newest run's split.",
    )  # fmt: skip
if probed:
    with parts.errors_here():
        bar = st.progress(0.0, text="Reading images …")
        run = store.find(wanted[0].run_id)
        probes.for_run(run, lambda done, total: bar.progress(done / total, text=f"Reading images: {done:,} of {total:,}"))
    st.rerun()

costs = list(overview.COSTS)
with _linked.fold("What accuracy costs", "costs"):
    cost = _linked.one("Cost", costs, "cost", costs[0], titles.__getitem__)
    figure = _plots.shared(("cost", cost, ranked_by, by, *stamp), lambda: charts.cost(lines, cost))
    _plots.show(figure, "cost")
    _downloads.of_figure(figure, "cost")
if (figure := _plots.shared(("spread", *stamp), lambda: charts.spread_of_repeats(wanted))) is not None:
    with _linked.fold("Spread over seeds and folds", "spread"):
        _plots.show(figure, "spread")

st.header("Side by side")
_side_by_side.show(rows, [row.run_id for number in event.selection.rows for row in lines[number].rows])
