"""Which heads look from one token to another, beside what they do over the bank."""

import math
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from pages.heads.choices import OF_HEAD, PAIRS, UNWANTED, TokenPairs, head_name
from pages.heads.text_and_kind import Subject
from pages.shared import projector, thread
from pages.shared.asking_engine import ask
from pages.shared.link import NumberPair, note
from pages.shared.scroll_into_sight import PICTURE, Sight
from pages.shared.sentences_and_charts import explanation, remark
from viz.number_format import part_text
from viz.tables import table

if TYPE_CHECKING:
    from models.heads import Atlas, AtlasRequest, HeadLook, PairLooks

_MOST = 12
_LOOKS = Sight("looks")


def show(about: Subject, request: "AtlasRequest | None", found: "Atlas | None", status: DeltaGenerator) -> None:
    """The pairs that are asked for, and the heads that look that way most."""
    from models.heads import LooksRequest

    axes = about.traced.axes(about.kind)
    rows, columns = about.traced.row_names(about.kind), axes.columns
    _keep_within(len(rows), len(columns))
    _form(rows, columns)
    for choice, sign in ((PAIRS, ""), (UNWANTED, "not ")):
        for pair in choice.value:
            st.button(
                f"{sign}{rows[pair[0]]} → {columns[pair[1]]}  ✕",
                key=f"pair_{sign.strip()}_{pair}",
                on_click=lambda choice=choice, pair=pair: choice.choose(
                    TokenPairs(each for each in choice.value if each != pair)
                ),
            )
    if not PAIRS.value:
        explanation("Choose two tokens, **from** where and **to** where, and see which heads look that way.")
        return
    known = request if found is not None else None
    looks = ask(LooksRequest(about.trace, about.kind, PAIRS.value, known, UNWANTED.value), status)
    with st.container(key=_LOOKS.name):
        _list(found, looks)
        _LOOKS.drawn()


def _form(rows: tuple[str, ...], columns: tuple[str, ...]) -> None:
    chosen = thread.TOKEN.value
    with st.form("pair_form", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        start = st.selectbox(
            "From",
            range(len(rows)),
            index=chosen if chosen is not None and chosen < len(rows) else len(rows) - 1,
            format_func=lambda place: f"{place} {rows[place]}",
            key="pair_from",
        )
        end = st.selectbox(
            "To", range(len(columns)), format_func=lambda place: f"{place} {columns[place]}", key="pair_to"
        )
        wanted = st.form_submit_button("Which heads?")
        unwanted = st.form_submit_button("…and not there")
    if wanted or unwanted:
        choice = PAIRS if wanted else UNWANTED
        pair = NumberPair((int(start), int(end)))
        choice.choose(TokenPairs(dict.fromkeys([*choice.value, pair])))
        _LOOKS.wanted()
        st.rerun(scope="fragment")


def _keep_within(rows: int, columns: int) -> None:
    for choice in (PAIRS, UNWANTED):
        there = TokenPairs(each for each in choice.value if each[0] < rows and each[1] < columns)
        if there != choice.value:
            note("The link asks for tokens that this text does not have; those pairs are left out.")
            choice.choose(there)


def _list(found: "Atlas | None", looks: "PairLooks") -> None:
    wanted = len(PAIRS.value)
    pairs = [
        f"{'' if place < wanted else 'not '}{looks.rows[one]} → {looks.columns[other]}"
        for place, (one, other) in enumerate(looks.pairs)
    ]
    head = ["head"]
    for pair in pairs:
        head += [pair, "usual there"]
    head += ["offset it looks at most", "weight at that offset", "name"]
    lines = []
    for each in looks.looks[:_MOST]:
        names = found.names(each.layer, each.head) if found is not None else ()
        line = [head_name(each.layer, each.head)]
        for weight, usual in zip(each.weights, each.usual, strict=True):
            line += [part_text(weight), _part(usual)]
        line += [f"{each.best_offset:+d}", _part(each.at_best), names[0].text if names else "–"]
        lines.append(line)
    st.html(table(head, lines, chosen=_chosen(looks)))
    with st.container(horizontal=True, key="look_heads"):
        for each in looks.looks[:4]:
            st.button(
                head_name(each.layer, each.head),
                key=f"look_{each.layer}_{each.head}",
                on_click=_look_at,
                args=(each,),
            )
    begin = projector.leading(": begin under “Roles”")
    said = "" if found is not None else f" What is usual is known once the heads were judged{begin}."
    remark(
        f"{MODELS[thread.MODEL.value].title}: all {len(looks.looks):,} heads by the weight from one token to the other."
        f"{said} Usual there: what the head gives a token that stands so, over the bank; a head that always looks "
        "there says nothing of this text."
    )


def _look_at(look: "HeadLook") -> None:
    OF_HEAD.choose(NumberPair((look.layer, look.head)))
    PICTURE.wanted()


def _part(weight: float) -> str:
    return "–" if math.isnan(weight) else part_text(weight)


def _chosen(looks: "PairLooks") -> int | None:
    chosen = OF_HEAD.value
    places = [place for place, each in enumerate(looks.looks[:_MOST]) if (each.layer, each.head) == chosen]
    return places[0] if places else None
