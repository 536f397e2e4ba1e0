"""What stands below the columns, as tabs named by questions; only the open one is computed."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.shared.link import NumberPair
from pages.shared.page import Tab, tabs
from pages.shared.sentences_and_charts import explanation
from pages.shared.text_choice import open_text_file
from pages.tokenizers import (
    chats,
    cost,
    export,
    how_cut,
    languages,
    made_of,
    on_the_way,
    own_tokenizer,
    shared_pieces,
    vocabulary,
    which_one,
    whole_file,
)
from pages.tokenizers.choices import ShownTokenizers
from pages.tokenizers.explanations import EXPLANATION

if TYPE_CHECKING:
    from models.tokenization import Comparison, Counts


def below(
    now: ShownTokenizers,
    found: "Comparison",
    counts: "list[Counts]",
    stretch: NumberPair | None,
) -> None:
    """The tabs; what is waited for is said in each, where it moves nothing of the picture."""
    tabs(
        "below_tokenizers",
        {
            "How was it cut?": lambda: how_cut.how_it_was_cut(now, stretch or first_disagreement(found), st.empty()),
            "Which one should I take?": lambda: which_one.which_to_take(now, counts, st.empty()),
            "On the way to ids?": lambda: on_the_way.on_the_way(now, found, st.empty()),
            "What does it cost?": lambda: cost.what_it_costs(now, counts, st.empty()),
            "What does a language cost?": lambda: languages.what_a_language_costs(now, st.empty()),
            "What is in the vocabulary?": lambda: vocabulary.what_is_in_it(now, st.empty()),
            "Which pieces do they share?": lambda: shared_pieces.which_they_share(now, st.empty()),
            "Made of what?": lambda: made_of.what_it_is_made_of(now, st.empty()),
            "What does a chat become?": lambda: chats.what_a_chat_becomes(now, st.empty()),
            "What does a whole file cost?": Tab(lambda: whole_file.a_whole_file(now, st.empty()), whole_file.leave),
            "Bring your own": lambda: own_tokenizer.show(now.text),
            "What am I looking at?": lambda: explanation(EXPLANATION),
            "Take it with you": lambda: export.take_along(now),
            "Show the code": lambda: export.code(now),
        },
    )


def without_picture(text: str) -> None:
    """Where there is no picture: the tabs that help to one."""
    tabs("below_nothing", {"Take it with you": open_text_file, "Bring your own": lambda: own_tokenizer.show(text)})


def first_disagreement(found: "Comparison") -> NumberPair:
    """What is worth a look where nobody selected anything."""
    return NumberPair((found.largest[0].start, found.largest[0].end) if found.largest else (0, 1))
