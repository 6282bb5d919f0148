"""Upload an X-ray; see a network's answer, its probabilities, and the places that spoke for it."""

import streamlit as st

from core import figures, wording
from core.data import images
from core.explain import overlay
from core.runs import index, store
from pages import _networks, parts

parts.title("Predict")
st.info(parts.MEDICAL_NOTE)
labels = {row.run_id: parts.run_label(row) for row in index.rows() if store.find(row.run_id).has_model()}
if not labels:
    st.write("No trained network yet: the two-minute demo on Home makes one.")
    st.page_link("pages/home.py", label="Go to Home", icon=":material/home:")
    st.stop()
chosen = parts.choose("Run", list(labels), "run", labels.__getitem__)

upload = st.file_uploader(
    "Chest X-ray", type=[suffix.lstrip(".") for suffix in images.READABLE], help="PNG, JPEG, WebP, BMP, TIFF or DICOM"
)
if upload is None:
    st.caption("The image is read in memory and not stored.")
    st.stop()

with parts.errors_here():
    predictor = _networks.predictor_of(chosen, store.find(chosen).weights_epoch())
    answer = predictor.answer(images.read(upload.getvalue(), upload.name))

for warning in answer.warnings:
    st.warning(warning, icon=":material/warning:")
left, right = st.columns(2, gap="large")
with right:
    st.subheader(f"Answer: {answer.label}")
    st.caption(f"Probability {wording.percent(answer.probabilities[answer.label])}, as the network states it: not calibrated.")
    st.plotly_chart(figures.shares(answer.probabilities), key="probabilities", alt=f"Probabilities: {answer.probabilities}")
    explained = st.selectbox("Show what speaks for", predictor.classes, predictor.classes.index(answer.label))
    opacity = st.slider("Opacity of the heat map", 0.0, 1.0, 0.5, 0.05)
with left, parts.errors_here():
    heat = predictor.heat_map(answer.prepared, explained)
    picture = overlay.blend(answer.prepared, heat, opacity)
    st.image(picture, caption=f"Grad-CAM for “{explained}” over the image as the network saw it", width="stretch")
    for warning in heat.warnings():
        st.warning(warning, icon=":material/warning:")
    st.caption(
        f"Raw magnitude {heat.peak:.3g} (in units of the logit). The colours are scaled to it, so a weak map looks like a strong one. "
        "A heat map shows what raised the answer, not whether the answer is right."
    )
