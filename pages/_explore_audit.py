"""The audit of a data set: lights, findings with the images that prove them, and what another data set shares with it."""

from __future__ import annotations

import json
from collections.abc import Sequence

import streamlit as st

from core import wording
from core.data import audit, exploration, gallery, library
from core.errors import CoreError
from core.report.tables import Table, markdown_text
from pages import _downloads, _linked, parts
from pages._explored import WIDTH, Explored, choose_split, explore, images_in_a_row, light, page_of, parts_by, reporter

PAIRS = 6  # a page
PATIENTS = 5  # a page
IMAGES = 24  # a page


def show(explored: Explored) -> None:
    split = choose_split(explored, "Patients and duplicates across the parts of", "no split")
    found = _last(explored, split)
    if st.button("Run the audit" if found is None else "Run it again", type="primary", icon=":material/fact_check:"):
        _run(explored, split)
        st.rerun()
    if found is None:
        st.write(
            "The audit looks for copies, for patients and sources that betray the class, and for files that differ by class. "
            "It reads the images that were not read before; leave the page to stop it."
        )
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        light(found.light)
        st.markdown(f"**{wording.count(len(found.findings), 'finding')} on {wording.count(found.images, 'image')}**")
    for finding in found.findings:
        _finding(explored, found, finding)
    if len(found.by_source) > 1:
        st.header("Sources and classes")
        st.dataframe(exploration.source_table(found.by_source, list(found.classes)), hide_index=True, alt="Images by source and class")
        st.caption("✖ marks a source that stands for one class alone: whoever knows the source knows the label.")
    if found.unreadable:
        st.header("Files that were left out")
        left_out = [{"file": path, "reason": reason} for path, reason in found.unreadable]
        st.dataframe(left_out, hide_index=True, alt="Files that were left out, each with its reason")
    _take_away(found)


def overlap(explored: Explored) -> None:
    """Is another data set external to this one?"""
    others = [name for name in library.names() if library.is_registered(name) and name != explored.record.name]
    if not others:
        st.write("There is no other data set yet. Bring in the one that you want to test on.")
        st.page_link("pages/data_sets.py", label="Bring in images", icon=":material/folder_open:")
        return
    other = parts.choose("Is it external?", others, "other", library.title)
    with parts.errors_here():
        second = explore(other)
    key = ("overlap", explored.key, second.key)
    report, end = reporter("Comparing the images")
    if st.button("Look for shared images", type="primary", icon=":material/join_inner:"):
        with parts.errors_here():
            st.session_state[key] = audit.overlap(explored.manifest, second.manifest, report)
    end()
    if key not in st.session_state:
        return
    pairs = st.session_state[key]
    if not pairs:
        st.success(
            f"No image of {explored.title} is in {second.title}, as a copy, resized or recompressed. Whether they share patients or "
            "hospitals, no picture can tell.",
            icon=":material/check_circle:",
        )
        return
    shared = len({pair.second_row for pair in pairs})
    st.error(
        f"{wording.count(shared, 'image')} of {second.title} ({len(second.manifest):,}) are in {explored.title} too. It is not external; "
        "Cross-data leaves out what a network has seen.",
        icon=":material/dangerous:",
    )
    _pairs(explored, second, pairs, "overlap")


def _last(explored: Explored, split: str) -> audit.Audit | None:
    """The kept audit; one with a split is kept for this visit alone."""
    if split:
        return st.session_state.get(("audit", explored.key, split))
    return audit.stored(explored.manifest)


def _run(explored: Explored, split: str) -> None:
    report, end = reporter("Reading the images")
    with parts.errors_here():
        in_parts = parts_by(explored, split).tolist() if split else None
        found = audit.audit(explored.manifest, explored.record.dropped, report, parts=in_parts)
    end()
    st.session_state["audit", explored.key, split] = found


def _finding(explored: Explored, found: audit.Audit, finding: audit.Finding) -> None:
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            light(finding.light)
            st.markdown(f"**{markdown_text(finding.name.capitalize())}**")
        st.markdown(markdown_text(finding.sentence))
        if not finding.rows or not _linked.among(f"Show {wording.count(len(finding.rows), 'image')}", finding.name, "findings"):
            return
        patients = found.leakage.get(BY_PATIENT.get(finding.name, ""), {})
        if finding.name in PAIRS_OF:
            _pairs(explored, explored, PAIRS_OF[finding.name](found), finding.name)
        elif patients:
            _patients(explored, patients, finding.name)
        else:
            images_in_a_row(explored, page_of(finding.rows, IMAGES, f"page {finding.name}"), finding.name)


PAIRS_OF = {"duplicates": lambda found: found.duplicates, "label conflicts": lambda found: found.conflicts}
BY_PATIENT = {"patients in classes": "patients_in_classes", "patients in splits": "patients_in_parts"}


def _pairs(first: Explored, second: Explored, pairs: Sequence[audit.Pair], key: str) -> None:
    """Pairs side by side, with what they are; `first` and `second` are the data sets that their rows are of."""
    shown = page_of(pairs, PAIRS, f"pairs {key}")
    left = gallery.thumbnails(first.manifest, [pair.first_row for pair in shown], WIDTH)
    right = gallery.thumbnails(second.manifest, [pair.second_row for pair in shown], WIDTH)
    with st.container(horizontal=True):
        for pair, *pictures in zip(shown, left, right, strict=True):
            with st.container(border=True, width=2 * WIDTH + 50):
                with st.container(horizontal=True, gap="xsmall"):
                    for picture, label, path in zip(
                        pictures, (pair.first_label, pair.second_label), (pair.first_path, pair.second_path), strict=True
                    ):
                        with st.container(width=WIDTH, gap="xxsmall"):
                            if isinstance(picture, CoreError):
                                st.error("cannot be read", icon=":material/broken_image:")
                            else:
                                st.image(picture, width=WIDTH, alt=f"X-ray, {label}")
                            st.caption(markdown_text(label), help=markdown_text(path))
                st.caption(f"{pair.kind}{', mirrored' * pair.mirrored}, r = {pair.correlation:.3f}")


def _patients(explored: Explored, patients: dict[str, Sequence[str]], key: str) -> None:
    for patient in page_of(sorted(patients), PATIENTS, f"patients {key}"):
        st.caption(f"**{markdown_text(patient)}**: {markdown_text(', '.join(patients[patient]))}")
        rows = exploration.select(explored.manifest, exploration.Filters(patient=patient))
        images_in_a_row(explored, rows[:IMAGES].tolist(), f"{key} {patient}")


def _take_away(found: audit.Audit) -> None:
    st.header("Take away")
    name = f"{found.data}-audit"
    st.download_button(
        "Everything as JSON",
        lambda: json.dumps(found.to_json(), indent=2, ensure_ascii=False),
        f"{name}.json",
        "application/json",
        icon=":material/data_object:",
    )
    st.caption("Findings")
    findings = [{"finding": each.name, "light": each.light, "images": len(each.rows), "sentence": each.sentence} for each in found.findings]
    _downloads.of_table(Table(findings, f"Audit of {found.data}"), f"{name}-findings")
    if found.duplicates:
        st.caption("Pairs")
        pairs = [
            {"first": pair.first_path, "its class": pair.first_label, "second": pair.second_path, "class of the second": pair.second_label}
            | {"kind": pair.kind, "correlation": pair.correlation, "mirrored": pair.mirrored}
            for pair in found.duplicates
        ]
        _downloads.of_table(Table(pairs, f"Duplicates in {found.data}"), f"{name}-pairs")
