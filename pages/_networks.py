"""Networks and images that several pages show: one loaded network for all browser sessions, and a grid of cases with their heat maps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core import wording
from core.data import gallery, images
from core.evaluation import cases
from core.explain import overlay
from core.report.tables import markdown_text
from core.runs import store
from pages import _linked, parts

if TYPE_CHECKING:
    import pandas as pd

    from core.data.manifest import Manifest
    from core.inference import Predictor

A_PAGE = 12
COLUMNS = 6


@st.cache_resource(max_entries=4, show_spinner="Loading the network …")
def predictor_of(run_id: str, epoch: int) -> Predictor:  # noqa: ARG001  the epoch is part of the key alone
    """Shared by all browser sessions; cached by the run and the epoch of its weights."""
    from core.inference import Predictor

    return Predictor(store.find(run_id))


def case_grid(found: pd.DataFrame, manifest: Manifest, run: store.Run, key: str) -> None:
    """Cases (see core.evaluation.cases) as pictures, a page at a time, each with a heat map for the answer where wanted."""
    if found.empty:
        st.caption("No image.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        pages = -(-len(found) // A_PAGE)
        page = _linked.number("Page", 1, pages, 1, "page", of=(run.id, key), width=120) if pages > 1 else 1
        mapped = _linked.switch(
            "Grad-CAM for the answer", "maps", of=(run.id, key), help="By this run's best weights; about a tenth of a second an image."
        )
    shown = found.iloc[(page - 1) * A_PAGE : page * A_PAGE]
    st.caption(f"{wording.count(len(found), 'image')}, {(page - 1) * A_PAGE + 1} to {(page - 1) * A_PAGE + len(shown)} shown")
    columns = st.columns(COLUMNS)
    for number, case in enumerate(shown.itertuples()):
        with columns[number % COLUMNS], parts.errors_here(stop=False):
            file = cases.image_of(manifest, case.sample_id)
            picture = _mapped(run, file, case.predicted) if mapped else gallery.thumbnail(file)
            sure = f", {wording.percent(case.confidence)} sure"
            st.image(picture, width="stretch", alt=f"{case.label}, answered {case.predicted}")
            st.caption(f"**{markdown_text(case.label)}** → {markdown_text(case.predicted)}{sure}", help=markdown_text(case.sample_id))


def _mapped(run: store.Run, file: object, label: str) -> object:
    predictor = predictor_of(run.id, run.weights_epoch())
    answer = predictor.answer(images.read(file))
    return overlay.blend(answer.prepared, predictor.heat_map(answer.prepared, label))


def answer_grid(found: pd.DataFrame, manifest: Manifest, names: dict[str, str], key: str) -> None:
    """Images with the label that each of several runs gave; `names`: column of `found` → what the run is called."""
    if found.empty:
        st.caption("No image.")
        return
    pages = -(-len(found) // A_PAGE)
    page = _linked.number("Page", 1, pages, 1, "page", of=(key, *names), width=120) if pages > 1 else 1
    st.caption(wording.count(len(found), "image"))
    columns = st.columns(COLUMNS)
    for number, (_, case) in enumerate(found.iloc[(page - 1) * A_PAGE : page * A_PAGE].iterrows()):
        with columns[number % COLUMNS], parts.errors_here(stop=False):
            st.image(gallery.thumbnail(cases.image_of(manifest, case["sample_id"])), width="stretch", alt=case["label"])
            answers = "  \n".join(f"{name}: {markdown_text(case[column])}" for column, name in names.items())
            st.caption(f"**{markdown_text(case['label'])}**  \n{answers}", help=markdown_text(case["sample_id"]))
