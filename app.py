"""CXR Lab in the browser: `streamlit run app.py`."""

import streamlit as st

from pages import parts

st.set_page_config(page_title="CXR Lab", page_icon=":material/radiology:", layout="wide")
page = st.navigation(
    {
        "Start": [st.Page("pages/home.py", title="Home", icon=":material/home:", default=True)],
        "Data": [st.Page("pages/data_sets.py", title="Data sets", icon=":material/folder_open:", url_path="data")],
        "Train": [
            st.Page("pages/train.py", title="New run", icon=":material/model_training:", url_path="train"),
            st.Page("pages/runs.py", title="Runs", icon=":material/monitoring:", url_path="runs"),
        ],
        "Explain": [st.Page("pages/predict.py", title="Predict", icon=":material/image_search:", url_path="predict")],
    }
)
parts.sidebar()
page.run()
