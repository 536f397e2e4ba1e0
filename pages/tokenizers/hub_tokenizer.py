"""The tokenizer of any model of the hub: fetched by itself, and opened like a file of one's own."""

from typing import TYPE_CHECKING, Any

import streamlit as st

from models.errors import HeadlightError
from models.loading.hub_ids import hub_id
from models.loading.hub_limits import is_closed
from models.one_at_a_time import libraries
from pages.shared.job import Job
from pages.tokenizers import session_tokenizers
from pages.tokenizers.choices import add

if TYPE_CHECKING:
    from models.engine import Progress
    from models.loading.hub_tokenizers import FetchTokenizerRequest

_FETCHING = Job("hub_tokenizer")


def from_hub(pattern: str) -> None:
    """The field for an id, and how far its tokenizer is. `pattern`: for a .tiktoken file, one of PATTERNS."""
    if is_closed():
        st.caption("The hub is closed on this server: open a file instead.")
        return
    with st.form("hub_tokenizer_form", border=False):
        typed = st.text_input(
            "Or a model of the hub",
            key="hub_tokenizer",
            placeholder="openai-community/gpt2",
            help="ORGANISATION/NAME, or ORGANISATION/NAME@REVISION; its tokenizer alone is fetched.",
        )
        pressed = st.form_submit_button("Fetch its tokenizer")
    if pressed:
        _FETCHING.leave()
        session_tokenizers.say_of_latest()
        libraries()
        from models.loading.hub_tokenizers import FetchTokenizerRequest

        try:
            _FETCHING.start(FetchTokenizerRequest(hub_id(typed).name))
        except HeadlightError as error:
            session_tokenizers.say_of_latest(problem=str(error))

    def fetched(request: "FetchTokenizerRequest", progress: "Progress") -> None:
        """Its tokenizer becomes a column."""
        if progress.error:
            session_tokenizers.say_of_latest(problem=progress.error)
        elif progress.steps and not progress.is_cancelled:
            title = hub_id(request.model).repository.rpartition("/")[2]
            try:
                add(session_tokenizers.keep(progress.steps[-1].data, title, pattern))
            except HeadlightError as error:
                session_tokenizers.say_of_latest(problem=str(error))

    _FETCHING.watch(fetched, _progress_text, "Asking the hub…", stop="Cancel")


def _progress_text(step: Any) -> tuple[float, str]:
    if not hasattr(step, "total"):
        # The last step is the file itself.
        return 1.0, "Opening it…"
    return step.done / max(1, step.total), f"{step.done / 1e6:.1f} of {step.total / 1e6:.1f} MB"
