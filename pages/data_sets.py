"""The data sets that are there, and bringing one in."""

from pathlib import Path

import streamlit as st

from core import figures, wording
from core.data import gallery, library
from pages import parts

parts.title("Data sets")

with st.container(border=True), st.form("import", border=False):
    st.subheader("Bring in a folder of images")
    left, right = st.columns([3, 1])
    folder = left.text_input(
        "Folder on this machine", placeholder="/path/to/images", help="One folder a class, with metadata.csv where there is one."
    )
    name = right.text_input("Name", placeholder="the folder's own", help="Lower-case letters, digits, '.', '_' and '-'.")
    wanted = st.form_submit_button("Import", type="primary", icon=":material/download:")
if wanted:
    with parts.errors_here():
        if not folder.strip():
            st.error("Say which folder to import.", icon=":material/error:")
            st.stop()
        bar = st.progress(0.0, text="Reading images …")
        report = library.import_folder(
            Path(folder.strip()),
            name.strip() or None,
            lambda done, total: bar.progress(done / total, text=f"Reading images: {done:,} of {total:,}"),
        )
        bar.empty()
    st.query_params["data"] = report.name
    st.success(
        f"**{report.name}**: {wording.count(report.images, 'image')} imported, {wording.count(len(report.dropped), 'file')} left out."
    )

names = library.names()
chosen = parts.choose("Data set", names, "data", library.title)
if chosen == library.PHANTOM and not library.is_registered(chosen):
    st.write("**phantom** is a synthetic chest: drawn, not taken. It is drawn on first use, which takes a few seconds.")
    if st.button("Draw it now", icon=":material/draw:"):
        with st.spinner("Drawing synthetic chest images …"):
            library.make_phantom()
        st.rerun()
    st.stop()

with parts.errors_here():
    record = library.describe(chosen)
    manifest = library.open_dataset(chosen)

if record.synthetic:
    st.warning("Synthetic images: drawn, not taken. What is learnt on them says nothing about real X-rays.", icon=":material/draw:")
columns = st.columns(4)
columns[0].metric("Images", f"{record.images:,}", border=True)
columns[1].metric("Classes", len(record.classes), border=True)
columns[2].metric("Patients", wording.unknown(record.patients), border=True)
columns[3].metric("Left out", f"{len(record.dropped):,}", border=True)

st.plotly_chart(figures.class_counts(record.classes), key="classes", alt=f"Images a class: {record.classes}")
with parts.errors_here():
    for label, pictures in gallery.samples(manifest, per_class=6).items():
        st.caption(label)
        st.image(pictures, width=150)

with st.expander("Report of the import", expanded=bool(record.dropped)):
    st.write(f"Folder: `{record.root}` ({record.layout}), imported {wording.moment(record.imported)}. Images stay where they are.")
    st.write("Colour modes: " + ", ".join(f"{mode} {count:,}" for mode, count in record.modes.items()))
    st.write("Most frequent sizes: " + ", ".join(f"{size} ({count:,})" for size, count in record.sizes.items()))
    for note in record.notes:
        st.info(note)
    if record.dropped:
        st.dataframe(record.dropped_table(), hide_index=True)
