"""Upload X-rays; see a network's answer and where it looked, or the answers of many networks beside each other."""

import streamlit as st

from core import settings, wording
from core.data import uploads
from core.runs import index, store
from pages import _answer, _chorus, parts

MODES = {"one": "One network", "many": "Many networks"}
WEAK = (
    "No network was trained on this machine yet: a small recorded one answers, which came with CXR Lab. It is weak, as the Benchmark page "
    "shows; the two-minute demo on Home, or your own images, make another."
)

parts.title("Predict")
st.info(parts.MEDICAL_NOTE)
rows = sorted(index.rows(), key=lambda row: row.recorded)  # own networks first
kept = store.with_models(row.run_id for row in rows)
labels = {row.run_id: parts.run_label(row) for row in rows if row.run_id in kept}
if not labels:
    st.write("No trained network yet: the two-minute demo on Home makes one.")
    st.page_link("pages/home.py", label="Go to Home", icon=":material/home:")
    st.stop()

if all(row.recorded for row in rows if row.run_id in labels):
    st.info(WEAK, icon=":material/inventory_2:")
mode = parts.tabs("Networks", list(MODES), "mode", MODES.__getitem__)
chosen = parts.choose("Run", list(labels), "run", labels.__getitem__) if mode == "one" else _chorus.choose(labels)
files = st.file_uploader(
    "Chest X-rays",
    type=[suffix.lstrip(".") for suffix in uploads.ACCEPTED],
    accept_multiple_files=True,
    max_upload_size=settings.current().upload_mb,
    help="PNG, JPEG, WebP, BMP, TIFF or DICOM; several files, or a zip of them",
)
if not files:
    st.caption("Images are read in memory and not stored.")
    st.stop()
given = uploads.received((file.name, file.getvalue()) for file in files)
key = tuple(file.file_id for file in files)

if mode == "one":
    _answer.show(store.find(chosen), given, key)
else:
    names = {upload.name: upload for upload in given}
    name = st.selectbox("Image", list(names)) if len(names) > 1 else given[0].name
    with parts.errors_here():
        _chorus.show(chosen, names[name], (key, name))
st.caption(f"Answered on the processor. {wording.MEDICAL_NOTE}")
