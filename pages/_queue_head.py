"""What the queue comes to, whether anybody works on it, and what the devices are doing."""

from __future__ import annotations

import streamlit as st

from core import hardware, wording
from core.hardware import Load
from core.jobs import supervisors
from core.jobs.overview import Overview
from pages import _acts


def show(found: Overview) -> None:
    st.markdown(found.summary or "Nothing trains and nothing waits.")
    if found.stands_still:
        st.warning(
            "No supervisor lives, so nothing starts. A supervisor is the process that trains what waits.", icon=":material/front_hand:"
        )
        _acts.button("Start a supervisor", "start a supervisor", supervisors.ensure, icon=":material/play_arrow:", type="primary")
    else:
        st.caption(_workers(found))
    for load in hardware.loads():
        st.caption(_sentence(load))


def _workers(found: Overview) -> str:
    if found.supervisors:
        return f":material/engineering: {wording.count(found.supervisors, 'supervisor')} at work on the queue."
    if found.active:
        return ":material/engineering: No supervisor lives. The trainers go on without one."
    return ":material/engineering: No supervisor lives; whoever queues a run here starts one."


def _sentence(load: Load) -> str:
    told = [
        f"{wording.percent(load.busy)} busy" if load.busy is not None else "",
        f"{wording.size(load.memory)} of {wording.size(load.memory_total)} memory" if load.memory is not None and load.memory_total else "",
        f"{load.temperature:.0f} °C" if load.temperature is not None else "",
    ]
    return f":material/memory: **{load.device}** {' · '.join(filter(None, [load.name, *told]))}"
