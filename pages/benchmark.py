"""The recorded benchmark: every row of the papers on one data set under two protocols, probes beside them, and what it means."""

import streamlit as st

from core.benchmark import charts, reading
from core.evaluation import overview
from core.report.tables import Table
from core.runs import index
from pages import _benchmark_parts, _downloads, _linked, _plots, parts

parts.title("Benchmark")
st.write(
    "The networks of the papers on the same images, twice: with random folds, as the literature mostly draws them, and with folds that "
    "keep a patient’s images and copies of one picture together. Where random folds flatter, the difference shows it."
)
table = _benchmark_parts.stored()
if table is None:
    st.write("Nothing is recorded here. Queue it on your machine, then make records of what is done:")
    st.code("python -m core benchmark --data DATA\npython -m core benchmark record\npython -m core benchmark table --write", language="sh")
    st.page_link("pages/data_sets.py", label="Get the images", icon=":material/folder_open:")
    st.stop()

known = {row.run_id: row for row in index.rows() if row.recorded}
runs = [run for line in table.lines for side in line.sides.values() for run in side.runs if run in known]
with st.container(horizontal=True, vertical_alignment="bottom"):
    run = _linked.one("Recorded run", runs, "run", next(iter(runs), ""), lambda name: f"{name} · {known[name].accuracy_text}")
    if st.button("Open the run", type="primary", icon=":material/monitoring:", disabled=not run):
        st.switch_page("pages/runs.py", query_params={"run": run})

st.header("What it says")
st.markdown("\n".join(f"- {sentence}" for sentence in reading.read(table)))
_benchmark_parts.picture(table)

st.header("The rows")
texts = table.rows()
st.dataframe(
    texts, hide_index=True, key="rows", alt="Each row under both protocols",
    column_config={"Recipe": st.column_config.Column(pinned=True)},  # the table is wider than a page: its rows keep their names
)  # fmt: skip
for note in table.notes():
    st.caption(note)
_downloads.of_table(Table(texts, table.title, tuple(table.notes())), "benchmark")

st.header("Probes")
if table.probes:
    st.dataframe(table.probe_rows(), hide_index=True, key="probes", alt="Each shortcut probe under both protocols")
    st.caption("Simple classifiers that see no lungs, or hardly any, on the same folds: what they reach needs no disease.")
else:
    st.caption("No probe is recorded: they need all folds of a row with every class.")

st.header("What accuracy costs")
costs = {name: overview.COSTS[name].title for name in ("parameters", "multiply_adds", "milliseconds_an_image", "minutes")}
cost = parts.choose("Cost", list(costs), "cost", costs.__getitem__)
_plots.show(_plots.shared(("benchmark cost", cost, table.to_text()), lambda: charts.cost(table, cost)), "cost")
st.caption("Accuracy with folds by patient, of the rows with all classes; fewer are easier to tell apart.")

st.header("What was not run")
st.markdown("\n".join(f"- {what}" for what in table.not_run()) or "Nothing: all rows and folds were run.")
