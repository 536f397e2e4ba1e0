"""Prompts as cards: text is data, what a template adds is told apart, and numbers are in words."""

import math
import re
from pathlib import Path

import pytest

from models.decoding import PromptAnswer, PromptToken
from models.decoding.prompting import PromptVariant
from tests.viz.test_inspector import HOSTILE, Reader
from viz.prompt_cards import lead, open_text, place_text, prompt_cards

OURS = {"div", "p", "small", "span", "bdi", "b", "i", "br", "table", "tr", "td"}
NBSP = "\N{NO-BREAK SPACE}"


def token(text, probability, rank):
    return PromptToken(rank, text, probability, rank)


# Of each piece: what it is, whether it is special, whether it was added.
UP = (("up", False, False), ("␣->", False, False))


def card(name="few-shot", followed=None, text="␣down", pieces=UP):
    texts, special, added = zip(*pieces, strict=True) if pieces else ((), (), ())
    numbers = tuple(range(len(texts)))
    read = PromptVariant(numbers, texts, special, tuple((each, each) for each in numbers), name, False, "", "", added)
    return PromptAnswer(read, (token(text, 0.835, 0), token("␣right", 0.025, 1)), 1.3, followed)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_token_never_becomes_an_element(text):
    hostile = card(text, token(text, 0.5, 0), text, ((text, False, False), (text, True, True)))
    bare = card(text, text=text, pieces=())
    for page in (prompt_cards([hostile]), lead([hostile]), lead([bare]), prompt_cards([bare])):
        read = Reader(page)
        assert read.tags <= OURS
        assert read.attributes <= {"class", "style", "tabindex", "role", "aria-level"}
        assert text in read.text


def test_a_piece_that_is_written_from_right_to_left_stays_in_its_own_place():
    page = prompt_cards([card(text="سلام", pieces=(("שלום", False, False),), followed=token("عالم", 0.1, 4))])
    for text in ("שלום", "سلام", "عالم"):
        assert f"<bdi>{text}</bdi>" in page
    assert "<bdi>سلام</bdi>" in lead([card(text="سلام")])


def test_what_the_template_adds_is_told_from_what_was_typed():
    pieces = (
        ("<|im_start|>", True, True),
        ("user", False, True),
        ("hot", False, False),
        ("<|im_end|>", True, False),
    )
    page = prompt_cards([card(pieces=pieces)])
    assert re.findall(r'<span class="([a-z ]+)"><bdi>', page) == ["special added", "added", "typed", "special"]
    style = (Path(__file__).resolve().parents[2] / "pages" / "sampling" / "style.css").read_text("utf-8")
    for name in ("added", "special", "typed", "followed"):
        assert f".headlight-prompts .read .{name}" in style or f".headlight-prompts .{name}" in style


def test_a_line_break_breaks_the_line_and_a_space_is_seen():
    page = prompt_cards([card(pieces=[(each, False, False) for each in ("hot", "␣->", "⏎", "up")])])
    assert page.count("<br>") == 1
    assert "<i>␣</i>-&gt;" in page
    assert "hot␣->⏎up" in Reader(page).text


def test_a_card_says_how_much_of_what():
    read = Reader(prompt_cards([card(followed=token("␣right", 0.025, 1))]))
    assert "few-shot 2 tokens" in read.text
    assert f"␣down83.5{NBSP}%␣right2.50{NBSP}%" in read.text
    assert f"␣right: 2.50{NBSP}%, one token is likelier" in read.text
    page = prompt_cards([card(followed=token("␣right", 0.025, 1))])
    assert [f"width:{width}%" in page for width in ("83.5", "2.5")] == [True, True]
    assert page.count('class="followed"') == 1
    assert 'class="followed"' not in prompt_cards([card(), card(followed=token("␣far", 0.001, 9))])


def test_the_sentence_follows_a_token_from_prompt_to_prompt():
    row = [
        card(name, token("␣down", part, 3))
        for name, part in zip(("zero-shot", "one-shot", "few-shot"), (0.0, 0.1, 0.8), strict=True)
    ]
    assert Reader(lead(row)).text == (
        f"␣down comes next with 0{NBSP}% without an example, 10.0{NBSP}% after one and 80.0{NBSP}% after all of them."
        " Nothing was learnt in between: the weights are the same, only the text before it differs."
    )
    assert Reader(lead(row[:1])).text == f"␣down comes next with 0{NBSP}% without an example."
    assert Reader(lead([card("zero-shot"), card("one-shot")])).text.startswith(
        f"The likeliest next token is ␣down (83.5{NBSP}%) without an example and ␣down (83.5{NBSP}%) after one."
    )
    assert lead([]) == ""


@pytest.mark.parametrize(
    ("rank", "words"),
    [
        (0, "the likeliest"),
        (1, "one token is likelier"),
        (2, "2 tokens are likelier"),
        (13_616, "13,616 tokens are likelier"),
    ],
)
def test_a_place_in_line_in_words(rank, words):
    assert place_text(rank) == words


def test_an_entropy_is_told_as_a_number_of_tokens():
    assert open_text(math.log(8)) == "entropy 2.08 nats, as among 8.0 equally likely tokens"
    assert open_text(0) == "entropy 0.00 nats, as among 1.0 equally likely tokens"
    assert open_text(math.log(49_152)).endswith("49,152 equally likely tokens")
