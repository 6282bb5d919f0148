"""What this is, what to do first, what is there already."""

import streamlit as st

from core import hardware
from core.jobs import overview
from core.runs import index
from pages import _benchmark_parts, _demo, parts

parts.title("CXR Lab")
st.markdown("Train chest X-ray classifiers, see what their figures are worth, and ask them where they looked.")
st.info(parts.MEDICAL_NOTE)

doors = st.columns(3, border=True)
with doors[0]:
    st.markdown("## :material/school: Teach")
    st.write("Watch a network learn on synthetic chest images: curves, errors and heat maps in about two minutes, offline.")
    _demo.button()
    st.page_link("pages/guide.py", label="Tours, glossary, replay, quiz", icon=":material/tour:")
with doors[1]:
    st.markdown("## :material/compare_arrows: Train and compare")
    st.write("Bring a folder of images, choose a network, and read accuracy with its interval, class by class.")
    st.page_link("pages/data_sets.py", label="Bring in images", icon=":material/folder_open:")
    st.page_link("pages/train.py", label="Train a network", icon=":material/model_training:")
with doors[2]:
    st.markdown("## :material/image_search: Upload an X-ray")
    st.write("See a trained network's answer, its probabilities, and the places that spoke for it.")
    st.page_link("pages/predict.py", label="Upload an image", icon=":material/upload:")

device = st.empty()  # filled last: asking for the device loads torch, and nobody should wait for it

st.header("Latest runs")
rows = [row for row in index.rows() if not row.recorded]
if rows:
    parts.runs_table(rows[:8])
    st.caption("Test accuracy with its 95 % interval, on images that were held out of training; n is their number.")
else:
    st.write("No run yet. Start the two-minute demo above, or train on your own images.")
_benchmark_parts.in_one_picture()
with device.container(horizontal=True, vertical_alignment="center"):
    queue = overview.lines().summary or "Nothing trains and nothing waits."
    st.caption(f":material/memory: Training device found: **{hardware.training_device()}** · {queue}", width="content")
    st.page_link("pages/queue.py", label="Open the queue", icon=":material/low_priority:")
