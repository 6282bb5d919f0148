"""Heat maps put to the test: methods side by side on one image, and how well each network's maps find a lesion whose place is known."""

from functools import partial

import streamlit as st

from core import heat_truth, wording
from core.data import images, library
from core.errors import CoreError
from core.evaluation import cases
from core.explain import overlay, places
from core.explain.methods import METHODS
from core.report.tables import Table, markdown_text
from core.runs import index, store
from pages import _checks, _downloads, _linked, _networks, _plots, _teaching, parts

COLUMNS = 5  # of pictures

parts.title("Heat-map lab")
st.write("A heat map always shows something. Whether it shows what the network used, and whether that is the disease, must be tested.")
tested = [row for row in index.rows() if row.accuracy is not None]
kept = store.with_models(row.run_id for row in tested)
rows = [row for row in tested if row.run_id in kept]
rows = [row for row in rows if not row.recorded or library.is_registered(row.data)]  # a recorded network came without its test images
if not rows:
    st.write("No tested network yet: the two-minute demo on Home makes one.")
    st.page_link("pages/home.py", label="Go to Home", icon=":material/home:")
    st.stop()

labels = {row.run_id: parts.run_label(row) for row in rows}
run = store.find(parts.choose("Run", list(labels), "run", labels.__getitem__))

st.header("Methods side by side")
_teaching.explain("heat_map", "gradcam", "raw_magnitude")
with parts.errors_here():
    weights = run.id, run.weights_epoch()
    predictor = _networks.predictor_of(*weights)
    samples = run.predictions().query("split == 'test'")["sample_id"].tolist()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        number = _linked.number("Test image", 1, len(samples), 1, "image", of=run.id)
        layer = _linked.one("Layer", predictor.layers, "layer", predictor.architecture.cam_layer, of=run.id)
    manifest = library.open_dataset(run.recipe().data.name)
    file = cases.image_of(manifest, samples[number - 1])
    seen = *weights, manifest.sha256, samples[number - 1]
    answer = _plots.shared(("answer", *seen), lambda: predictor.answer(images.read(file)))
    label = _linked.one("Class", predictor.classes, "class", answer.label, of=(run.id, number))
    fast = [name for name, method in METHODS.items() if not method.slow]
    usual = [name for name in fast if name != "cam"][:4]
    methods = _linked.some("Methods", list(METHODS), "methods", usual, lambda name: METHODS[name].title)
columns, drawn = st.columns(COLUMNS), []
told = f"as the network saw it; answer: {answer.label}"
columns[0].image(answer.prepared, caption=markdown_text(told), width="stretch", alt=f"Test image {number}, {told}")
for place, method in enumerate(methods, start=1):
    with columns[place % COLUMNS]:
        try:
            key = "heat map", *seen, label, method, layer
            heat = _plots.shared(key, partial(predictor.heat_map, answer.prepared, label, method, layer))
        except CoreError as error:
            parts.problems(error)
            continue
        drawn.append(method)
        caption = f"{METHODS[method].title}, peak {heat.peak:.3g}"
        picture = overlay.blend(answer.prepared, heat)
        st.image(picture, caption=caption, width="stretch", alt=f"Heat map, {caption}; {places.hottest(heat)}")
        for warning in heat.warnings():
            st.caption(f":material/warning: {warning}")
if drawn:
    st.header("Do the hot places matter?")
    _checks.show(predictor, weights[1], answer, label, drawn, layer)

st.header("How well do the maps find the truth?")
st.write(
    "On the synthetic phantom the lesion's place is known. Its images resemble X-rays and are none: what holds here may fail on patients."
)
_teaching.explain("pointing_game")
on_phantom = [store.at(row.run_id) for row in rows if store.at(row.run_id).recipe().data.synthetic]
measured = [(each, found) for each in on_phantom if (found := heat_truth.known(each)) is not None]
waiting = [each for each in on_phantom if each.id not in {known.id for known, _ in measured}]
if not on_phantom:
    st.caption("No network was trained on the phantom yet; the two-minute demo on Home does.")
if waiting and st.button(f"Measure {wording.count(len(waiting), 'network')}", icon=":material/play_arrow:", type="primary"):
    with parts.errors_here():
        bar = st.progress(0.0)
        for each in waiting:
            heat_truth.measure(
                each, lambda done, total, each=each: bar.progress(done / total, text=f"{each.id}: {done:,} of {total:,} maps")
            )
    st.rerun()
if measured:
    table = heat_truth.table(measured)
    st.dataframe(table, hide_index=True, alt="How well each map finds the lesions")
    _downloads.of_table(Table(table, "Heat maps against the phantom's lesions"), "heat-maps")
    st.caption("Hits: the hottest place lies in the lesion (pointing game, Wilson's 95 %). By chance: a map that knows nothing.")
