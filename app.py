"""CXR Lab in the browser: `streamlit run app.py`."""

import streamlit as st

from pages import _entrance, parts

st.set_page_config(page_title="CXR Lab", page_icon=":material/radiology:", layout="wide")
door = _entrance.door()
page = door or parts.navigation()
if door is None:
    parts.sidebar()
    _entrance.account()
with parts.errors_here():  # what somebody may not do is refused by the engine, wherever on a page it was tried
    page.run()
if door is None:
    parts.warm_up()
