"""Twenty test images: people answer first, then the network's answers are shown beside theirs."""

from __future__ import annotations

import streamlit as st

from core import wording
from core.data import gallery, library
from core.evaluation import cases
from core.report.tables import markdown_text
from core.runs import index, store
from core.teaching import quiz
from core.teaching.quiz import Quiz
from pages import _demo, _linked, _networks, _teaching, parts

SIDE = 512  # pixels of the image asked about


def show() -> None:
    rows = [row for row in index.rows() if row.accuracy is not None]
    if not rows:
        st.write("The quiz needs a network that has been tested, and there is none yet. The two-minute demo makes one.")
        _demo.button()
        return
    labels = {row.run_id: parts.run_label(row) for row in rows}
    st.write(
        f"Agree on an answer to each of {quiz.IMAGES} test images. They were drawn at random, whatever the network says to them; it has "
        "learnt from none of them. Its answers are shown when you have given yours."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        run = store.find(parts.choose("Run", list(labels), "run", labels.__getitem__))
        number = _linked.number("Draw", 1, 9_999, 1, "draw", width=120)
    if run.recipe().data.synthetic:
        st.caption(":material/draw: " + wording.SYNTHETIC_NOTE)
    with parts.errors_here():
        drawn = quiz.draw(run, number)
        given = st.session_state.setdefault("quiz answers", {}).setdefault((run.id, number), [])
        manifest = library.open_dataset(run.recipe().data.name)
        if len(given) < len(drawn.samples):
            _ask(drawn, given, gallery.thumbnail(cases.image_of(manifest, drawn.samples[len(given)]), SIDE))
        else:
            _compare(drawn, given, manifest)


def _ask(drawn: Quiz, given: list[str], picture: object) -> None:
    count = len(drawn.samples)
    picture_place, question = st.columns(2, gap="large")
    picture_place.image(picture, width=SIDE, alt=f"Image {len(given) + 1} of {count}, whose label is asked for")
    with question:
        st.header(f"Image {len(given) + 1} of {count}")
        st.progress(len(given) / count)
        st.write("What does it show?")
        for name in drawn.classes:
            st.button(markdown_text(name), key=f"answer {name}", width="stretch", on_click=given.append, args=(name,))
        st.button("Take back the last answer", type="tertiary", icon=":material/undo:", disabled=not given, on_click=_undo, args=(given,))


def _undo(given: list[str]) -> None:
    given.pop()


def _compare(drawn: Quiz, given: list[str], manifest: object) -> None:
    score = quiz.score(drawn, given)
    for place, name, found in zip(st.columns(2), ("You", "The network"), (score.people, score.network), strict=True):
        with place.container(border=True):
            st.metric(f"{name}, accuracy", wording.percent(found.value))
            st.caption(f"95 %: {wording.percent(found.low)} to {wording.percent(found.high)}, of {wording.count(len(given), 'image')}")
    st.markdown(f"**{markdown_text(score.sentence)}**")
    st.caption("McNemar’s exact test on these images. With so few of them only a large difference can be told from chance.")
    _teaching.explain("accuracy", "interval", "mcnemar")
    _networks.answer_grid(score.answers, manifest, {"people": "you", "network": "network"}, "quiz")
    st.button("Answer again", icon=":material/replay:", on_click=given.clear)
