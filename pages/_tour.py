"""The bar of a guided tour: it stands on top of every page while the tour goes on, so that one walks the real pages."""

from __future__ import annotations

import streamlit as st

from core.errors import CoreError
from core.teaching import tours
from core.teaching.tours import Step, Tour
from pages import _teaching, parts


def bar(page: str) -> None:
    """The current step, where a tour goes on. `page`: the page it stands on, as in the address; "" is the first one."""
    name = _teaching.kept("tour")
    if not name:
        return
    try:
        tour = tours.get(name)
        number = tour.steps.index(tour.step(_teaching.kept("step") or 1)) + 1
    except CoreError as error:
        parts.problems(error)
        _end()
        return
    number = _arrived(tour, number, page)
    step = tour.step(number)
    st.session_state["tour run"] = st.query_params.get("run", st.session_state.get("tour run", ""))
    with st.container(border=True, key="tour"):
        st.caption(f":material/tour: **{tour.title}** · step {number} of {len(tour.steps)}")
        st.markdown(f"**{step.title}**  \n{step.text}")
        st.markdown(f":material/visibility: {step.look}")
        _teaching.windows(step.terms, "tour ")
        _what_is_missing(step)
        _buttons(tour, number, page)


def go(tour: Tour, number: int, page: str | None = None) -> None:
    """To a step and the page that it plays on, from `page`: on the same page, what a person has done there stays."""
    step = tour.step(number)
    parameters = tours.link(step, tours.run_for(step, st.session_state.get("tour run", "")))
    _teaching.keep("tour", tour.name)
    _teaching.keep("step", str(number))
    if step.page == page:
        for parameter, value in parameters.items():
            st.query_params[parameter] = value
        st.rerun()
    st.switch_page(f"pages/{step.page or 'home'}.py", query_params=parameters | {"tour": tour.name, "step": str(number)})


def _arrived(tour: Tour, number: int, page: str) -> int:
    """The next step, where what this one asks for has opened its page with a new run; else this one."""
    step, following = tour.step(number), tour.steps[number] if number < len(tour.steps) else None
    if following is None or following.needs != "run" or not step.page != page == following.page or "run" not in st.query_params:
        return number
    _teaching.keep("step", str(number + 1))
    return number + 1


def _what_is_missing(step: Step) -> None:
    wanted = st.session_state["tour run"]
    if tours.waits(step, wanted):
        st.info("The run is still training. This step begins when it has been tested.", icon=":material/hourglass_top:")
    elif step.needs and not tours.run_for(step, wanted):
        st.info("This step needs a run. The two-minute demo on Home makes one.", icon=":material/info:")
        st.page_link("pages/home.py", label="Go to Home", icon=":material/home:")


def _buttons(tour: Tour, number: int, page: str) -> None:
    step, last = tour.step(number), number == len(tour.steps)
    waits = not last and tours.waits(tour.step(number + 1), st.session_state["tour run"])
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Back", icon=":material/arrow_back:", disabled=number == 1, key="tour back"):
            go(tour, number - 1, page)
        reason = "The next step needs the trained network: the run is still training." if waits else None
        if not last and st.button("Next", icon=":material/arrow_forward:", disabled=waits, help=reason, key="tour next"):
            go(tour, number + 1, page)
        if step.page != page and st.button("Open the page of this step", icon=":material/open_in_new:", key="tour open"):
            go(tour, number, page)
        if st.button("Finish" if last else "End the tour", type="tertiary", icon=":material/close:", key="tour end"):
            _end()
            st.rerun()


def _end() -> None:
    _teaching.keep("tour", "")
    _teaching.keep("step", "")
