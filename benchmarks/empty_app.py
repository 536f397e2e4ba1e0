"""The least that a Streamlit page can do: one button and one line of text. Reruns are measured beside it."""

import streamlit as st

st.session_state.setdefault("clicks", 0)
if st.button("Click"):
    st.session_state["clicks"] += 1
with st.container(key="line"):
    st.text(f"Clicks: {st.session_state['clicks']}")
