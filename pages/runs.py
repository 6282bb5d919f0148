"""One run: how far it is, its curves, its confusion matrix, its figures. Live while it trains."""

import streamlit as st

from core import figures, wording
from core.evaluation.metrics import Evaluation, evaluate_predictions
from core.jobs import local
from core.runs import index, store
from pages import parts

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


@st.cache_data(max_entries=64)
def evaluation_of(run_id: str, ended: float | None) -> Evaluation:  # noqa: ARG001  the end is part of the key alone
    """Cached by the run and when it ended."""
    return evaluate_predictions(store.find(run_id).predictions(), store.find(run_id).recipe().data.classes, "test")


REFRESH = {"queued": 1, "running": 1, "interrupted": 5}
"""Seconds; an interrupted run may be taken up again from elsewhere."""


@st.fragment(run_every=REFRESH.get(first.state))
def progress() -> None:
    """Refreshes itself while the run is live; the rest of the page stays as it is."""
    status = run.status()
    if first.live != status.live:
        st.rerun()  # the whole page: what comes after the end is drawn now
    head = st.columns([1, 4, 1], vertical_alignment="center")
    with head[0]:
        parts.state_badge(status.state)
    if status.live:
        head[1].progress(status.share_done, text=parts.progress_text(status))
        if head[2].button("Stop", icon=":material/stop:", disabled=run.cancel_requested(), help="Keeps and tests the best weights so far."):
            run.request_cancel()
            st.rerun(scope="fragment")
    elif status.message:
        head[1].write(status.message)
    history = run.metrics()
    if history:
        st.plotly_chart(figures.curves(history, recipe.epochs), key="curves", alt="Loss and accuracy over the epochs")
    elif status.live:
        st.caption("The curves begin with the first steps.")


if recipe.data.synthetic:
    st.caption(":material/draw: Trained on synthetic images: its figures say nothing about real X-rays.")
for caution in recipe.cautions:
    st.warning(caution, icon=":material/warning:")
progress()
if first.state in ("interrupted", "failed", "cancelled") and st.button("Go on with this run", icon=":material/resume:"):
    local.launch(run)
    st.rerun()

if not first.live and run.has_predictions():
    with parts.errors_here():
        evaluation = evaluation_of(run.id, first.finished)
    st.subheader(f"Test part: {wording.count(evaluation.images, 'image')}, split {run.split_kind()}")
    tiles = st.columns(4)
    for tile, (name, estimate) in zip(tiles, evaluation.metrics.items(), strict=True):
        with tile.container(border=True):
            st.metric(wording.METRICS[name], wording.figure(name, estimate.value))
            st.caption(f"95 %: {wording.figure(name, estimate.low)} to {wording.figure(name, estimate.high)}")
    matrix, table = st.columns([2, 3], gap="medium")
    matrix.plotly_chart(
        figures.confusion(evaluation.confusion, evaluation.classes), key="matrix", alt=f"Confusion matrix {evaluation.confusion.tolist()}"
    )
    table.dataframe(evaluation.text_table(), hide_index=True)
    table.caption(
        f"{evaluation.interval_kind}. The matrix has a row a true class and a column a predicted one; weights of epoch {first.best_epoch}."
    )
    table.page_link(
        "pages/predict.py", label="Ask this network about an image", icon=":material/image_search:", query_params={"run": run.id}
    )

with st.expander("Recipe"):
    st.caption(f"Recipe {recipe.id}: everything that changes the result")
    st.json(recipe.to_json())
with st.expander("Environment"):
    st.json(run.environment() or {"note": "written when training starts"})
with st.expander("Log"):
    st.code(run.log() or "empty", language=None)
