"""One run: how far it is, its curves, its confusion matrix, its figures. Live while it trains."""

import streamlit as st

from core import charts, wording
from core.jobs import overview, requests
from core.runs import index, store
from core.runs.status import RESUMABLE
from pages import _results, parts

parts.title("Runs")
rows = index.rows()
if not rows:
    st.write("No run yet.")
    st.page_link("pages/train.py", label="Train a network", icon=":material/model_training:")
    st.stop()

labels = {row.run_id: parts.run_label(row) for row in rows}
chosen = parts.choose("Run", list(labels), "run", labels.__getitem__)
run = store.find(chosen)
with parts.errors_here():
    recipe, first = run.recipe(), run.status()

REFRESH = {"queued": 1, "running": 1, "interrupted": 5}  # seconds; an interrupted run may be taken up again from elsewhere


@st.fragment(run_every=REFRESH.get(first.state))
def progress() -> None:
    """Refreshes itself while the run is live; the rest of the page stays as it is."""
    status = run.status()
    if first.live != status.live:
        st.rerun()  # the whole page: what comes after the end is drawn now
    head = st.columns([1, 4, 1], vertical_alignment="center")
    with head[0]:
        parts.state_badge(status.state)
        if run.recorded:
            parts.recorded_badge()
    if status.live:
        head[1].progress(status.share_done, text=overview.progress_text(status))
        if head[2].button("Stop", icon=":material/stop:", disabled=run.cancel_requested(), help="Keeps and tests the best weights so far."):
            requests.cancel(run)
            st.rerun(scope="fragment")
    elif status.message:
        head[1].write(status.message)
    history = run.metrics()
    if history:
        with st.popover("Look of the curves", icon=":material/tune:"):
            smoothing = st.slider("Smoothing", 0.0, 0.95, 0.0, 0.05)
            log = st.toggle("Logarithmic loss")
            rates = st.toggle("Learning rate")
        figure = charts.curves(history, recipe.epochs, smoothing, log, rates)
        st.plotly_chart(figure, key="curves", alt="Loss and accuracy over the epochs")
    elif status.live:
        st.caption("The curves begin with the first steps.")


if recipe.data.synthetic:
    st.caption(":material/draw: " + wording.SYNTHETIC_NOTE)
for note in (*recipe.notes, *filter(None, [run.environment().get("batch_split")])):
    st.caption(note)
for caution in recipe.cautions:
    st.warning(caution, icon=":material/warning:")
progress()
if first.state in RESUMABLE and st.button("Go on with this run", icon=":material/resume:"):
    requests.go_on(run)
    st.rerun()

if not first.live and run.has_predictions():
    _results.show(run, first.finished)

with st.expander("Recipe"):
    st.caption(f"Recipe {recipe.id}: everything that changes the result")
    st.json(recipe.to_json())
with st.expander("Environment"):
    st.json(run.environment() or {"note": "written when training starts"})
with st.expander("Log"):
    st.code(run.log() or "empty", language=None)
