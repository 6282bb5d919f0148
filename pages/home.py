"""What this is, what to do first, what is there already."""

import streamlit as st

from core import demo, hardware
from core.jobs import requests
from core.runs import index
from pages import _benchmark_parts, parts

parts.title("CXR Lab")
st.markdown("Train chest X-ray classifiers, see what their figures are worth, and ask them where they looked.")
st.info(parts.MEDICAL_NOTE)

doors = st.columns(3, border=True)
with doors[0]:
    st.markdown("#### :material/school: Teach")
    st.write("Watch a network learn on synthetic chest images: curves, errors and heat maps in about two minutes, offline.")
    if st.button("Try it: two-minute demo", type="primary", icon=":material/play_arrow:"):
        with parts.errors_here(), st.spinner("Drawing synthetic chest images …"):
            run = requests.start(demo.recipe())
        st.switch_page("pages/runs.py", query_params={"run": run.id})
with doors[1]:
    st.markdown("#### :material/compare_arrows: Train and compare")
    st.write("Bring a folder of images, choose a network, and read accuracy with its interval, class by class.")
    st.page_link("pages/data_sets.py", label="Bring in images", icon=":material/folder_open:")
    st.page_link("pages/train.py", label="Train a network", icon=":material/model_training:")
with doors[2]:
    st.markdown("#### :material/image_search: Upload an X-ray")
    st.write("See a trained network's answer, its probabilities, and the places that spoke for it.")
    st.page_link("pages/predict.py", label="Upload an image", icon=":material/upload:")

device = st.empty()  # filled last: asking for the device loads torch, and nobody should wait for it

st.subheader("Latest runs")
rows = [row for row in index.rows() if not row.recorded]
if rows:
    parts.runs_table(rows[:8])
    st.caption("Test accuracy with its 95 % interval, on images that were held out of training; n is their number.")
else:
    st.write("No run yet. Start the two-minute demo above, or train on your own images.")
_benchmark_parts.in_one_picture()
device.caption(f":material/memory: Training device found: **{hardware.training_device()}**")
