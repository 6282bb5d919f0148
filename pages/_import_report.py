"""The report of a data set's import: what is in it, what was left out and why; and the way to forget the set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import streamlit as st

from core import figures, wording
from core.data import sources
from core.data.sources import cards
from core.report.tables import markdown_text
from pages import _plots, parts

if TYPE_CHECKING:
    from core.data.library import Dataset


def show(record: Dataset) -> None:
    """Counts, differences from what was published, images a class, files as they are, what was left out."""
    if record.synthetic:
        st.warning("Synthetic images: drawn, not taken. What is learnt on them says nothing about real X-rays.", icon=":material/draw:")
    columns = st.columns(4)
    columns[0].metric("Images", f"{record.images:,}", border=True)
    columns[1].metric("Classes", len(record.classes), border=True)
    columns[2].metric("Patients", wording.unknown(record.patients), border=True)
    columns[3].metric("Left out", f"{len(record.dropped):,}", border=True)
    _published(record)
    _plots.show(figures.class_counts(record.classes), "classes")
    with st.expander("Report of the import", expanded=bool(record.dropped)):
        _report(record)
    with st.container(horizontal=True):
        st.page_link("pages/explore.py", label="Explore & audit", icon=":material/search_insights:", query_params={"data": record.name})
        _removal(record)


def _published(record: Dataset) -> None:
    spec = sources.origin(record)
    if spec is None:
        return
    st.caption(f"Source: {spec.title} · licence: {spec.licence or 'not published'} · to be cited: {spec.citation}")
    if differences := spec.deviations(record.classes):
        st.warning("**Not as published**\n\n" + "\n".join(f"- {markdown_text(each)}" for each in differences), icon=":material/difference:")


def _report(record: Dataset) -> None:
    st.text(f"Folder: {record.root}\nLayout: {record.layout}\nImported: {wording.moment(record.imported)}")
    for what, counts in (("Colour modes", record.modes), ("Bits a channel", record.depths), ("Most frequent sizes", record.sizes)):
        if counts:
            st.text(f"{what}: {_counts(counts)}")
    for note in record.notes:
        st.info(markdown_text(note), icon=":material/info:")
    if record.duplicates:
        found = [{"kind": kind, "images": len(paths), "files": paths} for kind, paths in record.duplicates]
        st.markdown(f"**{wording.count(len(found), 'image')} found more than once**")
        st.dataframe(found, hide_index=True, alt="Images found more than once")
    if record.dropped:
        st.markdown(f"**{wording.count(len(record.dropped), 'file')} left out**")
        reasons = [{"reason": reason, "files": count} for reason, count in record.reasons.items()]
        st.dataframe(reasons, hide_index=True, alt="Files left out by reason")
        st.dataframe(record.dropped_table(), hide_index=True, alt="Files left out, one by one")


def _removal(record: Dataset) -> None:
    with st.popover("Remove from this list", icon=":material/delete:"):
        if cards.owns_images(record):
            st.write("Its images were drawn or unpacked by this app, and go with it. Runs on it stay.")
        else:
            st.write("Its images stay where they are. Runs on it stay.")
        if st.button(f"Remove {record.name}", icon=":material/delete_forever:"):
            with parts.errors_here():
                cards.remove(record.name)
            st.query_params.pop("data", None)
            st.rerun()


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} ({count:,})" for name, count in counts.items())
