"""The images of a data set: filtered and paged, or one with all that is known of it. What is looked at stands in the URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core import wording
from core.data import exploration, gallery, splits
from core.report.tables import markdown_text
from pages import parts
from pages._explored import Explored, choose_split, images_in_a_row, open_image, parts_by

if TYPE_CHECKING:
    import numpy as np

A_PAGE = 24
OTHERS = 12  # of a patient's other images, shown at most
NEAREST = 6
PARAMETERS = ("class", "source", "patient", "split", "part", "page", "image", "findings")
"""Of the URL; they speak of one data set."""


def show(explored: Explored) -> None:
    path = st.query_params.get("image")
    if path:
        _one(explored, path)
    else:
        _grid(explored)


def _grid(explored: Explored) -> None:
    filters, in_parts = _filters(explored)
    rows = exploration.select(explored.manifest, filters, in_parts)
    if not len(rows):
        st.info("No image meets all filters.", icon=":material/filter_alt_off:")
        return
    known = st.session_state.get("filters of the page")
    st.session_state["filters of the page"] = filters
    wanted = st.query_params.get("page", "1") if known in (None, filters) else "1"
    page = exploration.paged(rows, int(wanted) if wanted.isdecimal() else 1, A_PAGE)
    if page.pages > 1:
        number = st.number_input(f"Page (of {page.pages:,})", 1, page.pages, page.number, key=f"page {explored.key} {filters}", width=160)
        page = exploration.paged(rows, number, A_PAGE)
    st.query_params["page"] = str(page.number)
    st.caption(f"{wording.count(page.total, 'image')}, {page.first:,} to {page.first + len(page.rows) - 1:,} shown")
    images_in_a_row(explored, page.rows.tolist(), "grid")


def _filters(explored: Explored) -> tuple[exploration.Filters, np.ndarray | None]:
    """What the person asks for, and the part of every row where a split is chosen."""
    manifest = explored.manifest
    sources = sorted(set(manifest.table["source"]) - {""})
    label = source = patient = part = ""
    in_parts = None
    with st.container(horizontal=True, vertical_alignment="bottom"):
        label = parts.choose("Class", ["", *manifest.classes], "class", lambda name: name or "all classes")
        if sources:
            source = parts.choose("Source", ["", *sources], "source", lambda name: name or "all sources")
        if manifest.has_patients:
            wanted = st.query_params.get("patient", "")
            patient = st.text_input(
                "Patient", wanted, placeholder="all patients", help="The whole id, as it stands beside an opened image."
            ).strip()
            st.query_params["patient"] = patient
        split = choose_split(explored, "Split", "no split")
        if split:
            part = parts.choose("Part", ["", *splits.PARTS], "part", lambda name: name or "all parts")
    for name in PARAMETERS:
        if not st.query_params.get(name, "all"):
            del st.query_params[name]  # what asks for all needs no place in the link
    if part:
        with parts.errors_here():
            in_parts = parts_by(explored, split)
    return exploration.Filters(label, source, patient, part), in_parts


def _one(explored: Explored, path: str) -> None:
    if st.button("All images", icon=":material/arrow_back:"):
        open_image(None)
    manifest = explored.manifest
    with parts.errors_here():
        row = exploration.row_of(manifest, path)
        found = gallery.details(manifest.root / path)
    left, right = st.columns([3, 2], gap="medium")
    left.image(found.picture, width="stretch", alt=f"X-ray, {explored.class_of(row)}")
    with right:
        st.dataframe(_facts(explored, row) | found.facts, key="facts", alt="What is known of the image")
        for warning in found.warnings:
            st.warning(markdown_text(warning), icon=":material/warning:")
    others = exploration.of_patient(manifest, row)
    if manifest.table["patient_id"].iat[row]:
        st.header("The patient’s other images")
        st.caption(wording.count(len(others), "other image") if len(others) else "There is no other image of this patient.")
        images_in_a_row(explored, others[:OTHERS].tolist(), "patient")
    st.header("Most alike")
    measured = exploration.stored(manifest)
    if measured is None:
        st.caption("Known as soon as “Sizes and greys” was opened once.")
        return
    near = exploration.nearest(measured.coarse, row, NEAREST)
    captions = [f"{markdown_text(explored.class_of(other))}, r = {correlation:.3f}" for other, correlation in near]
    images_in_a_row(explored, [other for other, _ in near], "near", captions)
    st.caption("By the correlation r of the greys at 16 × 16 pixels. X-rays look alike: whether two are copies is the audit’s question.")


def _facts(explored: Explored, row: int) -> dict[str, str]:
    line = explored.manifest.table.iloc[row]
    names = {"path": "Path", "label": "Class", "patient_id": "Patient", "source": "Source", "view": "View", "sha256": "SHA-256"}
    return {title: line[column] or "unknown" for column, title in names.items()}
