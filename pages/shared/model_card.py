"""“About this model”: everything that is known of the chosen model, on one card; computed when it is opened."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from models.catalog import MODELS
from models.engine import engine
from models.one_at_a_time import libraries
from pages.shared import thread
from pages.shared.asking_engine import ask, working
from pages.shared.link import run_again
from pages.shared.messages import in_place
from pages.shared.model_choice import have, may_be_loaded_again
from viz.model_card import CardLine, card_of_sections, lines_table, parts, ranges, template, tokens

if TYPE_CHECKING:
    from models.model_facts import HeadFacts, ModelFacts, StackFacts

_OPEN = "about:open"
_LOOK_SECONDS = 2.0
_PLACEMENTS = {
    "before each part": "pre-norm: what attention and the MLP read is normed, what is carried on is not",
    "after each sum": "post-norm: what is carried on is normed after attention and after the MLP",
    "before and after each part": "what attention and the MLP read is normed, and what they give, before it is added",
    "after each part, before the sum": "what attention and the MLP give is normed before it is added",
    "before both parts, which run side by side": "attention and the MLP read the same input",
    "none": "",
}
_FAMILIES = {
    "encoder": "encoder: reads a text, every token sees all others",
    "decoder": "decoder: writes a text, every token sees those before it",
    "seq2seq": "encoder-decoder: reads one text and writes another",
}
_KINDS = {"encoder": "Attention", "decoder": "Attention", "cross": "Cross-attention"}
# Where that is not what the check says itself.
_VERDICTS = {"partial": "exact, with a limit", "none": ""}
_HEADS = {
    "the same matrix": "the input table again (tied)",
    "an equal copy": "an equal copy of the input table",
    "another matrix": "a matrix of its own",
    "none": "none: it gives vectors and no next token",
}


def show_model_card() -> None:
    """The button in the sidebar, what it opens, which stays open when the page behind it runs again, and whether the
    model has changed on disk.
    """
    if st.session_state.get(_OPEN):
        _open()
    _button()
    if MODELS[thread.MODEL.value].stamp:
        _changed()


@st.fragment(run_every=_LOOK_SECONDS)
def _changed() -> None:
    """Said as soon as somebody saves the files again, also while nobody does anything here."""
    with st.container(key="changed_on_disk"), in_place():
        if may_be_loaded_again():
            st.warning("Its files have changed on disk since this was drawn.", icon=":material/sync_problem:")
            if st.button("Load again", key="load_again"):
                have(thread.MODEL.value, again=True)
                run_again()


@st.fragment
def _button() -> None:
    """A fragment: to open the card the page behind need not run again."""
    if st.button("About this model", key="about_model", icon=":material/info:", type="tertiary"):
        st.session_state[_OPEN] = True
        _open()


def _close() -> None:
    st.session_state[_OPEN] = False


@st.dialog("About this model", width="large", on_dismiss=_close)
def _open() -> None:
    status = st.empty()
    with st.container(key="model_card"), in_place():
        with working("Looking at the model…", status):
            libraries()
            from models.model_facts import ModelFactsRequest

            engine.model(thread.MODEL.value)
            facts = ask(ModelFactsRequest(thread.MODEL.value), status)
        st.html(card_of_sections(sections_of(facts)))


def sections_of(facts: "ModelFacts") -> tuple[tuple[str, str], ...]:
    """What the card says: headings and HTML."""
    several = len(facts.stacks) > 1
    has_experts = {"MLP": "MLP and experts"} if facts.experts else {}
    names = [(each.text, each.id, ", ".join(each.roles)) for each in facts.special_tokens]
    return (
        (facts.title, lines_table(tuple(_shape(facts)))),
        *(
            (f"{stack.layers} layers" + (f" of the {stack.name}" if several else ""), lines_table(tuple(_stack(stack))))
            for stack in facts.stacks
        ),
        ("Checked here, beside transformers", lines_table(tuple(_checked(facts)))),
        ("Order", lines_table(tuple(_order(facts)))),
        (
            f"{facts.parameters:,} parameters",
            parts([(has_experts.get(name, name), count) for name, count in facts.parts]),
        ),
        (
            "Precision",
            lines_table([CardLine("Weights", facts.stored, is_ours=True), CardLine("In memory", facts.computed)]),
        ),
        (
            "Generation defaults",
            lines_table([CardLine(name.replace("_", " "), value) for name, value in facts.generation]),
        ),
        ("Special tokens", tokens(names)),
        ("Chat template", template(facts.chat_template)),
    )


def _shape(facts: "ModelFacts") -> Iterator[CardLine]:
    yield CardLine("Kind", _FAMILIES[facts.family])
    if facts.made_for:
        yield CardLine("Made for", facts.made_for)
    yield CardLine("Architecture", facts.architecture, f"model type “{facts.model_type}”")
    yield CardLine("Width", f"{facts.width:,}", "numbers in the vector of a token")
    if facts.table_width != facts.width:
        yield CardLine("Width of the table", f"{facts.table_width:,}", "mapped to the model's width")
    yield CardLine("Vocabulary", f"{facts.vocabulary:,} tokens")
    yield CardLine("Output matrix", _HEADS[facts.head])
    if facts.experts:
        note = f"{facts.experts_used} of them for each token" if facts.experts_used else ""
        yield CardLine("Experts", f"{facts.experts:,}, {facts.expert_width:,} wide", note)
    if facts.final_norm is not None:
        yield CardLine("Final norm", "after the last layer" if facts.final_norm else "none of its own")


def _stack(stack: "StackFacts") -> Iterator[CardLine]:
    if len(stack.with_maps) < stack.layers:
        words = "the others mix tokens without attention weights"
        yield CardLine("Maps", f"of layers {ranges(stack.with_maps)}", words)
    heads = stack.heads
    queries, keys = _each(heads.queries), _each(heads.keys)
    shared = heads.keys != heads.queries
    yield CardLine(
        "Heads", queries + (f", {keys} for keys and values" if shared else ""), _sharing(heads) if shared else ""
    )
    size = _each(heads.size)
    other = _each(heads.value_size)
    yield CardLine("Head size", size if size == other else f"{size}, of values {other}")
    if stack.inner_width:
        yield CardLine("MLP", f"{stack.inner_width:,} wide")
    if stack.activation:
        yield CardLine("Activation", stack.activation)
    if stack.norm != "none":
        yield CardLine("Norm", f"{stack.norm}, {stack.norm_placement}", _PLACEMENTS[stack.norm_placement])
    if stack.inner_norm:
        yield CardLine("Inside attention", f"{stack.inner_norm} on queries and keys, or on what they are made of")
    for mask in sorted(stack.masks, key=lambda each: each.kind == "cross"):
        where = "all layers" if len(mask.layers) == len(stack.with_maps) else f"layers {ranges(mask.layers)}"
        yield CardLine(_KINDS[mask.kind], mask.mask, where)


def _checked(facts: "ModelFacts") -> Iterator[CardLine]:
    for each in facts.findings:
        if each.sentence:
            yield CardLine(each.part.capitalize(), _VERDICTS.get(each.verdict, each.verdict), each.sentence)


def _each(numbers: Sequence[int]) -> str:
    return " or ".join(f"{number:,}" for number in numbers)


def _sharing(heads: "HeadFacts") -> str:
    if len(heads.queries) != 1 or len(heads.keys) != 1:
        return ""
    return f"{heads.queries[0] // heads.keys[0]} query heads share one"


def _order(facts: "ModelFacts") -> Iterator[CardLine]:
    yield CardLine("Positions", facts.position_kind, facts.position_words)
    for words in facts.rotary:
        yield CardLine("Rotation", words)
    yield CardLine("Longest text", "no end" if facts.positions is None else f"{facts.positions:,} tokens")
