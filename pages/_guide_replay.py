"""A recorded run played again as its page showed it while it trained, for classrooms without a GPU."""

from __future__ import annotations

import time

import streamlit as st

from core import charts, wording
from core.jobs import overview
from core.report.tables import markdown_text
from core.runs import store
from core.teaching import replay
from core.teaching.replay import Player, Recording
from pages import _demo, _plots, _results, parts

TICK = 1.0  # seconds between two pictures


def show() -> None:
    rows = replay.replayable()
    if not rows:
        st.write("A replay needs a run that is over, and there is none yet. The two-minute demo makes one, which plays here afterwards.")
        _demo.button()
        return
    labels = {row.run_id: parts.run_label(row) for row in rows}
    run = store.find(parts.choose("Run", list(labels), "run", labels.__getitem__))
    with parts.errors_here():
        recording, recipe = Recording.of(run), run.recipe()
    st.info(
        f"**Replay of a recorded run** of {wording.moment(recording.status.created)} on {recording.status.device or 'an unknown device'}: "
        f"nothing is being trained. What took {wording.duration(recording.seconds)} is spread evenly over the steps.",
        icon=":material/replay:",
    )
    if recipe.data.synthetic:
        st.caption(":material/draw: " + wording.SYNTHETIC_NOTE)
    player = _player(recording)
    _controls(recording)
    st.fragment(_picture, run_every=TICK if player.plays(time.monotonic()) else None)(recording, recipe.epochs)
    if player.ended(time.monotonic()):
        _results.show(run, recording.status.finished)


def _player(recording: Recording) -> Player:
    """The session's player, at the start for another run."""
    if st.session_state.get("replayed") != recording.run.id:
        st.session_state["replayed"] = recording.run.id
        st.session_state["player"] = Player(recording.seconds, replay.usual_speed(recording.seconds))
    return st.session_state["player"]


def _controls(recording: Recording) -> None:
    now, player = time.monotonic(), st.session_state["player"]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if player.plays(now):
            st.button("Pause", icon=":material/pause:", on_click=lambda: _change(Player.paused))
        else:
            st.button("Play", type="primary", icon=":material/play_arrow:", on_click=lambda: _change(Player.played))
        st.button("To the start", icon=":material/replay:", on_click=lambda: _change(Player.sought, 0.0))
        speeds = replay.speeds(recording.seconds)
        st.selectbox(
            "Speed",
            speeds,
            speeds.index(player.speed) if player.speed in speeds else 0,
            key="replay speed",
            format_func=lambda speed: f"{'as recorded' if speed == 1 else f'× {speed:,}'}, {wording.duration(recording.seconds / speed)}",
            on_change=lambda: _change(Player.timed, st.session_state["replay speed"]),
            width=240,
        )


def _picture(recording: Recording, epochs: int) -> None:
    """What the page of the run showed at this second; the whole page is drawn anew when the recording ends."""
    player = st.session_state["player"]
    second = player.at(time.monotonic())
    if player.since is not None and second >= recording.seconds:
        st.session_state["player"] = player.paused(time.monotonic())
        st.rerun()
    frame = recording.at(second)
    text = overview.progress_text(frame.status) if second < recording.seconds else recording.status.message or recording.status.state
    st.progress(frame.status.share_done, text=f"Replay: {markdown_text(text)}")
    st.session_state["replay epoch"] = round(recording.epoch_at(second), 1)
    st.slider(
        "Go to epoch",
        0.0,
        float(recording.epochs),
        step=0.1,
        format="%.1f",
        key="replay epoch",
        on_change=lambda: _change(Player.sought, recording.second_of(st.session_state["replay epoch"])),
    )
    _plots.show(charts.curves(frame.rows, epochs), "replayed curves")


def _change(how, *arguments) -> None:
    st.session_state["player"] = how(st.session_state["player"], *arguments, time.monotonic())
