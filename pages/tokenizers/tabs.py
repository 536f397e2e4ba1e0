"""What stands below the columns, as tabs named by questions; only the open one is computed."""

from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import TOKENIZERS, TokenizerCard
from pages.shared.asking import ask, working
from pages.shared.bound import bound, pick
from pages.shared.export import Download, download_button
from pages.shared.link import NumberPair
from pages.shared.page import tabs
from pages.shared.parts import chart, explanation, remark
from pages.shared.plain_text import plain
from pages.shared.spreadsheet import as_csv
from pages.shared.text import open_text_file
from pages.tokenizers import export, own
from pages.tokenizers.choices import LOOKED_AT, MERGES, WAYS, ShownTokenizers, looked_at, of_word, with_word
from viz.inspector import heading, line
from viz.lattice_chart import lattice_chart
from viz.tokenizers_tables import (
    CostLine,
    costs,
    costs_rows,
    longest_match,
    merge_steps,
    piece_chips,
    pipeline,
    tokenizer_cards,
)

if TYPE_CHECKING:
    from models.tokenization import Comparison, Counts, ShownOrigin, TokenizerFacts

_LONGEST_PIPELINE = 400


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
            "How was it cut?": lambda: how_it_was_cut(now, stretch or first_disagreement(found), st.empty()),
            "On the way to ids?": lambda: on_the_way(now, found, st.empty()),
            "What does it cost?": lambda: what_it_costs(now, counts, st.empty()),
            "Made of what?": lambda: what_it_is_made_of(now, st.empty()),
            "Bring your own": lambda: own.bring(now.text),
            "What am I looking at?": lambda: explanation(EXPLANATION),
            "Take it with you": lambda: export.take_along(now),
            "Show the code": lambda: export.code(now),
        },
    )


def without_picture(text: str) -> None:
    """Where there is no picture: the tabs that help to one."""
    tabs("below_nothing", {"Take it with you": open_text_file, "Bring your own": lambda: own.bring(text)})


def first_disagreement(found: "Comparison") -> NumberPair:
    """What is worth a look where nobody selected anything."""
    return NumberPair((found.largest[0].start, found.largest[0].end) if found.largest else (0, 1))


def _choose_one(now: ShownTokenizers, key: str) -> TokenizerCard:
    chosen = looked_at(now.cards)
    titles = {card.name: plain(card.title) for card in now.cards}
    pick(LOOKED_AT, "Tokenizer", titles, key=key, shown=lambda _: chosen.name, label_visibility="collapsed")
    return chosen


def how_it_was_cut(now: ShownTokenizers, stretch: NumberPair, status: DeltaGenerator) -> None:
    """Merges, longest match or lattice of the words in the stretch."""
    from models.tokenization import OriginsRequest

    card = _choose_one(now, "how_box")
    for place, origin in enumerate(
        ask(OriginsRequest(card.name, now.text, (*stretch,), now.split_special_tokens), status)
    ):
        with st.container(key=f"origin_{place}"):
            _origin(origin, place)


def _origin(origin: "ShownOrigin", place: int) -> None:
    if origin.match is not None:
        what = "WordPiece tries the longest piece first; struck-out ones are not in the vocabulary."
        if origin.match.is_too_long:
            what = "The word has too many characters: it is unknown as a whole, untried."
        elif origin.match.pieces is None:
            what = "At some place no piece fits, not even one character: the whole word is unknown."
        st.html(_head(origin) + longest_match(origin.match) + line(what))
    elif origin.lattice is not None:
        _lattice(origin, place)
    elif origin.whole and not origin.merges:
        what = "It stands in the vocabulary as it is, and is taken whole."
        if origin.start:
            what += " Its merges alone would not lead there."
        st.html(_head(origin) + line(what))
    else:
        step = len(origin.merges)
        if step:
            done = of_word(MERGES, place, step, step)
            step = bound(
                st.slider,
                MERGES,
                f"Merges of pre-token {place + 1}",
                0,
                step,
                key=f"merge_step_{place}",
                shown=lambda _: done,
                meant=lambda number, every=step: with_word(MERGES, place, number, every),
            )
        what = (
            "It begins with its bytes or characters. Each time the two neighbours are merged that come first in the "
            "list of merges, which the number says; it ends when no neighbours are on the list."
        )
        st.html(_head(origin) + merge_steps(origin.start, origin.merges, step) + line(what))


def _lattice(origin: "ShownOrigin", place: int) -> None:
    found = origin.lattice
    if found is None or not found.best:
        return
    ways = [" ".join(found.pieces[each].text for each in way.pieces) for way in found.best]
    st.html(_head(origin))
    way = of_word(WAYS, place, len(ways) - 1, 0)
    chosen = bound(
        st.radio,
        WAYS,
        f"The likeliest ways to cut pre-token {place + 1}",
        range(len(ways)),
        format_func=lambda way: f"{plain(ways[way])}  ·  {found.best[way].score:.2f}",
        key=f"way_{place}",
        shown=lambda _: way,
        meant=lambda way: with_word(WAYS, place, way, 0),
    )
    chart(lattice_chart(found, chosen))
    remark(
        "Every piece of the vocabulary that fits is a bar. The number is the sum of the log-probabilities of the "
        "pieces; the way with the largest one is taken. What is no piece counts as one that is very unlikely; "
        "unknown characters side by side then become one piece, or bytes where the vocabulary has them."
    )


def _head(origin: "ShownOrigin") -> str:
    return heading("Comes out as") + piece_chips(origin.pieces)


def on_the_way(now: ShownTokenizers, found: "Comparison", status: DeltaGenerator) -> None:
    """The stages of the text, or of the beginning of what is shown of it."""
    from models.tokenization import StagesRequest

    card = _choose_one(now, "way_box")
    text = found.text[:_LONGEST_PIPELINE]
    with st.container(key="pipeline"):
        st.html(pipeline(ask(StagesRequest(card.name, text, now.split_special_tokens), status)))
    if len(text) < len(now.text):
        st.caption(f"The stages of the first {len(text):,} characters that are shown above.")


def what_it_costs(now: ShownTokenizers, counts: "list[Counts]", status: DeltaGenerator) -> None:
    """The whole text with every tokenizer there is."""
    from models.tokenization import CountsRequest

    known = dict(zip(now.names, counts, strict=True))
    lines = []
    with working("Cutting the whole text with every tokenizer…", status):
        for card in [*now.cards, *(each for each in TOKENIZERS.values() if each.name not in now.names)]:
            found = known.get(card.name) or ask(CountsRequest(card.name, now.text, now.split_special_tokens), status)
            lines.append(CostLine(card.title, found))
    st.html(costs(lines))
    download_button(Download("Costs as CSV", "costs.csv", lambda: as_csv(costs_rows(lines))), "costs_csv")
    contexts = [f"{card.context_of} {card.context:,}" for card in now.cards if card.context]
    is_too_long = any(each.counts.context and each.counts.tokens > each.counts.context for each in lines)
    st.caption(
        "Over the whole text, without the special tokens that a model's template adds. Words are what stands between "
        "white space; none are counted where most letters are of a script without it. Time is of cutting once, on this "
        "server."
        + (f" Context lengths in tokens: {', '.join(contexts)}." if contexts else "")
        + (" A text that is too long for a context is read only in part." if is_too_long else "")
    )


def what_it_is_made_of(now: ShownTokenizers, status: DeltaGenerator) -> None:
    """The cards of the tokenizers, mostly in the words of their own files."""
    from models.tokenization import FactsRequest

    facts = [ask(FactsRequest(card.name), status) for card in now.cards]

    both = list(zip(now.cards, facts, strict=True))
    rows = [
        ("algorithm", [_algorithm(card, each) for card, each in both]),
        ("vocabulary", [_vocabulary(card, each) for card, each in both]),
        ("normaliser", [each.normalizer if each else "nothing" for _, each in both]),
        ("pre-tokeniser", [each.pre_tokenizer if each else "nothing" for _, each in both]),
        ("byte fallback", [_fallback(card, each) for card, each in both]),
        ("template", [each.adds if each else "nothing" for _, each in both]),
        ("special tokens", [_special(each) for _, each in both]),
        ("licence", [card.licence or "–" for card, _ in both]),
        ("source", [card.source for card, _ in both]),
    ]
    st.html(tokenizer_cards(rows, [card.title for card in now.cards]))


def _algorithm(card: TokenizerCard, facts: "TokenizerFacts | None") -> str:
    return facts.algorithm if facts else card.family


def _vocabulary(card: TokenizerCard, facts: "TokenizerFacts | None") -> str:
    count = facts.vocabulary if facts else card.vocabulary
    return f"{count:,}" if count else "without end"


def _fallback(card: TokenizerCard, facts: "TokenizerFacts | None") -> str:
    if facts is None:
        return "nothing is ever unknown" if card.name != "words" else "no"
    if facts.notation.kind == "bytes":
        return "pieces are bytes, nothing is unknown"
    return "yes: what is no piece is cut into bytes" if facts.byte_fallback else "no: what is no piece is unknown"


def _special(facts: "TokenizerFacts | None") -> str:
    if facts is None or not facts.special:
        return "none"
    named = ", ".join(token for _, token in facts.special[:6])
    more = len(facts.special) - 6
    return f"{named} and {more:,} more" if more > 0 else named


EXPLANATION = """
A model reads no letters: a **tokenizer** cuts the text into **pieces** and gives each the number (**id**) that it has
in the vocabulary. What is one piece is seen as one thing; what is cut must be put together again by the model.

- The **ruler** shows the text byte by byte and where each tokenizer ends its pieces. Dashed rings stand round
  stretches on which they disagree. Point at a piece: the same stretch is framed in every column.
- ␣ is a space, ⏎ a line break, ⇥ a tab. `##` goes on with a word. A **hatched** piece is unknown: the model sees that
  something is there, not what. *Slanted* pieces in a frame are special tokens. A dotted frame holds the pieces of one
  character that is cut into **bytes**, written as hexadecimal numbers.
- **BPE** merges the neighbours that were most frequent in its training text, in that order. **WordPiece** takes the
  longest piece that fits. **Unigram** takes the likeliest way to cut the word.
- Counts leave out the special tokens that a model's template adds. *Round trip*: whether the ids give the text back.
"""
