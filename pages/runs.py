"""One run: how far it is, its curves, its confusion matrix, its figures. Live while it trains."""

import streamlit as st

from core import wording
from core.report.tables import markdown_text
from core.runs import index, store
from pages import _linked, _owner, _results, _run_progress, _teaching, parts

parts.title("Runs")
if deleted := st.session_state.pop("deleted", None):
    st.success(f"{deleted} is in the trash; the queue's page takes it back.", icon=":material/delete:")
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
_owner.show(run)

if recipe.data.synthetic:
    st.caption(":material/draw: " + wording.SYNTHETIC_NOTE)
for note in (*recipe.notes, *filter(None, [run.environment().get("batch_split")])):
    st.caption(markdown_text(note))
for caution in recipe.cautions:
    st.warning(caution, icon=":material/warning:")
_run_progress.show(run, first, recipe.epochs)
_teaching.explain("epoch", "loss", "overfitting", "learning_rate")

if not first.live and run.has_predictions():
    _results.show(run, first.finished)

with _linked.fold("Recipe", "recipe"):
    st.caption(f"Recipe {recipe.id}: everything that changes the result")
    st.json(recipe.to_json())
with _linked.fold("Environment", "environment"):
    st.json(run.environment() or {"note": "written when training starts"})
with _linked.fold("Log", "log"):
    st.code(run.log() or "empty", language=None)
