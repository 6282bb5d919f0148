"""Two checks of heat maps that take a while, in the background: deletion and insertion of one map, and ROAD of those compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core import background, wording
from core.errors import CoreError
from core.explain import faithfulness
from core.explain.methods import METHODS
from core.figures.removal import removal
from core.report.tables import Table
from pages import _downloads, _plots, _teaching, parts

if TYPE_CHECKING:
    from core.data.threads import Progress
    from core.inference import Answer, Predictor

LOOKS = 1.0  # seconds between two looks at a check that runs


def show(predictor: Predictor, epoch: int, answer: Answer, label: str, methods: Sequence[str], layer: str) -> None:
    """Offer both checks of the maps of `methods`, and show how they stand. `epoch`: of the network's weights."""
    _teaching.explain("deletion")
    number, x = predictor.classes.index(label), predictor.input(answer.prepared)
    of = (predictor.run_id, epoch, answer.prepared, label, layer)
    first, second = st.tabs(["Deletion and insertion", "ROAD"])

    def one(progress: Progress) -> faithfulness.Faithfulness:
        heat = predictor.heat_map(answer.prepared, label, method, layer)
        return faithfulness.faithfulness(predictor.model, x, heat, number, predictor.lock, progress=progress)

    def all_of_them(progress: Progress) -> faithfulness.Roads:
        heats = {}
        for each in methods:
            heats[each] = predictor.heat_map(answer.prepared, label, each, layer)
        return faithfulness.roads(predictor.model, x, heats, number, predictor.lock, progress=progress)

    with first:
        method = st.selectbox("Map", methods, format_func=lambda name: METHODS[name].title)
        found = _checked("Deletion and insertion", background.key_of("deletion", method, *of), one)
        if found:
            _deletion(found, method, label)
    with second:
        shown = "all maps" if len(methods) > 1 else "the map"
        st.caption(f"Of {shown} above: {', '.join(METHODS[name].title for name in methods)}.")
        found = _checked("ROAD", background.key_of("road", tuple(methods), *of), all_of_them)
        if found:
            _road(found, label)


def _checked(title: str, key: str, work: background.Work) -> faithfulness.Faithfulness | faithfulness.Roads | None:
    """The result, where there is one; else how the check stands, with a button to start or to cancel it."""
    pool = background.pool()
    now = pool.look(key)
    if now and now.state == "done":
        return now.result
    if now and now.live:
        st.fragment(_progress, run_every=LOOKS)(title, key)
        return None
    if now and now.state == "cancelled":
        st.caption("Cancelled.")
    if now and now.problems:
        parts.problems(CoreError.of(now.problems))
    if st.button(title if not now else f"{title}: try again", icon=":material/play_arrow:", help="It runs in the background."):
        with parts.errors_here():
            pool.start(key, work)
        st.rerun()
    return None


def _progress(title: str, key: str) -> None:
    """How far a check is; drawn anew by a timer of its own, and the whole page once it has ended."""
    pool = background.pool()
    now = pool.look(key)
    if now is None or not now.live:
        st.rerun()
    waits = "waiting for its turn" if now.state == "queued" else wording.percent(now.share) if now.total else "begins"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(now.share, text=f"{title}: {waits}. The page can be used meanwhile.")
        if st.button("Cancel", key=f"cancel {key}", icon=":material/close:", help="For everybody who asked for this very check."):
            pool.cancel(key)


def _deletion(found: faithfulness.Faithfulness, method: str, label: str) -> None:
    st.markdown(f"**{METHODS[method].title}:** {found.reading}")
    figure = removal(
        found.deletion.line,
        found.insertion.line,
        [curve.line for curve in found.deletions_at_random],
        [curve.line for curve in found.insertions_at_random],
        label,
    )
    _plots.show(figure, "removal")
    away, back = found.random_deletions, found.random_insertions
    st.caption(
        f"Area under its probability: {found.deletion.area:.2f} when hot places go first ({min(away):.2f} to {max(away):.2f} in random "
        f"order), {found.insertion.area:.2f} when they come back first ({min(back):.2f} to {max(back):.2f})."
    )
    st.caption(
        "Deletion and insertion, Petsiuk et al. 2018. What it cannot tell: a picture with grey holes, or a blurred one, is unlike any "
        "X-ray, so a fall may come from the holes rather than from what is missing; and it says whether the network used these "
        "places, not whether they show disease."
    )


def _road(found: faithfulness.Roads, label: str) -> None:
    rows = faithfulness.road_rows(found)
    st.dataframe(rows, hide_index=True, alt="ROAD of each map")
    table = Table(rows, f"ROAD: probability of {label} after replacing places", ("Rong et al. 2022; SciPy solves the imputation.",))
    _downloads.of_table(table, "road")
    st.markdown(faithfulness.road_reading(found))
    st.caption(
        "ROAD, Rong et al. 2022: places are replaced by what their neighbours suggest. Score: half the difference between replacing the "
        "coldest and the hottest places, mean over the shares; 0 is chance, higher is better. One map in 8 that knows nothing beats the "
        "random ones all the same. What it cannot tell: large gaps filled "
        "from their rim are still unlike X-rays; one image says little about a method; and what the network used may itself be a "
        "shortcut."
    )
