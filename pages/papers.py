"""The papers: what they did, what they published, what our runs of the same recipes found, and what to beware of."""

import streamlit as st

from core import figures, wording
from core.data import library
from core.evaluation import board
from core.jobs import requests
from core.recipes import catalogue, fitting
from core.runs import index
from pages import _linked, _plots, parts

parts.title("Papers")
st.write("Published figures beside our runs of the same recipes. Ours were trained on other images, so a difference is no verdict.")

papers = {paper.key: paper for paper in catalogue.papers()}
key = parts.tabs("Paper", list(papers), "paper", lambda key: key.replace("-", " ").title())
paper = papers[key]
st.header(paper.title)
st.caption(f"{paper.authors}, {paper.year}")
if paper.further:
    st.caption("Not one of the five papers: a further reference, whose data set is at hand for many.")
left, right = st.columns(2, gap="large")
left.markdown(f"**What they did.** {paper.did}")
left.markdown(f"**Data.** {paper.data}")
right.warning("**To beware of**\n\n" + "\n".join(f"- {caution}" for caution in paper.cautions), icon=":material/warning:")

lines = board.board(key, index.rows())
st.table(board.table(lines), hide_index=True, border="horizontal")
st.caption("Ours: test accuracy with its 95 % interval, or mean ± standard deviation over several seeds or folds.")

for number, matrix in enumerate(board.matrices(key), start=1):
    with _linked.fold(
        f"Published confusion matrix: {matrix.table}, {matrix.entry} ({wording.percent(matrix.accuracy)} of {matrix.images:,})",
        f"matrix{number}",
    ):
        _plots.show(figures.confusion(matrix.by_truth, matrix.labels), matrix.entry)
        st.caption(matrix.note)

st.header("Train a row")
names = list(dict.fromkeys(line.entry.name for line in lines))
with st.container(horizontal=True, vertical_alignment="bottom"):
    name = _linked.one("Row", names, "row", names[0], lambda name: catalogue.get(name).title, of=key)
    sets = library.names()
    data = _linked.one("On data set", sets, "data", sets[0], library.title)
    random = _linked.switch("Without ImageNet weights", "random", help="Starts from random weights; the board then says so.")
changes = {"weights": {"source": "random"}} if random else {}
this, whole = st.columns(2)
may = parts.allowed("train")
wanted = [name] if this.button("Train this row", type="primary", icon=":material/play_arrow:", **may) else []
wanted = names if whole.button(f"Train the whole table ({len(names)} runs)", icon=":material/playlist_play:", **may) else wanted
if wanted:
    with parts.errors_here(), st.spinner("Opening the data …"):
        manifest = library.open_dataset(data)
        recipes = [fitting.fit(fitting.draft(recipe=each, **changes), manifest)[0] for each in wanted]  # all or none
        started = [requests.start(recipe) for recipe in recipes]
    st.success(f"{wording.count(len(started), 'run')} in the queue.", icon=":material/check:")
    st.page_link("pages/queue.py", label="See the queue", icon=":material/low_priority:", query_params={"job": started[0].id})

parts.fine_print(catalogue.get(name))
