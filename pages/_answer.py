"""One network's answers: the guard rail, the answer, the map and its limits, the nearest training images, files to take away."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core import answers, figures, wording
from core.data import gallery, library
from core.data.uploads import Upload
from core.errors import CoreError, Problem
from core.evaluation import cases
from core.explain import checks, overlay, places
from core.explain.methods import METHODS
from core.report import answer as answer_page
from core.report.tables import Table
from core.runs import store
from pages import _networks, parts

if TYPE_CHECKING:
    from core.explain.heatmap import HeatMap
    from core.inference import Answer, Predictor


def show(run: store.Run, given: Sequence[Upload], key: Hashable) -> None:
    """`key` names the files given: answers are kept in the session, and made anew for other files or another network."""
    with parts.errors_here():
        predictor = _networks.predictor_of(run.id, run.weights_epoch())
    kept = st.session_state.setdefault("answers", {})
    bar = st.empty()  # always there, or what follows would move when it goes, and close what was opened
    if kept.get("key") != (run.id, run.weights_epoch(), key):
        found = []
        for number, one in enumerate(predictor.answers(given), start=1):
            found.append(one)
            bar.progress(number / len(given), text=f"Answered {number:,} of {len(given):,}")
        bar.empty()
        kept |= {"key": (run.id, run.weights_epoch(), key), "found": found}
    found = kept["found"]
    number = _choose(run, predictor, found) if len(found) > 1 else 0
    upload, outcome = found[number]
    if isinstance(outcome, Problem):
        parts.problems(CoreError.of([outcome]))
        return
    if _withheld(outcome, upload.name):
        return
    for warning in outcome.warnings:
        st.warning(warning, icon=":material/warning:")
    left, right = st.columns(2, gap="large")
    with right:
        _say(predictor, outcome)
        label, method, layer = _ask(predictor, outcome)
    with left, parts.errors_here():
        heat = predictor.heat_map(outcome.prepared, label, method, layer)
        _draw(predictor, outcome, heat)
    _trust(predictor, outcome, heat)
    _neighbours(run, outcome)
    _take_away(run, predictor, upload, outcome, heat)


def _choose(run: store.Run, predictor: Predictor, found: list[tuple[Upload, Answer | Problem]]) -> int:
    """A table of all answers; which of them is looked at."""
    rows = [
        {"image": upload.name, "answer": "–", "probability": "", "remarks": outcome.rule}
        if isinstance(outcome, Problem)
        else {
            "image": upload.name,
            "answer": "withheld" if outcome.doubts else outcome.label,
            "probability": "" if outcome.doubts else wording.percent((outcome.calibrated or outcome.probabilities)[outcome.label]),
            "remarks": " ".join((*outcome.doubts, *outcome.warnings)),
        }
        for upload, outcome in found
    ]
    st.dataframe(rows, hide_index=True)
    parts.table_downloads(Table(rows, f"Answers of run {run.id} ({predictor.recipe.model})", (wording.MEDICAL_NOTE,)), f"{run.id}-answers")
    names = [upload.name for upload, _ in found]
    return names.index(st.selectbox("Image", names))


def _withheld(answer: Answer, name: str) -> bool:
    """The guard rail, before any answer."""
    if not answer.doubts:
        return False
    with st.container(border=True):
        st.markdown("#### :material/front_hand: The answer is withheld")
        for doubt in answer.doubts:
            st.markdown(f"- {doubt}")
        st.caption("A network answers any picture with one of its classes, be it a chest or a cat.")
        return not st.toggle("Show anyway", key=f"anyway {name}")


def _say(predictor: Predictor, answer: Answer) -> None:
    shares = answer.calibrated or answer.probabilities
    st.subheader(f"Answer: {answer.label}")
    calibration = predictor.calibration
    if calibration is None:
        st.caption(f"Probability {wording.percent(shares[answer.label])}, as the network states it: not calibrated.")
    else:
        threshold, share = calibration.thresholds[answer.label], answer.probabilities[answer.label]
        side = "above" if share >= threshold else "below"
        st.caption(
            f"Probability {wording.percent(shares[answer.label])} after temperature scaling ({calibration.temperature:.2f}). The network "
            f"itself says {wording.percent(share)}: {side} the threshold {threshold:.2f} that its validation images chose for it."
        )
    st.plotly_chart(figures.shares(shares), key="probabilities", alt=f"Probabilities: {shares}")


def _ask(predictor: Predictor, answer: Answer) -> tuple[str, str, str]:
    """The class, method and layer of the map."""
    label = st.selectbox("Show what speaks for", predictor.classes, predictor.classes.index(answer.label))
    with st.popover("Method and look", icon=":material/tune:"):
        method = st.selectbox(
            "Method", list(METHODS), format_func=lambda name: METHODS[name].title + (" (slow)" if METHODS[name].slow else "")
        )
        st.caption(f"{METHODS[method].shows} {METHODS[method].limit}")
        layer = st.selectbox("Layer", predictor.layers, predictor.layers.index(predictor.architecture.cam_layer))
        st.segmented_control("Drawn as", ["colours", "contours"], default="colours", required=True, key="style")
        st.slider("Opacity of the heat map", 0.0, 1.0, 0.5, 0.05, key="opacity")
        st.selectbox("Colours", overlay.COLOUR_MAPS, key="colours")
        st.selectbox("Beside it, on the same scale", [None, *predictor.classes], format_func=lambda name: name or "nothing", key="beside")
    return label, method, layer


def _draw(predictor: Predictor, answer: Answer, heat: HeatMap) -> None:
    method, state = METHODS[heat.method], st.session_state
    of = f" for “{heat.label}”" if method.uses_class else ""
    if state["beside"]:
        other = predictor.heat_map(answer.prepared, state["beside"], heat.method, heat.layer)
        picture = overlay.side_by_side(
            answer.prepared,
            [heat, other],
            [heat.label, other.label],
            style=state["style"],
            opacity=state["opacity"],
            colours=state["colours"],
        )
    elif state["style"] == "contours":
        picture = overlay.contours(answer.prepared, heat, state["colours"])
    else:
        picture = overlay.blend(answer.prepared, heat, state["opacity"], state["colours"])
    st.image(picture, caption=f"{method.title}{of} over the image as the network saw it", width="stretch")
    for warning in heat.warnings():
        st.warning(warning, icon=":material/warning:")
    st.caption(
        f"Raw magnitude {heat.peak:.3g} (in {method.unit}). The colours are scaled to it, so a weak map looks like a strong one. "
        "A heat map shows what raised the answer, not whether the answer is right."
    )
    with st.expander("The image as the network saw it, without the map"):
        st.image(answer.prepared, caption=f"{answer.prepared.shape[0]} px, prepared as in training", width="stretch")


def _trust(predictor: Predictor, answer: Answer, heat: HeatMap) -> None:
    with st.expander("Is this map to be trusted?", icon=":material/verified_user:"):
        inside = places.heat_inside(heat, places.lung_estimate(answer.prepared))
        st.write(
            f"**Share of the heat in the lungs, roughly estimated:** {wording.percent(inside.heat)}; a map that knows nothing would have "
            f"{wording.percent(inside.area)} there. The lungs are found by brightness alone: no segmentation."
            if heat.has_evidence
            else "The map is empty."
        )
        if st.button("Compare with a network that knows nothing", help="The randomisation test of Adebayo et al. 2018."):
            bar = st.progress(0.0, text="Making its weights random …")
            found = checks.randomised(
                predictor.model, heat.layer or predictor.architecture.cam_layer, predictor.input(answer.prepared),
                predictor.classes.index(heat.label), predictor.lock, heat.method, progress=lambda done, total: bar.progress(done / total),
            )  # fmt: skip
            bar.empty()
            st.markdown(f"**{found.reading}**")
            columns = st.columns(len(found.stages) + 1)
            columns[0].image(overlay.blend(answer.prepared, heat), caption="as trained", width="stretch")
            for column, stage in zip(columns[1:], found.stages, strict=True):
                text = f"{stage.randomised:.0%} of the layers random: rank correlation {stage.spearman:.2f}"
                column.image(overlay.blend(answer.prepared, stage.heat), caption=text, width="stretch")


def _neighbours(run: store.Run, answer: Answer) -> None:
    if not answer.neighbours:
        return
    title = "The training images that are nearest to it, as the network sees them"
    with st.expander(title, icon=":material/image_search:"), parts.errors_here(stop=False):
        manifest = library.open_dataset(run.recipe().data.name)
        for column, near in zip(st.columns(len(answer.neighbours)), answer.neighbours, strict=True):
            column.image(gallery.thumbnail(cases.image_of(manifest, near.sample_id)), width="stretch")
            column.caption(f"{near.label}, similarity {near.similarity:.2f}", help=near.sample_id)


def _take_away(run: store.Run, predictor: Predictor, upload: Upload, answer: Answer, heat: HeatMap) -> None:
    def page() -> str:
        return answer_page.page([answers.record(run, predictor, upload.read(), answer, heat)])

    with st.container(horizontal=True):
        st.download_button(
            "Picture", lambda: overlay.png(overlay.blend(answer.prepared, heat)), f"{upload.name}.png", "image/png", icon=":material/image:"
        )
        st.download_button("Page (HTML)", page, f"{upload.name}.html", "text/html", icon=":material/description:")
        st.download_button(
            "Page (PDF)", lambda: answer_page.pdf(page()), f"{upload.name}.pdf", "application/pdf", icon=":material/picture_as_pdf:"
        )
