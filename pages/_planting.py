"""The shortcut lab's first step: what is planted where, looked at before it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core import wording
from core.data import library
from core.report.tables import markdown_text
from core.shortcuts import lab, planting, sets
from pages import _linked, parts

if TYPE_CHECKING:
    from core.shortcuts.planting import Marker
    from core.shortcuts.sets import Planted

PREVIEWED = 3


def form() -> None:
    """Choose data, class and marker; see it; plant it. The guided walk's choices stand there already."""
    left, right = st.columns([2, 3], gap="large")
    with left:
        source = parts.choose("Data set", sets.sources(), "data", library.title)
        classes = sets.classes(source)
        first, beside = lab.pair(source)
        label = _linked.one("Class that gets the marker", classes, "class", first, of=source)
        others = [name for name in classes if name != label]
        against = _linked.some(
            "Classes beside it",
            others,
            "beside",
            [name for name in beside if name in others] or others[:1],
            of=(source, label),
            help="With one class beside it chance is one half, and the lesson is plainest.",
        )
        kind = parts.choose("Marker", list(planting.MARKERS), "marker", planting.TITLES.__getitem__)
        marker = _settings(kind)
        share = st.slider(
            "Share of the class that carries it", 10, 100, 100, 10, "%d %%", help="Drawn by patient where patients are known."
        )
        plan = sets.Plan(source, label, marker, share / 100, tuple(against))
        go = st.button("Plant the marker", type="primary", icon=":material/local_florist:", width="stretch", disabled=not against)
        st.caption(
            f"Writes a data set of its own; “{library.title(source)}” stays as it is. At most {sets.PER_CLASS} images a class, "
            f"sides of at most {sets.SIDE} pixels."
        )
    with right:
        if go:
            bar = st.progress(0.0, text="Writing the images …")
            made = sets.make(plan, lambda done, total: bar.progress(done / total, text=f"{done:,} of {total:,} images"))
            st.query_params.from_dict({"planted": made.name})
            st.rerun()
        _before_and_after(plan)


def show(planted: Planted) -> None:
    """What was planted, with the way to another one."""
    with st.container(border=True):
        st.markdown(f":material/local_florist: **{markdown_text(planted.sentence)}**")
        st.caption(f"Data set {planted.name}, and its clean twin {planted.clean}: {wording.count(planted.images, 'image')} each.")
        if st.button("Plant another marker", icon=":material/replay:"):
            st.query_params.from_dict({"data": planted.source, "marker": planted.marker.kind})
            st.rerun()


def _settings(kind: str) -> Marker:
    if kind == "letter":
        with st.container(horizontal=True):
            text = st.text_input("Letter", "R", max_chars=1, width=80).upper()
            corner = st.selectbox("Corner", planting.CORNERS)
        size = st.slider("Height, % of the image", 6, 30, 12)
        return planting.Letter(text, corner, size / 100)
    if kind == "border":
        width = st.slider("Width, % of the image", 1.0, 15.0, 4.0, 0.5)
        return planting.Border(width / 100, st.slider("Grey, 0 black to 255 white", 0, 255, 255))
    return planting.Exposure(st.slider("Greys times", 0.5, 2.0, 1.3, 0.05))


def _before_and_after(plan: sets.Plan) -> None:
    st.caption(f"“{markdown_text(plan.label)}”")
    for place, pictures in zip(st.columns(PREVIEWED), sets.samples(plan, PREVIEWED), strict=False):
        for caption, picture in zip(("as it is", "with the marker"), pictures, strict=True):
            place.image(picture, caption=caption, width="stretch", alt=f"{plan.label}, {caption}")
