"""The planner: a model, cards, texts, bits; what fits, and how the same model with another cache would."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import ARCHITECTURES, MODELS, KnownArchitecture
from models.loading.hub_ids import HUB
from pages.kv_cache import known_models
from pages.kv_cache.choices import (
    BITS,
    CARD_GIGABYTES,
    CARDS,
    CONFIG,
    CONTEXT,
    DTYPES,
    KEY_HEADS,
    MOST_CARDS,
    MOST_GIGABYTES,
    MOST_TEXTS,
    MOST_TOKENS,
    PLANNED,
    ROWS,
    USED,
    WEIGHT_BITS,
    WINDOW,
    plain_number,
)
from pages.kv_cache.export import plan_files
from pages.shared import thread
from pages.shared.asking_engine import ask, working
from pages.shared.bound_widgets import bound, names_of, pick
from pages.shared.export import download_button
from pages.shared.link import note
from pages.shared.pasted_config import PASTED, config_box
from pages.shared.sentences_and_charts import chart, remark, say
from pages.shared.theme import palette
from viz.inspector import line
from viz.kv_cache_charts import Curve, Mark, bytes_chart
from viz.kv_cache_plan import CardPicture, card_bar
from viz.number_format import bytes_text
from viz.tables import table

if TYPE_CHECKING:
    from models.kv_cache import CacheFacts, Cards, Load, MemoryPlan, Planned

_WINDOWS = (None, 128, 512, 1_024, 4_096)
_CURVE = 131_072


def what_if(facts: "CacheFacts", status: DeltaGenerator) -> None:
    """First one model on these cards, then all known ones."""
    fetched = {each.architecture.name: each for each in known_models.fetched(status)}
    if PLANNED.value.startswith(HUB) and PLANNED.value not in fetched:
        note(f"{PLANNED.value} was not fetched on this server, or keeps no cache; this page's model is planned for.")
        PLANNED.forget()
    left, right = st.columns([2, 5], gap="large")
    with left:
        _which_model([each.architecture for each in fetched.values()])
        load = st.container()
        _cards()
    planned = None
    with right:
        if PLANNED.value == PASTED and CONFIG.value is None:
            st.caption("Paste a config.json on the left: what its cache takes is worked out without any weights.")
        else:
            planned = fetched[PLANNED.value].planned if PLANNED.value in fetched else _planned(facts, status)
    if planned is not None:
        with load:
            _numbers(planned)
            other = _otherwise(planned)
        with right:
            _what_fits(planned, other)
    st.divider()
    known_models.show(known_models.cards(), tuple(fetched.values()), status)


def _which_model(fetched: list[KnownArchitecture]) -> None:
    names = {"": "The model of this page", PASTED: "a config.json, pasted"}
    both = (*fetched, *ARCHITECTURES.values())
    hub = {each.name: f"{each.title} ({each.source.split('/', 3)[-1]})" for each in both}
    bound(st.selectbox, PLANNED, "Model", **names_of(names | hub), help="Type a part of its name or of its hub id.")
    if PLANNED.value != PASTED:
        return
    config_box(CONFIG, "This config.json is too long for a link: the link opens the planner without it.")


def _cards() -> None:
    one, two = st.columns(2)
    with one:
        _number(
            CARD_GIGABYTES,
            "GB of a card",
            0.1,
            MOST_GIGABYTES,
            help="10⁹ bytes. T4 16, RTX 4090 24, RTX 5090 32, L40S 48, A100 and H100 80, H200 141, B200 180.",
        )
    with two:
        bound(
            st.number_input,
            CARDS,
            "Cards",
            min_value=1,
            max_value=MOST_CARDS,
            help="Side by side, each layer shared out over all of them (tensor parallel).",
        )
    _number(
        USED,
        "Used of the memory, %",
        1,
        100,
        help="The rest is for activations and the serving program; vLLM's gpu_memory_utilization is 90 % at first.",
    )


def _numbers(planned: "Planned") -> None:
    one, two = st.columns(2)
    with one:
        bound(st.number_input, CONTEXT, "Tokens of a text", min_value=1, max_value=MOST_TOKENS)
    with two:
        bound(st.number_input, ROWS, "Texts at once", min_value=1, max_value=MOST_TEXTS, key="texts_box")
    own_bits = planned.cache_bits
    names = {bits: str(bits) for bits in DTYPES}
    pick(BITS, "Bits of the cache", names, key="cache_bits_box", shown=lambda bits: bits or own_bits)
    own = planned.weight_bits
    _number(
        WEIGHT_BITS,
        "Bits of a weight",
        1,
        32,
        shown=lambda bits: float(bits or own),
        meant=lambda bits: None if bits == own else plain_number(bits),
        help=f"{own:g} as {'loaded here' if not PLANNED.value else 'published'}. Quantised weights come with scales: "
        "Q4_1 takes 5 bits in all, Q4_K_M about 4.85, AWQ and GPTQ about 4.25.",
    )


def _number(choice: Any, label: str, least: float, most: float, **more: Any) -> None:
    """A number that need not be whole."""
    ways: dict[str, Any] = {"shown": float, "meant": plain_number} | more
    bound(st.number_input, choice, label, min_value=float(least), max_value=float(most), format="%g", **ways)


def _planned(facts: "CacheFacts", status: DeltaGenerator) -> "Planned":
    """What is planned for. Raises HeadlightError."""
    from models.kv_cache import KnownCacheRequest, Planned
    from models.kv_cache.config_file import ConfigFileRequest
    from models.kv_cache.planning import bits_of

    if PLANNED.value == PASTED:
        config = CONFIG.value
        with working("Running its class without weights…", status):
            return ask(ConfigFileRequest("" if config is None else config.text), status)
    if PLANNED.value:
        return ask(KnownCacheRequest(PLANNED.value), status).planned
    bits = bits_of(facts.dtype)
    return Planned(
        title=MODELS[thread.MODEL.value].title,
        shape=facts.shape,
        query_heads=facts.query_heads,
        parameters=facts.weight_bytes * 8 // bits,
        weight_bits=bits,
        cache_bits=bits,
        positions=facts.positions,
        is_seq2seq=any(layer.kind == "cross" for layer in facts.shape),
    )


def _otherwise(planned: "Planned") -> "Planned":
    """The same with other key heads and a window, as far as somebody chose them."""
    from models.kv_cache import with_key_value_heads, with_window

    own = max((layer.heads for layer in planned.shape if layer.kind in ("full", "sliding")), default=0)
    if not own:
        return planned
    divide = [each for each in range(1, planned.query_heads + 1) if planned.query_heads % each == 0]
    if KEY_HEADS.value is not None and KEY_HEADS.value not in divide:
        note(
            f"{planned.query_heads} query heads cannot share {KEY_HEADS.value} key heads evenly; they are as they are."
        )
        KEY_HEADS.forget()
    options = sorted({*divide, own})
    # A slider has two ends.
    if len(options) > 1:
        bound(
            st.select_slider,
            KEY_HEADS,
            "Heads with a key and a value",
            options,
            shown=lambda heads: heads or own,
            meant=lambda heads: None if heads == own else heads,
            format_func=lambda each: _heads_name(each, planned.query_heads, own),
        )
    bound(
        st.select_slider,
        WINDOW,
        "Window",
        sorted({*_WINDOWS, WINDOW.value}, key=lambda each: each or 0),
        format_func=lambda each: f"{each:,}" if each else "as it is",
    )
    shape = planned.shape
    if KEY_HEADS.value is not None:
        shape = with_key_value_heads(shape, KEY_HEADS.value, planned.query_heads)
    if WINDOW.value is not None:
        shape = with_window(shape, WINDOW.value)
    return replace(planned, shape=shape)


def _heads_name(heads: int, query_heads: int, own: int) -> str:
    kind = " (MQA)" if heads == 1 and query_heads > 1 else " (MHA)" if heads == query_heads else " (GQA)"
    return f"{heads}{kind}" + (", as it is" if heads == own else "")


def _what_fits(own: "Planned", planned: "Planned") -> None:
    from models.kv_cache import Load, plan

    cards = known_models.cards()
    bits = BITS.value or planned.cache_bits
    load = Load(ROWS.value, CONTEXT.value, WEIGHT_BITS.value or planned.weight_bits, DTYPES[bits])
    found = plan(planned, cards, load)
    as_it_is = plan(own, cards, replace(load, dtype=DTYPES[own.cache_bits]))
    said = [verdict(planned, cards, load, found), *reach(load, found), *sharing(planned, cards, found)]
    if as_it_is.cache_bytes != found.cache_bytes:
        said.append(f"As it is, the cache would take {bytes_text(as_it_is.cache_bytes)} on a card.")
    if planned.positions and load.tokens > planned.positions:
        said.append(f"The model itself goes no further than {planned.positions:,} tokens.")
    memory = int(cards.gigabytes * 10**9)
    with st.container(key="plan"):
        say(said[0])
        picture = CardPicture(memory, found.usable_bytes, found.weight_bytes, found.cache_bytes, load.texts)
        st.html(card_bar(picture, said[0]))
        if said[1:]:
            st.html("".join(map(line, said[1:])))
        names = ("of each card", f"of all {cards.count}") if cards.count > 1 else ("of the card",)
        st.html(table(("", *names), _figures(cards, load, found)))
    with st.container(horizontal=True):
        for file in plan_files(planned, cards, load, found):
            download_button(file, key=f"plan_{file.label.lower()}")
    _curves(own, planned, load, found)


def verdict(planned: "Planned", cards: "Cards", load: "Load", found: "MemoryPlan") -> str:
    """Whether it fits, and by how much."""
    where = "the card" if cards.count == 1 else f"each of the {cards.count:,} cards"
    if found.fits:
        return (
            f"It fits: {planned.title} with {texts_of(load)} takes "
            f"{bytes_text(found.weight_bytes + found.cache_bytes)} of the {bytes_text(found.usable_bytes)} that may be "
            f"used on {where}; {bytes_text(found.left_bytes)} are left."
        )
    if found.weight_bytes > found.usable_bytes:
        return (
            f"It does not fit: the weights of {planned.title} alone take {bytes_text(found.weight_bytes)} on {where}, "
            f"and {bytes_text(found.usable_bytes)} may be used. Take more cards, larger ones or fewer bits a weight."
        )
    return (
        f"It does not fit: {planned.title} with {texts_of(load)} takes "
        f"{bytes_text(found.weight_bytes + found.cache_bytes)} on {where}, {bytes_text(-found.left_bytes)} more than "
        "may be used."
    )


def texts_of(load: "Load") -> str:
    """How many texts of how many tokens."""
    count = "one text" if load.texts == 1 else f"{load.texts:,} texts"
    return f"{count} of {load.tokens:,} token{'' if load.tokens == 1 else 's'}"


def reach(load: "Load", found: "MemoryPlan") -> list[str]:
    """How far texts and their number go on these cards."""
    if found.weight_bytes > found.usable_bytes:
        return []
    many = "one text" if load.texts == 1 else f"{load.texts:,} texts at once"
    longest = "may be of any length" if found.longest is None else f"may have up to {found.longest:,} tokens"
    each = " each" if load.texts > 1 and found.longest is not None else ""
    most = "any number of texts" if found.most_texts is None else f"{found.most_texts:,} text"
    plural = "" if found.most_texts in (1, None) else "s"
    verb = "fits" if found.most_texts == 1 else "fit"
    return [f"Beside the weights {many} {longest}{each}; of this length {most}{plural} {verb} at once."]


def sharing(planned: "Planned", cards: "Cards", found: "MemoryPlan") -> list[str]:
    """What becomes of key heads on several cards."""
    if cards.count == 1:
        return []
    said = []
    heads = planned.key_heads
    if heads > 1 and found.key_copies == 1:
        said.append(f"Its {heads} key heads are shared out: {found.key_heads} on each card.")
    elif heads:
        which = f"Its {heads} key heads do not divide" if heads > 1 else "Its one key head does not divide"
        said.append(
            f"{which} over {cards.count:,} cards and are replicated: {found.key_heads} on each card, so all cards "
            f"together keep {cards.count * found.key_heads:,}, {found.key_copies:.3g} times as many as there are."
        )
    if any(layer.kind in ("latent", "indexed", "linear") for layer in planned.shape):
        said.append("Latents and states belong to all heads and are kept whole on every card.")
    if planned.query_heads % cards.count:
        said.append(
            f"Its {planned.query_heads} query heads do not divide over {cards.count:,} cards either: most serving "
            "programs refuse that number of cards."
        )
    return said


def _figures(cards: "Cards", load: "Load", found: "MemoryPlan") -> list[tuple[str, ...]]:
    """Bytes of a card and, where there are several, of all of them."""
    several = cards.count > 1

    def row(name: str, size: int) -> tuple[str, ...]:
        return (name, bytes_text(size), *([bytes_text(cards.count * size)] if several else []))

    return [
        row(f"weights, {load.weight_bits:g} bits each", found.weight_bytes),
        row("cache of one text", found.text_bytes),
        row("cache of this text" if load.texts == 1 else f"cache of all {load.texts:,} texts", found.cache_bytes),
        row("left" if found.fits else "missing", abs(found.left_bytes)),
    ]


def _curves(own: "Planned", planned: "Planned", load: "Load", found: "MemoryPlan") -> None:
    """Bytes of a card over the length of the texts, as it is and otherwise, and the room beside the weights."""
    from models.kv_cache import bytes_at
    from models.kv_cache.planning import on_each_card

    lengths = np.unique(np.geomspace(1, max(_CURVE, 2 * load.tokens), 60).astype(np.int64))

    def curve(of: "Planned", bits: int) -> Any:
        shape = on_each_card(of.shape, CARDS.value)
        return bytes_at(shape, lengths.tolist(), rows=load.texts, dtype=DTYPES[bits])

    at_first, changed = curve(own, own.cache_bits), curve(planned, BITS.value or planned.cache_bits)
    curves = [Curve("as it is", lengths, at_first, is_chosen=bool((at_first == changed).all()))]
    if (at_first != changed).any():
        curves.append(Curve("otherwise", lengths, changed, is_chosen=True))
    room = found.usable_bytes - found.weight_bytes
    marks = [Mark(f"room beside the weights, {bytes_text(room)}", bytes=room)] if room > 0 else []
    if planned.positions:
        marks.append(Mark("the model's limit", length=planned.positions))
    with st.container(key="otherwise"):
        chart(bytes_chart(curves, marks, palette()))
        remark(
            "Cache of a card over the length of each text. Bytes only: a model with fewer key heads or a window has to "
            "be trained so, and would write something else. 4-bit numbers are counted without the scales that go with "
            "them; activations and the serving program are not counted. GB are 10⁹ bytes, KiB, MiB and GiB binary."
        )
