"""One data set, looked at before anybody learns from it: its images, sizes and greys, an audit, and what probes without lungs reach."""

import streamlit as st

from core import figures, wording
from core.data import library
from pages import _explore_audit, _explore_images, _explore_numbers, _explore_probes, _plots, parts
from pages._explored import explore

VIEWS = {
    "images": "Images",
    "numbers": "Sizes and greys",
    "audit": "Audit",
    "probes": "Probes",
    "overlap": "Is it external?",
}
VIEW = {
    "images": _explore_images.show,
    "numbers": _explore_numbers.show,
    "audit": _explore_audit.show,
    "probes": _explore_probes.show,
    "overlap": _explore_audit.overlap,
}

parts.title("Explore & audit")
chosen = parts.choose("Data set", library.names(), "data", library.title)
if st.session_state.get("explored") not in (None, chosen):
    for parameter in _explore_images.PARAMETERS:
        st.query_params.pop(parameter, None)
st.session_state["explored"] = chosen
if not library.is_registered(chosen):
    st.write("**phantom** is a synthetic chest: drawn, not taken. It is drawn on first use, which takes a few seconds.")
    if st.button("Draw it now", type="primary", icon=":material/draw:", **parts.allowed("import")):
        with st.spinner("Drawing synthetic chest images …"):
            library.make_phantom()
        st.rerun()
    st.stop()

with parts.errors_here():
    explored = explore(chosen)
record = explored.record
if record.synthetic:
    st.warning("Synthetic images: drawn, not taken. What is learnt on them says nothing about real X-rays.", icon=":material/draw:")
st.caption(
    f"{wording.count(record.images, 'image')} · {wording.count(len(record.classes), 'class', 'classes')} · "
    f"patients: {wording.unknown(record.patients)} · sources: {wording.unknown(record.sources or None)}"
)
_plots.show(figures.class_counts(record.classes), "classes")
view = parts.tabs("View", list(VIEWS), "view", VIEWS.__getitem__)
VIEW[view](explored)
