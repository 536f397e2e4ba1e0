"""The inspector of the sampling page: one token, what each stage made of it, and where one can go from it."""

import math
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from pages.sampling.choices import (
    AT,
    BRANCH,
    FOLLOWED,
    LONGEST_WORD,
    PICK,
    SEED,
    WRITTEN,
    named_settings,
    settings_of,
    turn_off_at,
)
from pages.sampling.knobs import LENGTH
from pages.sampling.written_text import ask_for_it
from pages.shared import thread
from pages.shared.asking_engine import ask
from pages.shared.bound_widgets import bound
from pages.shared.link import run_again
from pages.shared.messages import in_place, keep_notes
from pages.shared.plain_text import plain
from pages.shared.sentences_and_charts import say
from viz.inspector import Share, heading, line, shares
from viz.number_format import counted, part_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.decoding import DecodingSettings, GenerationStep, SamplingStages, TokenTrajectory

_FURTHER = 32
_FOLLOWED_IN = "sampling:followed"


def inspect(
    found: "SamplingStages",
    token: "TokenTrajectory",
    settings: "DecodingSettings",
    steps: "Sequence[GenerationStep]",
    status: DeltaGenerator,
) -> None:
    """The selected token, the random number of this step, and what can be done from here."""
    said, own = _verdict(found, token, settings)
    with st.container(key="verdict"):
        say(said)
    # What is pressed comes before what grows and shrinks with each knob: it stays where it is.
    about_word = _cut_by(status)
    if MODELS[thread.MODEL.value].family != "encoder":
        _go_on(token, settings, steps)
    # The last one changes no probability that is written as a part of what is left.
    rows = [each for each in zip(found.stages, token.probabilities, strict=True) if each[0].name != "renormalised"]
    # In one piece: each element more is one more that Streamlit draws anew with every move of a knob.
    told = [
        heading("After each stage"),
        f'<div class="headlight-trajectory">{shares([Share(stage.name, share) for stage, share in rows])}</div>',
        *map(line, [*about_word, *_reasons(found, token, settings), own]),
    ]
    if settings.temperature > 0:
        told.append(line(f"Seed {SEED.value} has the number {found.number:.3f} for this step: {_fell(found)}"))
    if found.note:
        told.append(line(found.note))
    st.html("".join(told))


def _verdict(found: "SamplingStages", token: "TokenTrajectory", settings: "DecodingSettings") -> tuple[str, str]:
    """Whether it comes, and what the model itself says of it."""
    raw = token.probabilities[0]
    bits = token.surprisal / math.log(2)
    own = (
        f"By the model itself: {part_text(raw)}, place {token.rank + 1:,} of {found.vocabulary:,}, logit "
        f"{token.logit:.2f}, surprisal {token.surprisal:.2f} nats ({bits:.2f} bits)."
    )
    if token.cut_by:
        return f"“{token.text}” cannot come: {token.cut_by} cut it.", own
    if settings.temperature == 0:
        is_first = token.id == found.drawn.id
        said = "comes: greedy takes the likeliest" if is_first else f"does not come: {_overtaken(found, token)}"
        return f"“{token.text}” {said}.", own
    return f"“{token.text}” comes with {part_text(token.probabilities[-1])}.", own


def _overtaken(found: "SamplingStages", token: "TokenTrajectory") -> str:
    """By which stage the token that comes is likelier than this one."""
    pairs = list(zip(found.drawn.probabilities, token.probabilities, strict=True))
    # The last stage before which it was otherwise.
    row = max((row for row in range(1, len(pairs)) if pairs[row - 1][0] < pairs[row - 1][1]), default=0)
    if row == 0:
        return f"“{found.drawn.text}” is likelier to the model itself"
    return f"{found.stages[row].name} makes “{found.drawn.text}” likelier"


def _reasons(found: "SamplingStages", token: "TokenTrajectory", settings: "DecodingSettings") -> list[str]:
    """Why the stage that cut it did so, or what each made of it, in numbers that stand in the picture."""
    if token.cut_by is None:
        return _moves(found, token) if settings.temperature > 0 else []
    row = next(row for row, stage in enumerate(found.stages) if stage.name == token.cut_by)
    stage, before, most = found.stages[row], token.probabilities[row - 1], found.stages[row - 1].most
    why = {
        "top-k": f"The {settings.top_k:,} likeliest are kept, and more than that are likelier.",
        "top-p": f"The tokens before it already have {settings.top_p:.3g} of the probability together.",
        "min-p": f"It had {part_text(before)}, which is less than {settings.min_p:.3g} times the likeliest one's "
        f"{part_text(most)}, that is {part_text(settings.min_p * most)}.",
        "typical": "Its surprisal is too far from the entropy, that is from what one would expect on average.",
        "epsilon": f"It had {part_text(before)}, less than {settings.epsilon_cutoff:g}.",
        "eta": f"It had {part_text(before)}: too little, even for how much is possible here.",
        "top-h": f"With it the kept tokens would have more than {settings.top_h:.3g} of the whole entropy.",
        "no-repeat n-gram": f"It would make a sequence of {settings.no_repeat_ngram_size} tokens come a second time.",
        "bad words": "It is, or completes, a forbidden word.",
        "minimum length": "It ends the text, and too few tokens have come.",
    }.get(token.cut_by)
    left = f"{counted(stage.survivors, 'token')} {'was' if stage.survivors == 1 else 'were'} left after it"
    return [*([why] if why else []), f"{left}; the least likely had {part_text(stage.least)}."]


def _moves(found: "SamplingStages", token: "TokenTrajectory") -> list[str]:
    """Which stages made a token that nothing cut likelier or less likely; [] where none did."""
    said = []
    for row, (before, after) in enumerate(pairwise(token.probabilities)):
        start, end = part_text(before), part_text(after)
        if start == end:
            continue
        stage, left = found.stages[row + 1], found.stages[row].survivors
        way = "lowered" if after < before else "raised"
        how = f"{stage.name} {way} it to {end}" if said else f"{stage.name} {way} it from {start} to {end}"
        said.append(f"{how}, with a part of what it cut" if stage.survivors < left and after > before else how)
    return [f"Nothing cut it: {'; '.join(said)}."] if said else []


def _fell(found: "SamplingStages") -> str:
    return f"counted from the likeliest token on, that falls on “{found.drawn.text}”."


def _cut_by(status: DeltaGenerator) -> list[str]:
    """A token that is typed is followed through the stages; what is to be said of how it was taken."""
    bound(
        st.text_input,
        FOLLOWED,
        "Who killed this token?",
        key="who_box",
        placeholder="Type a word",
        max_chars=LONGEST_WORD,
        also=lambda: st.session_state.update({_FOLLOWED_IN: None}),
        help="A word is followed as it comes in a text, with a space before it; type “=” first for exactly what you "
        "type.",
    )
    word = FOLLOWED.value
    if not word:
        return []
    about = []
    with in_place():
        from models.decoding import WordsRequest

        exact = word.startswith("=") and len(word) > 1
        (said,) = ask(WordsRequest(thread.MODEL.value, (word[1:] if exact else word,)), status)
        place = 0 if exact else len(said.ids) - 1
        ids, pieces = said.ids[place], said.pieces[place]
        if len(ids) > 1 and PICK.value == ids[0]:
            about = [f"In this model that is {len(ids)} tokens: {' · '.join(pieces)}; the first one is followed."]
        # What was picked since, in the picture or before the link was copied, stays.
        asked = (thread.MODEL.value, thread.TEXT.value, word)
        if st.session_state.setdefault(_FOLLOWED_IN, asked) != asked:
            st.session_state[_FOLLOWED_IN] = asked
            PICK.choose(ids[0])
            keep_notes()
            run_again()
    return about


def _go_on(token: "TokenTrajectory", settings: "DecodingSettings", steps: "Sequence[GenerationStep]") -> None:
    at = AT.value
    is_here = at < len(steps) and steps[at].token_id == token.id

    def turn() -> None:
        if WRITTEN.value is None:
            WRITTEN.choose(named_settings(settings))
        ask_for_it()
        turn_off_at(at, token.id, BRANCH.value)

    if not is_here and at >= len(steps) and steps and steps[-1].ends == "length":
        st.button(
            f"Write {_FURTHER} tokens more",
            key="write_on",
            on_click=lambda: _write_on(len(steps)),
            icon=":material/edit:",
            help="The text ends here because no more tokens were asked for. It goes on with the luck of the steps that "
            "follow.",
        )
    else:
        # Also where it is the one that stands there: what is below does not move when another one is followed.
        st.button(
            f"Go on with “{plain(token.text)}” here",
            key="go_on",
            on_click=turn,
            disabled=is_here,
            icon=":material/alt_route:",
            help="The text goes on from this token, with the luck of the steps that follow. The other way stays in the "
            "tree.",
        )
    if MODELS[thread.MODEL.value].family == "decoder":
        whole = thread.TEXT.value + "".join(step.text for step in steps[:at])
        with st.container(horizontal=True, gap="small", key="elsewhere"):
            if st.button("Its attention", key="to_attention", help="What the model looked at to say what comes here."):
                _leave_for("pages/attention/page.py", whole)
            if st.button("Its KV cache", key="to_kv_cache", help="What it has kept of the text up to here."):
                _leave_for("pages/kv_cache/page.py", whole)


def _write_on(length: int) -> None:
    settings = settings_of(WRITTEN.value or "")
    ask_for_it()
    WRITTEN.choose(named_settings(replace(settings, max_new_tokens=min(length + _FURTHER, int(LENGTH.most)))))


def _leave_for(page: str, text: str) -> None:
    """The text up to here goes along as the thread; its last token is the one that looks."""
    thread.choose_text(text)
    thread.choose_place(max(0, len(text) - 1))
    st.switch_page(page)
