"""The shortcut lab's second and third step: training with and without the marker, and what each network learnt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core import figures, wording
from core.explain import overlay
from core.jobs import overview, requests
from core.report.tables import markdown_text
from core.shortcuts import findings, lab, reading
from pages import _downloads, _pace, _plots, _teaching, parts

if TYPE_CHECKING:
    from core.runs.store import Run
    from core.shortcuts.findings import Unmasked
    from core.shortcuts.lab import Runs
    from core.shortcuts.sets import Planted

VERDICTS = {"relies": st.error, "uses": st.warning, "not shown": st.info, "nothing": st.info}


def training(planted: Planted, runs: Runs) -> None:
    """Start both runs, or show how far they are."""
    if runs.marked is None:
        st.write(
            "The same small network is trained twice on the same images: with the marker, and without. The second shows what can be learnt."
        )
        _start(planted, primary=True)
        return
    _progress(runs, runs.live)
    if not runs.live:
        with st.popover("Train again", icon=":material/replay:"):
            _start(planted, primary=False)


def show(planted: Planted, runs: Runs) -> None:
    """The third step: everything that was measured, or the button that measures it."""
    if not runs.marked.has_model():
        st.warning("The run kept no network: it ended before its first epoch. Train again.", icon=":material/warning:")
        return
    tested = [run for run in (runs.marked, runs.clean) if run and run.has_model()]
    found = [findings.known(run, planted) for run in tested]
    if not all(found):
        st.write("Now the test images again: with the marker as planted, without it, and with it on the other classes instead.")
        if st.button("Unmask the network", type="primary", icon=":material/theater_comedy:"):
            _unmask(planted, tested)
            st.rerun()
        return
    st.query_params.from_dict({"run": runs.marked.id})
    _verdict(found[0], *found[1:])
    _looks(found[0])
    st.markdown("### What this means for published figures")
    st.write(reading.FOR_PAPERS)


def _start(planted: Planted, primary: bool) -> None:
    epochs = st.number_input("Epochs", 1, 100, lab.EPOCHS, width=160, help="With one or two, the shortcut may not be learnt: try it.")
    if st.button("Train both", type="primary" if primary else "secondary", icon=":material/play_arrow:"):
        with st.spinner("Starting …"):
            marked = requests.start(lab.recipe(planted.name, epochs))
            requests.start(lab.recipe(planted.clean, epochs))
        st.query_params.from_dict({"planted": planted.name, "run": marked.id})
        st.rerun()


def _progress(runs: Runs, live: bool) -> None:
    @st.fragment(run_every=_pace.every(1 if live else None))
    def lines() -> None:
        if live and not runs.live:
            st.rerun()
        for name, run in (("With the marker", runs.marked), ("Without it", runs.clean)):
            if run is not None:
                _line(name, run)

    lines()


def _line(name: str, run: Run) -> None:
    status = run.status()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{name}**", width=130)
        parts.state_badge(status.state)
        if status.live:
            st.progress(status.share_done, text=markdown_text(overview.progress_text(status)))
        elif status.state == "done":
            st.caption(f"{wording.count(status.epochs, 'epoch')} in {wording.duration(status.seconds)}", width="content")
        else:
            st.caption(markdown_text(status.message))
        st.page_link("pages/runs.py", label="Open the run", icon=":material/monitoring:", query_params={"run": run.id}, width="content")


def _unmask(planted: Planted, tested: list[Run]) -> None:
    from core.shortcuts import unmasking  # loads torch

    bar = st.progress(0.0, text="Loading the network …")
    for number, run in enumerate(tested):
        unmasking.unmask(
            run,
            planted,
            lambda done, total, number=number: bar.progress((number + done / total) / len(tested), text=f"{done:,} of {total:,} images"),
        )


def _verdict(found: Unmasked, without: Unmasked | None = None) -> None:
    VERDICTS[reading.verdict(found)](f"**{reading.collapse(found)}** · {reading.headline(found)}", icon=":material/theater_comedy:")
    left, right = st.columns(2, gap="medium")
    figure = figures.collapse(reading.bars(found, without), list(findings.CONDITIONS.values()), reading.chance(found))
    with left:
        _plots.show(figure, "collapse")
    right.markdown("\n".join(f"- {line}" for line in [*reading.story(found), *([reading.control(without)] if without else [])]))
    st.dataframe(reading.table(found), hide_index=True, alt="Answers with and without the marker")
    st.caption("95 % intervals: Wilson, by image. The network is the one trained with the marker; its test images were in no training.")
    _downloads.of_figure(figure, f"{found.run.id}-shortcut")
    for place, answers in zip(st.columns(len(found.answers)), found.answers.values(), strict=True):
        with place:
            st.caption(f"Marker {findings.CONDITIONS[answers.condition]}")
            _plots.show(figures.confusion(answers.confusion, answers.classes, margins=False), f"matrix {answers.condition}")


def _looks(found: Unmasked) -> None:
    st.markdown("### Where it looked")
    st.write(reading.heat(found))
    _teaching.explain("heat_map", "raw_magnitude")
    st.caption(f"Grad-CAM for “{markdown_text(found.planted.label)}”. Each pair has one scale: what is weaker looks weaker.")
    for place, example in zip(st.columns(len(found.examples)), found.examples, strict=True):
        top = max(example.heat_marked.peak, example.heat_unmarked.peak)
        pairs = {
            "with the marker": (example.marked, example.heat_marked, example.probability_marked),
            "without it": (example.unmarked, example.heat_unmarked, example.probability_unmarked),
        }
        for name, (pixels, heat, share) in pairs.items():
            caption = f"{name}: {wording.percent(share)} “{markdown_text(found.planted.label)}”"
            place.image(overlay.blend(pixels, heat, top=top), caption=caption, width="stretch", alt=caption)
