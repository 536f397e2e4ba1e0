"""The inspector on the right of the attention page."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from models.catalog import MODELS
from pages.attention.choices import HEAD_OFF, SINK, STEP, WAY, head_name
from pages.attention.examples import EXAMPLES
from pages.attention.switched_off import items
from pages.shared import arpabet, projector, thread
from pages.shared.head_names import names_of_head
from pages.shared.registry import entry
from pages.shared.sentences_and_charts import remark, what_to_see
from viz.inspector import BeforeAfter, Share, before_after, heading, line, sentence, shares
from viz.number_format import part_text

if TYPE_CHECKING:
    from models.attention import Changes, HeadMapRequest, HeadPicture, TracedText
    from models.attention.outputs import OutputToken

LINES = {
    "map": "Where it looks, not why.",
    "cross": "Attention is not alignment: a step may look beside the letter that it writes.",
    "still": "A head that is off still looks where it looked: what it returns is 0.",
    "off": "Zeroing is unnatural and other heads make up for it: compare with the other heads of its layer",
    "labels": "Its labels, as its config.json calls them: from all of its heads and layers together.",
    "next": "What the model would write after the whole text, from all of its heads and layers together: the same "
    "whichever row is selected.",
}
_MOST_LINES = 5


def inspect(traced: "TracedText", picture: "HeadPicture", request: "HeadMapRequest", selected: int) -> None:
    """What the selected token looks at; for a seq2seq model, what its row writes; what a decoder would write next."""
    _say_what_an_example_shows(request, selected)
    name, row = head_name(request.layer, request.head), picture.row
    unseen = [line(f"You see {part_text(picture.seen)} of its weight, rescaled.")] if SINK.value != "in" else []
    if request.kind == "cross":
        written = traced.written[selected]
        best = _best(traced.tokens, row)
        parts = [_looked_at(written.text, name, best, is_written=True)]
        parts += [*unseen, line(LINES["cross"]), *_what_is_written(traced, selected)]
    else:
        axes = traced.axes(request.kind)
        best = _best(axes.columns, row)
        parts = [_looked_at(axes.rows[selected], name, best)]
        parts += [*unseen, line(LINES["map"])]
        if axes.rows_are_target:
            parts += _what_is_written(traced, selected)
        elif traced.next_tokens:
            candidates = shares([Share(each.text, each.probability) for each in traced.next_tokens])
            parts += [heading("Next token, at the end of the text"), candidates, line(LINES["next"])]
        elif traced.labels:
            said = shares([Share(each.text, each.probability) for each in traced.labels])
            parts += [heading("What it says of the text"), said, line(LINES["labels"])]
        elif traced.score is not None:
            parts += [heading("What it says of the text"), line(f"{traced.score:.4f}, one number for the whole text.")]
    st.html("".join(parts))
    # Where something is off, its place is that of what became of the output.
    if not request.trace.interventions:
        _what_it_is_known_for(request)


def _what_it_is_known_for(request: "HeadMapRequest") -> None:
    """The head's names, from an atlas that is there, and the way to all that stands behind them."""
    if request.layer is None or request.head is None:
        return
    model = request.trace.model
    names = names_of_head(model, request.kind, request.layer, request.head)
    if not names:
        return
    first = names[0]
    more = f"; also {', '.join(each.text for each in names[1:3])}" if len(names) > 1 else ""
    st.html(
        heading(f"What {head_name(request.layer, request.head)} does elsewhere")
        + line(
            f"{first.text}: {part_text(first.score)} of {first.cases:,} cases, where "
            f"{first.best_place or 'chance'} gives {part_text(first.baseline)}{more}."
        )
    )
    page = entry("heads")
    said = {"model": model, "of_head": f"{request.layer}-{request.head}"}
    if MODELS[model].family == "seq2seq":
        said["of_kind"] = request.kind
    st.page_link(page.script, label="All that this head does", icon=page.icon, query_params=said)


def inspect_changes(found: "Changes", traced: "TracedText", selected: int) -> None:
    """What the model says before and after something was switched off: its next token, its output, or its vectors."""
    if found.next_tokens:
        lines = [BeforeAfter(each.text, each.before, each.after) for each in found.next_tokens]
        st.html(heading("Next token, at the end of the text") + before_after(lines))
    elif found.steps:
        lines = [
            BeforeAfter(
                each.text, each.before, each.after, "" if each.likeliest == each.text else f"→ {each.likeliest}"
            )
            for each in found.steps[:24]
        ]
        st.html(heading("The same output, token by token") + before_after(lines))
    else:
        if found.labels and not found.is_score:
            lines = [BeforeAfter(each.text, each.before, each.after) for each in found.labels]
            st.html(heading("What it says of the text") + before_after(lines))
        for each in found.labels if found.is_score else ():
            st.html(heading("What it says of the text") + line(f"{each.before:.4f} before, {each.after:.4f} after."))
        kept = [(place, part) for place, part in enumerate(found.kept) if place != selected]
        moved = sorted(kept, key=lambda each: each[1])[:_MOST_LINES]
        lines = [Share(traced.tokens[selected], max(0.0, found.kept[selected]))]
        lines += [Share(traced.tokens[place], max(0.0, part)) for place, part in moved]
        st.html(
            heading("How much of its direction each last vector keeps (cosine)")
            + shares(lines)
            + line("The selected token first, then those that turn most.")
        )
    if found.caveat:
        remark(found.caveat)
    if any(each.startswith("head:") for each in items()):
        remark(f"{LINES['still']} {LINES['off']}{projector.leading(f', each off by itself, under “{HEAD_OFF}”')}.")


def inspect_step(
    traced: "TracedText", row: np.ndarray, request: "HeadMapRequest", written: "Sequence[OutputToken]", step: int
) -> None:
    """What the step looked at that wrote a decoder's token."""
    best = _best(traced.tokens, row)
    token, name = written[step], head_name(request.layer, request.head)
    st.html(
        sentence(token.text, name, best[0], rescaled=SINK.value != "in", is_written=True)
        + shares(best)
        + line(LINES["map"])
        + heading(f"Step {step + 1} of {len(written)}")
        + shares([Share(token.text, token.probability)])
        + line("How likely the model held the token that it wrote.")
    )


def _looked_at(token: str, name: str, best: Sequence[Share], *, is_written: bool = False) -> str:
    """In words and as bars, with the room of as many as there may be: what is below stays where it is."""
    said = _said(token, name, best, is_written=is_written)
    return f'<div class="headlight-best">{said}{shares(best)}</div>'


def _said(token: str, name: str, best: Sequence[Share], *, is_written: bool = False) -> str:
    if not best:
        return line("This row is blank: everything that it may look at is switched off.")
    return sentence(token, name, best[0], rescaled=SINK.value != "in", is_written=is_written)


def _best(tokens: Sequence[str], row: np.ndarray) -> list[Share]:
    """The tokens that are looked at most; none of them is one that cannot be seen."""
    seen = sorted((place for place in range(len(row)) if row[place] >= 0), key=lambda place: -row[place])
    return [Share(tokens[place], float(row[place])) for place in seen[:_MOST_LINES]]


def _what_is_written(traced: "TracedText", step: int) -> list[str]:
    """The token of this step: its name in plain words, and how likely the model holds it."""
    written = traced.written[step]
    how = "typed" if WAY.value == "typed" else "written"
    said = arpabet.sound_in_words(written.text) if MODELS[thread.MODEL.value].writes else ""
    text = f"Writes {written.text}{', ' + said if said else ''}. The model gives it {part_text(written.probability)}."
    parts = [heading(f"Step {step + 1} of {len(traced.written)}"), line(text)]
    if MODELS[thread.MODEL.value].writes:
        names = [each.text for each in traced.written if not each.is_special]
        in_ipa = f"  /{arpabet.ipa(names)}/" if all(map(arpabet.sound_in_words, names)) else ""
        parts += [heading(f"The whole output, {how}"), line(" ".join(names) + in_ipa)]
    return parts


def _say_what_an_example_shows(request: "HeadMapRequest", selected: int) -> None:
    if request.trace.interventions:
        # It may not be so any more.
        return
    kind_and_place = (request.kind, selected)
    shown = (thread.MODEL.value, thread.TEXT.value, request.layer, request.head)
    for each in EXAMPLES:
        meant = (each.kind, STEP.value) if each.kind else (request.kind, each.token)
        if shown == (each.model, each.text, each.layer, each.head) and kind_and_place == meant:
            what_to_see(each.look)
