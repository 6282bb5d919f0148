"""The data sets that are there, bringing one in from a folder, an archive or a public source, and the report of its import."""

from pathlib import Path

import streamlit as st

from core import settings, wording
from core.data import library
from pages import _data_cards, _import_report, _sources, parts

PACKED = (".zip", ".npz")
WAYS = {"folder": "A folder on this machine", "zip": "A ZIP archive", "source": "A public source"}

parts.title("Data sets")
shelf = st.container()  # filled last: what is brought in below stands on it at once

brought = None
with st.container(border=True):
    st.header("Bring in images")
    way = parts.tabs("From", list(WAYS), "from", WAYS.__getitem__)
    if way == "source":
        brought = _sources.choose_and_fetch()
    else:
        with st.form("import", border=False):
            left, right = st.columns([3, 1])
            if way == "folder":
                folder = left.text_input(
                    "Folder on this machine",
                    placeholder="/path/to/images",
                    help="One folder a class, or a table with paths and labels. A CSV, a ZIP or an .npz of MedMNIST is taken as well.",
                )
            else:
                upload = left.file_uploader(
                    "ZIP archive",
                    type="zip",
                    max_upload_size=settings.current().upload_mb,
                    help="With one folder a class, or a table with paths and labels.",
                )
            name = right.text_input("Name", placeholder="its own", help="Lower-case letters, digits, '.', '_' and '-'.")
            wanted = st.form_submit_button("Import", type="primary", icon=":material/download:", **parts.allowed("import"))
        if wanted:
            with parts.errors_here():
                if not (folder.strip() if way == "folder" else upload):
                    st.error("Say which folder to import." if way == "folder" else "Choose a ZIP archive first.", icon=":material/error:")
                    st.stop()
                given = Path(folder.strip()).expanduser() if way == "folder" else upload
                packed = way == "zip" or (given.suffix.lower() in PACKED and given.is_file())
                with _sources.progress("read", lambda done, total: f"Reading files: {done:,} of {total:,}") as meter:
                    brought = (library.import_zip if packed else library.import_folder)(given, name.strip() or None, meter)
if brought:
    st.query_params["data"] = brought.name
    st.success(
        f"**{brought.name}**: {wording.count(brought.images, 'image')} imported, {wording.count(len(brought.dropped), 'file')} left out.",
        icon=":material/check_circle:",
    )

chosen = parts.choose("Data set", library.names(), "data", library.title)
if chosen == library.PHANTOM and not library.is_registered(chosen):
    st.write("**phantom** is a synthetic chest: drawn, not taken. It is drawn on first use, which takes a few seconds.")
    if st.button("Draw it now", icon=":material/draw:", **parts.allowed("import")):
        with st.spinner("Drawing synthetic chest images …"):
            library.make_phantom()
        st.rerun()
else:
    with parts.errors_here(stop=False):
        _import_report.show(library.describe(chosen))

with shelf:
    _data_cards.show()
