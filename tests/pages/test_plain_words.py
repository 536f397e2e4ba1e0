"""Sentences that stood beside a picture and were not true of it: each says now what it is true of."""

import pytest

from tests.pages.screen import Screen, read
from tests.viz.wire import header_of


def sentences(screen):
    """All that is said: beside the picture, below it, in the open tab, and in the picture."""
    drawn = [header_of(screen.component(key)) for key in ("attention_view", "token_columns") if screen.component(key)]
    return (
        [read(each.proto.body) for each in screen.test.get("html")]
        + [each.value for each in (*screen.test.markdown, *screen.test.caption)]
        + [each["caption"] for each in drawn]
    )


@pytest.mark.quick(2)
@pytest.mark.parametrize(
    ("page", "query", "said"),
    [
        ("attention", {"model": "smollm2", "text": "Once upon a"}, "Next token, at the end of the text"),
        ("attention", {"model": "smollm2", "text": "Once upon a"}, "the same whichever row is selected"),
        ("attention", {"text": "A text", "tab": "what-am-i-looking-at"}, "(a lighter one on a dark screen)"),
        ("attention", {"text": "A text", "view": "model"}, "darker cells (on a dark screen lighter ones)"),
        ("tokenizers", {"text": "A text"}, "so that two equal ones need not be equal pieces"),
        ("embeddings", {"text": "A text", "tab": "what-am-i-looking-at"}, "may be other spellings of the same word"),
        (
            "sampling",
            {"model": "smollm2", "text": "A text", "tab": "what-am-i-looking-at"},
            "comes in 77 of 100 draws on average",
        ),
    ],
    ids=["whose next token", "whichever row", "map", "thumbnails", "colours", "neighbours", "draws"],
)
def test_a_sentence_says_what_it_is_true_of(page, query, said):
    screen = Screen(f"pages/{page}/page.py", **query)
    assert not screen.problems
    assert any(said in " ".join(each.split()) for each in sentences(screen)), said
