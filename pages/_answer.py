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
from core.explain import overlay
from core.report import answer as answer_page
from core.report.tables import Table, markdown_text
from core.runs import store
from pages import _checks, _downloads, _map, _networks, _plots, _teaching, parts

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
        predictor.accelerate()
    found = kept["found"]
    number = _choose(run, predictor, found) if len(found) > 1 else 0
    upload, outcome = found[number]
    if isinstance(outcome, Problem):
        parts.problems(CoreError.of([outcome]))
        return
    with st.container():  # one place for them all, or what follows would stand twice while the page goes from one image to the next
        if _withheld(outcome, upload.name):
            return
        for warning in outcome.warnings:
            st.warning(warning, icon=":material/warning:")
    left, right = st.columns(2, gap="large")
    with right:
        _say(predictor, outcome)
        label, method, layer = _map.ask(predictor, outcome)
    with left, parts.errors_here():
        heat = predictor.heat_map(outcome.prepared, label, method, layer)
        _map.draw(predictor, outcome, heat)
    _map.trust(predictor, outcome, heat)
    with st.expander("Do the hot places matter?", icon=":material/content_cut:"):
        _checks.show(predictor, run.weights_epoch(), outcome, label, [method], layer)
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
    st.dataframe(rows, hide_index=True, alt="The answer to each image")
    _downloads.of_table(Table(rows, f"Answers of run {run.id} ({predictor.recipe.model})", (wording.MEDICAL_NOTE,)), f"{run.id}-answers")
    names = [upload.name for upload, _ in found]
    return names.index(st.selectbox("Image", names))


def _withheld(answer: Answer, name: str) -> bool:
    """The guard rail, before any answer."""
    if not answer.doubts:
        return False
    with st.container(border=True):
        st.markdown("## :material/front_hand: The answer is withheld")
        for doubt in answer.doubts:
            st.markdown(f"- {doubt}")
        st.caption("A network answers any picture with one of its classes, be it a chest or a cat.")
        _teaching.explain("guard_rail")
        return not st.toggle("Show anyway", key=f"anyway {name}")


def _say(predictor: Predictor, answer: Answer) -> None:
    shares = answer.calibrated or answer.probabilities
    st.header(f"Answer: {markdown_text(answer.label)}")
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
    _teaching.explain("probability", "temperature", "threshold")
    _plots.show(figures.shares(shares), "probabilities")


def _neighbours(run: store.Run, answer: Answer) -> None:
    if not answer.neighbours:
        return
    title = "The training images that are nearest to it, as the network sees them"
    with st.expander(title, icon=":material/image_search:"), parts.errors_here(stop=False):
        data = run.recipe().data.name
        if run.recorded and not library.is_registered(data):
            st.caption(f"Their pictures are not on this machine: they belong to the data set {data}.")
            st.table([{"image": n.sample_id, "class": n.label, "similarity": f"{n.similarity:.2f}"} for n in answer.neighbours])
            return
        manifest = library.open_dataset(data)
        for column, near in zip(st.columns(len(answer.neighbours)), answer.neighbours, strict=True):
            picture = gallery.thumbnail(cases.image_of(manifest, near.sample_id))
            column.image(picture, width="stretch", alt=f"Training image, {near.label}, similarity {near.similarity:.2f}")
            column.caption(f"{markdown_text(near.label)}, similarity {near.similarity:.2f}", help=markdown_text(near.sample_id))


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
