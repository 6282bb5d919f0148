"""CXR Lab in the browser: `streamlit run app.py`."""

from pathlib import Path

import streamlit as st

from core import waiting, warmup
from pages import _entrance, _teaching, _tour, parts

waiting.briefly()
st.set_page_config(page_title="CXR Lab", page_icon=":material/radiology:", layout="wide")
st.html(Path(__file__).parent / "pages" / "style.css")
door = _entrance.door()
page = parts.navigation("sidebar" if door is None else "hidden")
if door is None:
    with warmup.first_alone():
        _entrance.lead_back(page.url_path)
        parts.sidebar()
        _teaching.switch()
        _entrance.account()
        _tour.bar(page.url_path)
        with parts.errors_here():  # what somebody may not do is refused by the engine, wherever on a page it was tried
            page.run()
        parts.attend_the_queue()
else:
    door(page.url_path)
