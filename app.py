"""CXR Lab in the browser: `streamlit run app.py`."""

import streamlit as st

from pages import _teaching, _tour, parts

st.set_page_config(page_title="CXR Lab", page_icon=":material/radiology:", layout="wide")
page = parts.navigation()
parts.sidebar()
_teaching.switch()
_tour.bar(page.url_path)
page.run()
parts.warm_up()
parts.attend_the_queue()
