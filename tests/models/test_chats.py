"""A chat as pieces: transformers' own ids, and each piece of one turn, of the tools, or of the template."""

import json

import numpy as np
import pytest
from transformers import PreTrainedTokenizerFast

from models.catalog import tokenizer_card
from models.engine import engine
from models.sandbox import SandboxError
from models.tokenization.chat_pieces import TEMPLATE, TOOLS, ChatRequest, ChatTemplateError
from models.tokenization.chat_templates import DESCRIBED, template_of
from models.tokenization.chats import MOST_TURNS, ChatError, as_text, chat_of
from tests.models.chat_templates import LOOPS, RAISES, TEMPLATES

TURNS = [
    {"role": "system", "content": "Be short."},
    {"role": "user", "content": "Hello, wörld  "},
    {"role": "assistant", "content": "Hi <|im_end|> there!"},
    {"role": "user", "content": "What is 2+2? 🍓"},
]
TOOL = {"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {}}}}
CALL = {"role": "assistant", "content": None, "tool_calls": [{"type": "function", "function": {"name": "add"}}]}


def written(turns, tools=None):
    return json.dumps({"messages": turns, "tools": tools} if tools else turns)


@pytest.fixture(scope="module")
def theirs():
    """SmolLM2's tokenizer as transformers has it, of its own, with the template that is asked for."""
    loaded = engine.model("smollm2")

    def made(template):
        tokenizer = PreTrainedTokenizerFast(
            tokenizer_object=loaded.backend, bos_token="<|im_start|>", eos_token="<|im_end|>", unk_token="<|endoftext|>"
        )
        tokenizer.chat_template = template or loaded.tokenizer.chat_template
        return tokenizer

    return made


def check_owners(read):
    """Each piece has one owner, and what a turn owns is its text."""
    assert len(read.owners) == len(read.pieces)
    assert set(read.owners.tolist()) <= {TEMPLATE, TOOLS, *range(len(read.turns))}
    assert sum(turn.tokens for turn in read.turns) + read.of_template + read.of_tools == len(read.pieces)


@pytest.mark.quick(3)
@pytest.mark.parametrize("add", [True, False])
@pytest.mark.parametrize("name", ["", *TEMPLATES])
def test_the_pieces_are_those_of_transformers(theirs, name, add):
    template = TEMPLATES.get(name, "")
    tools = [TOOL] if name == "tools" else None
    turns = [*TURNS, CALL, {"role": "tool", "content": "4"}] if name == "tools" else TURNS
    read = engine.run(ChatRequest("smollm2", written(turns, tools), template, add_generation_prompt=add))
    of = theirs(template)
    ids = of.apply_chat_template(turns, tools=tools, add_generation_prompt=add, tokenize=True, return_dict=False)
    assert list(read.ids) == ids
    check_owners(read)
    assert "".join(read.text[slice(*piece.span)] for piece in read.pieces if piece.text.isascii()) != ""
    # The costs of all turns are the chat without the beginning of an answer.
    whole = of.apply_chat_template(turns, tools=tools, tokenize=True, return_dict=False)
    assert read.turns[-1].upto == len(whole)
    assert sum(turn.costs for turn in read.turns) == len(whole)
    before = of.apply_chat_template(turns[:-1], tools=tools, tokenize=True, return_dict=False)
    same = next((at for at, (one, other) in enumerate(zip(before, whole, strict=False)) if one != other), len(before))
    assert read.turns[-1].kept == same


@pytest.mark.parametrize("name", ["", "plain", "own words first", "trims"])
def test_the_text_of_a_turn_is_its_own(name):
    read = engine.run(ChatRequest("smollm2", written(TURNS), TEMPLATES.get(name, "")))
    for place, turn in enumerate(TURNS):
        data = b"".join(p.data for p, owner in zip(read.pieces, read.owners, strict=True) if owner == place)
        assert turn["content"].strip() in data.decode()
        # A piece may reach over the border, by a character or two.
        assert len(data.decode().strip()) <= len(turn["content"].strip()) + 2


@pytest.mark.parametrize(
    ("name", "states"),
    [
        ("plain", ["as it is"] * 4),
        ("trims", ["as it is", "trimmed", "as it is", "as it is"]),
        ("leaves the system out", ["left out", "as it is", "as it is", "as it is"]),
        ("shouts", ["changed"] * 4),
        ("says it twice", ["repeated"] * 4),
    ],
)
def test_what_becomes_of_a_turn_is_said(name, states):
    turns = [TURNS[0], TURNS[1], {"role": "assistant", "content": "Hi there"}, TURNS[3]]
    read = engine.run(ChatRequest("smollm2", written(turns), TEMPLATES[name]))
    assert [turn.state for turn in read.turns] == states


@pytest.mark.parametrize("name", ["", "plain", "own words first"])
def test_special_tokens_in_a_turn_as_plain_text(theirs, name):
    template = TEMPLATES.get(name, "")
    taken, split = (
        engine.run(ChatRequest("smollm2", written(TURNS), template, True, plain)) for plain in (False, True)
    )
    assert [turn.specials for turn in taken.turns] == [(), (), ("<|im_end|>",), ()]
    assert [turn.specials for turn in split.turns] == [(), (), (), ()]
    ids = theirs(template).apply_chat_template(
        TURNS, add_generation_prompt=True, tokenize=True, return_dict=False, sanitize_control_tokens=True
    )
    assert list(split.ids) == ids


def test_tools_have_pieces_of_their_own():
    read = engine.run(ChatRequest("smollm2", written(TURNS, [TOOL]), TEMPLATES["tools"]))
    assert read.takes_tools
    assert read.of_tools > 0
    assert not engine.run(ChatRequest("smollm2", written(TURNS, [TOOL]))).takes_tools


@pytest.mark.quick(1)
@pytest.mark.parametrize("name", DESCRIBED)
def test_described_templates_hold_special_tokens_that_their_tokenizers_have(name):
    turns = [TURNS[0], TURNS[1], {"role": "assistant", "content": "Hi"}, TURNS[3]]
    read = engine.run(ChatRequest(name, written(turns)))
    check_owners(read)
    special = {piece.text for piece in read.pieces if piece.is_special}
    known = engine.tokenizer(name).facts.special
    assert special <= {token for _, token in known}
    assert special
    assert [turn.state for turn in read.turns].count("left out") == 0
    assert all(turn.kept is not None for turn in read.turns)


def test_only_some_tokenizers_have_a_template():
    assert template_of(tokenizer_card("smollm2")).is_own
    assert template_of(tokenizer_card("gpt2")) is None
    with pytest.raises(ChatTemplateError, match="without a chat template"):
        engine.run(ChatRequest("gpt2", "user: Hello"))


@pytest.mark.parametrize(("template", "said"), RAISES.items())
def test_a_template_that_refuses_is_quoted(template, said):
    with pytest.raises(ChatTemplateError, match=said.replace("(", r"\(")):
        engine.run(ChatRequest("gpt2", written(TURNS), template))


@pytest.mark.slow
def test_a_template_that_loops_is_stopped():
    with pytest.raises(SandboxError, match="takes longer than"):
        engine.run(ChatRequest("gpt2", "user: Hello", LOOPS))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no chat yet"),
        ("hello", "says no role"),
        ("[", "not JSON"),
        ("{}", "holds no messages"),
        ("[1]", "Turn 1 is no message"),
        ('[{"content": "x"}]', "Turn 1 has no role"),
        ('[{"role": "user", "content": "x"}, {"role": "pilot", "content": "x"}]', "Turn 2 has a role"),
        ('[{"role": "user"}]', "neither a content nor a tool call"),
        ('[{"role": "user", "content": [{"type": "image", "url": "x"}]}]', "is no text"),
        (json.dumps([{"role": "user", "content": "x"}] * 10_000), "10,000 turns"),
        ("user: x\n" * (MOST_TURNS + 1), "101 turns"),
        ("user: " + "x" * 100_000, "at most 40,000"),
        ('{"messages": [{"role": "user", "content": "x"}], "tools": "x"}', "no list of objects"),
        ("[" * 50_000, "not JSON"),
        (json.dumps([{"role": "user", "content": "x", "more": json.loads("[" * 20 + "]" * 20)}]), "nested"),
    ],
)
def test_what_is_no_chat_is_refused_in_a_sentence(text, said):
    with pytest.raises(ChatError, match=said):
        chat_of(text)


@pytest.mark.parametrize("turns", [TURNS, [TURNS[1]], [CALL], [{"role": "user", "content": "a\n\nb\nc: d"}]])
def test_a_chat_is_the_same_when_it_is_written_and_read(turns):
    chat = chat_of(json.dumps(turns))
    assert chat_of(as_text(chat)).messages == turns
    assert chat_of("user: a\nb\nassistant: c").messages == [
        {"role": "user", "content": "a\nb"},
        {"role": "assistant", "content": "c"},
    ]


def test_a_longer_chat_keeps_what_was_there():
    read = engine.run(ChatRequest("smollm2", "\n".join(f"{('user', 'assistant')[k % 2]}: {k}" for k in range(40))))
    assert [turn.kept for turn in read.turns] == [0, *(turn.upto for turn in read.turns[:-1])]
    assert np.all(np.diff([turn.upto for turn in read.turns]) > 0)
