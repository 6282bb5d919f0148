"""Many networks asked about one image: their answers and maps in a grid, where they agree, and their mean."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import streamlit as st

from core import answers, figures, wording
from core.data.uploads import Upload
from core.report.tables import markdown_text
from core.runs import index, store
from pages import _networks, _plots, parts

MOST = 20
COLUMNS = 3


def choose(labels: dict[str, str]) -> list[str]:
    """Runs to ask; at first the newest of each model."""
    newest = {row.model: row.run_id for row in reversed(index.rows()) if row.run_id in labels}
    wanted = [run for run in st.query_params.get("runs", "").split(",") if run in labels]
    chosen = st.multiselect("Runs", list(labels), wanted or list(newest.values())[:MOST], labels.__getitem__, max_selections=MOST)
    st.query_params["runs"] = ",".join(chosen)
    return chosen


@st.cache_data(max_entries=128, show_spinner=False)
def _voice(run_id: str, epoch: int, key: Hashable, _upload: Upload) -> answers.Voice:  # noqa: ARG001  the key names the image
    return answers.voice(_networks.predictor_of(run_id, epoch), _upload.read())


def show(chosen: Sequence[str], upload: Upload, key: Hashable) -> None:
    """Each network is loaded, asked and let go: their number is not bounded by memory."""
    if not chosen:
        st.caption("Choose at least one run.")
        return
    bar, voices = st.progress(0.0), []
    for number, run_id in enumerate(chosen):
        bar.progress(number / len(chosen), text=f"Asking {run_id} …")
        with parts.errors_here(stop=False):
            voices.append(_voice(run_id, store.find(run_id).weights_epoch(), key, upload))
    bar.empty()
    if not voices:
        return
    doubted = [voice for voice in voices if voice.doubts]
    if doubted:
        with st.container(border=True):
            st.markdown(f"## :material/front_hand: Doubted by {len(doubted)} of {wording.count(len(voices), 'network')}")
            for doubt in dict.fromkeys(doubt for voice in doubted for doubt in voice.doubts):
                st.markdown(f"- {doubt}")
            if not st.toggle("Show anyway", key=f"anyway {key}"):
                return
    found = answers.chorus(voices)
    st.header(markdown_text(found.sentence))
    left, right = st.columns([2, 1], gap="large")
    with left:
        _plots.show(figures.shares(found.mean), "mean")
    right.caption(
        f"Mean probability over {wording.count(found.averaged, 'network')} with the same classes. Networks trained on the same images "
        "share their errors: that they agree does not make them right."
    )
    columns = st.columns(COLUMNS)
    for number, voice in enumerate(voices):
        with columns[number % COLUMNS].container(border=True):
            st.markdown(f"**{markdown_text(voice.label)}** {wording.percent(voice.probabilities[voice.label])}")
            st.image(voice.picture, width="stretch", alt=f"Heat map of {voice.model} for {voice.label}")
            shares = (f"{name} {wording.percent(share)}" for name, share in voice.probabilities.items())
            st.caption(markdown_text(", ".join(shares)))
            st.caption(f"{voice.model}, Grad-CAM, peak {voice.peak:.3g}", help=voice.run_id)
