"""`python -m tests.browser.faulty_server ARGUMENTS`: Headlight's server, in which what a text names goes wrong.

ARGUMENTS are those of `streamlit run app.py`. A text "planted in a job" makes the job fail, and so on; see PLACES.
"""

import functools
import sys
from pathlib import Path

from models.one_at_a_time import libraries

ROOT = Path(__file__).resolve().parents[2]


class PlantedError(Exception):
    """What nobody foresaw."""


def text_of_session():
    import streamlit as st

    from pages.shared import thread

    return st.session_state.get("text_box", thread.TEXT.value)


def plant(owner, name, words, text_of):
    """Have the function `name` of `owner` fail where the text is `words`."""
    right = getattr(owner, name)

    @functools.wraps(right)
    def wrong(*args, **kwargs):
        if text_of(*args) == words:
            raise PlantedError(words)
        return right(*args, **kwargs)

    setattr(owner, name, wrong)


def main():
    from streamlit.web import cli

    libraries()
    from models.attention import HeadMapRequest
    from models.decoding import WriteRequest
    from pages.attention import pictures, selection
    from pages.shared import model_card, page, thread

    plant(page, "examples_row", "planted in a page", lambda *_, **__: text_of_session())
    plant(selection, "chosen_view", "planted in a fragment", lambda *_: text_of_session())
    plant(pictures, "show_matrix", "planted in a picture", lambda *_: text_of_session())
    plant(model_card, "show_model_card", "planted in the sidebar", lambda *_: text_of_session())
    plant(thread, "choose_text", "planted in a callback", lambda given: given)
    plant(HeadMapRequest, "answer", "planted in an answer", lambda request, _: request.trace.text)
    plant(WriteRequest, "steps", "planted in a job", lambda request, _: request.text)
    cli.main(["run", str(ROOT / "app.py"), *sys.argv[1:]])


if __name__ == "__main__":
    main()
