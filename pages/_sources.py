"""Public sources on the Data sets page: what is known of one, before it is fetched and imported."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import streamlit as st

from core.data import library, sources
from core.data.sources.meter import Meter
from pages import parts

if TYPE_CHECKING:
    from core.data.library import Dataset


def choose_and_fetch() -> Dataset | None:
    """The choice of a source with all that is known of it; when it is asked for, the set that was brought in."""
    names = [name for name in sources.names() if name != library.PHANTOM]  # which has a button of its own
    chosen = parts.choose("Source", names, "source", lambda name: sources.source(name).title)
    spec = sources.source(chosen)
    st.markdown("\n".join(f"- **{fact}:** {value}" for fact, value in spec.facts().items() if value))
    st.warning("\n".join(f"- {caution}" for caution in spec.cautions), icon=":material/warning:")
    here = sources.fetched(chosen)
    st.caption(
        f":material/download_done: Fetched already: {here}"
        if here
        else "Whoever fetches it is bound by its licence. Leaving this page stops the download; it goes on from there the next time."
    )
    if not st.button("Import" if here else "Fetch and import", type="primary", icon=":material/download:", **parts.allowed("import")):
        return None
    with parts.errors_here():
        with progress("fetch", lambda done, total: f"Fetching: {spec.progress(done, total)}") as meter:
            path = sources.fetch(chosen, meter)
        with progress("read", lambda done, total: f"Reading files: {done:,} of {total:,}") as meter:
            return library.import_source(str(path), chosen, meter)


@contextmanager
def progress(work: str, text: Callable[[int, int], str]) -> Iterator[Meter]:
    """A bar with time left and a button that stops the work: pressing it, or leaving the page, ends the script that works."""
    with st.container(horizontal=True, vertical_alignment="center"):
        bar = st.progress(0.0, text="Starting …")
        stop = st.empty()
        stop.button("Stop", icon=":material/stop:", key=f"stop {work}")
    try:
        yield Meter(bar.progress, text)
    finally:
        bar.empty()
        stop.empty()
