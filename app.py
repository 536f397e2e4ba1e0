"""The door: which pages there are, which model is loaded, which device computes.

Streamlit runs this file for each session. The server itself imports it, once, for `app`.
"""

from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from models.panics import panics_as_failures
from pages.shared import door, start, thread
from pages.shared.device import show_device
from pages.shared.ending import end_when_told
from pages.shared.guard import Guarded
from pages.shared.limits import Bounded
from pages.shared.link import receive
from pages.shared.messages import unforeseen
from pages.shared.model_card import show_model_card
from pages.shared.model_choice import choose_model_box

_FOLDER = Path(__file__).parent


def show() -> None:
    """What a session sees: the page that it opened, and the sidebar beside it."""
    st.set_page_config(
        page_title="Headlight",
        page_icon=str(_FOLDER / "viz" / "headlight.svg"),
        layout="wide",
        initial_sidebar_state=250,
    )
    st.html(f"<style>{(_FOLDER / 'viz' / 'page.css').read_text()}</style>")

    page = st.navigation(
        [
            st.Page("pages/home.py", title="Home", icon=":material/home:", default=True),
            st.Page("pages/attention.py", title="Attention", icon=":material/visibility:", url_path="attention"),
            st.Page("pages/tokenizers.py", title="Tokenizers", icon=":material/content_cut:", url_path="tokenizers"),
            st.Page("pages/embeddings.py", title="Embeddings", icon=":material/scatter_plot:", url_path="embeddings"),
            st.Page("pages/kv_cache.py", title="KV cache", icon=":material/view_column:", url_path="kv_cache"),
            st.Page("pages/sampling.py", title="Sampling", icon=":material/casino:", url_path="sampling"),
        ]
    )
    thread.forget_refused()
    receive(thread.THREAD)

    with st.sidebar:
        choose_model_box()
        device = st.empty()
        device.caption("Computes on: …")
        about = st.container()

    door.open_door()
    page.run()

    # Naming the device needs torch, which is imported after the page has been painted.
    show_device(device)
    with about:
        show_model_card()


if __name__ == "app":
    start.write_log()
    start.check_operator()
    start.take_descriptors()
    end_when_told()
    app = st.App(
        __file__,
        lifespan=start.lifespan,
        middleware=[Middleware(Guarded), Middleware(Bounded), Middleware(start.Attended)],
        on_script_error=unforeseen,
    )
else:
    with panics_as_failures():
        show()
