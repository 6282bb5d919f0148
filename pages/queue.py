"""What trains, what waits and from when, what ended of late and why; what can be asked of each."""

import streamlit as st

from core.jobs import overview
from core.report.tables import markdown_text
from pages import _experiments, _pace, _queue_ended, _queue_experiments, _queue_head, _queue_lines, _queue_trash, parts

REFRESH = 2  # seconds

parts.title("Queue")
marked = st.query_params.get("job", "")


@st.fragment(run_every=_pace.every(REFRESH))
def live() -> None:
    """Drawn anew by a timer; each line keeps its identity, so that a button belongs to its job whatever has moved meanwhile."""
    with parts.errors_here(stop=False):  # a run that is deleted while this is drawn
        _show(overview.lines())


def _show(found: overview.Overview) -> None:
    _queue_head.show(found)
    if found.active:
        st.header("Training")
    for line in found.active:
        _queue_lines.active(line, line.run_id == marked)
    together = _queue_experiments.show(found, marked)
    alone = [line for line in found.waiting if line.experiment_name not in together]
    if alone:
        st.header("Waiting")
        _queue_lines.waiting(alone, "waiting", marked)
    if not found.lines:
        st.page_link("pages/train.py", label="Train a network", icon=":material/model_training:")
    if marked and all(line.run_id != marked for line in found.lines):
        st.page_link("pages/runs.py", label=f"{markdown_text(marked)} is not in the queue. Open the run", query_params={"run": marked})
    _queue_ended.show(found.rows)


live()
with st.expander("Experiments and what they came to", icon=":material/grid_view:", expanded="experiment" in st.query_params):
    _experiments.show()
_queue_trash.show()
