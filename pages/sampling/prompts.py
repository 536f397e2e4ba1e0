"""The same question with no, one and all examples, plain and as a message in a chat: what comes next?"""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from pages.sampling.choices import FOLLOW, PROMPTS
from pages.shared.asking_engine import ask, working
from pages.shared.bound_widgets import bound, text_area
from pages.shared.messages import in_place
from pages.shared.sentences_and_charts import remark
from viz.inspector import heading, line
from viz.prompt_cards import lead, prompt_cards

# Each of up to six prompts is read as a whole.
_LONGEST = 4_000
_TOP = 8


def prompts_tab(model: str, status: DeltaGenerator) -> None:
    """The lines, the token to follow, and the prompts that are made of them side by side; waiting shows in `status`."""
    left, right = st.columns([5, 2], gap="large")
    with left:
        text_area(
            PROMPTS,
            "Examples and, as the last line, the question",
            key="prompt_lines",
            height=110,
            max_chars=_LONGEST,
        )
        st.caption(
            "The last line that is not empty is the question; every line before it is an example. "
            "One-shot takes the example next to the question."
        )
    examples, question = split_lines(PROMPTS.value)
    follow, is_spaced = with_space(FOLLOW.value, question)
    with right:
        bound(
            st.text_input,
            FOLLOW,
            "Follow",
            key="prompt_follow",
            max_chars=60,
            help="The first token of this is looked for among all that may come next. Where a word follows another, "
            "the space belongs to the token; after a line break, as at the end of a chat template, there is none.",
        )
        if is_spaced:
            st.caption("A space was put before it, as the prompt does not end in one.")
        elif not follow:
            st.caption("Type a word to see how likely it is after each prompt.")
    with in_place():
        # torch comes with it, and is not waited for before the first paint.
        from models.decoding import PromptsRequest

        with working("Reading each prompt once…", status):
            found = ask(PromptsRequest(model, examples, question, _TOP, follow or None), status)
        plain, chats = (
            [each for each in found.answers if each.variant.is_chat == is_chat] for is_chat in (False, True)
        )
        with st.container(key="prompts"):
            st.html(lead(plain) + heading("Plain: the model goes on with the text") + prompt_cards(plain))
            if chats:
                st.html(
                    heading("As a message: the model answers in a chat")
                    + line(
                        "Grey is what the chat template puts round the message, framed are its special tokens. "
                        "What is asked for is the first token of an answer, so examples of lines need not help."
                    )
                    + prompt_cards(chats)
                )
            for note in found.notes:
                remark(note)
            remark(
                f"{MODELS[model].title}, the next token's raw probabilities (temperature 1, nothing cut). "
                "One text, three prompts: not a measurement of how good they are. Try other examples, and another "
                "order."
            )


def split_lines(text: str) -> tuple[tuple[str, ...], str]:
    """The examples and the question; the question is empty where no line is filled."""
    lines = [each.rstrip("\r") for each in text.split("\n") if each.strip()]
    return (tuple(lines[:-1]), lines[-1]) if lines else ((), "")


def with_space(follow: str, question: str) -> tuple[str, bool]:
    """What is followed, with a space before it where a word is typed after a prompt that does not end in one; and
    whether that space was put there. Scripts that are written without spaces get none.
    """
    is_word = follow[:1].isascii() and follow[:1].isalnum()
    is_missing = is_word and bool(question) and not question[-1].isspace()
    return (f" {follow}" if is_missing else follow), is_missing
