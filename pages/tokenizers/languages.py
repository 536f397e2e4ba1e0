"""What does a language cost? The same sentences in many languages, beside what they cost in English."""

from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.errors import HeadlightError
from pages.shared.asking_engine import ask, working
from pages.shared.bound_widgets import pick, text_area
from pages.shared.export import Download, download_row, path_argument, program
from pages.shared.link import note
from pages.shared.plain_text import plain
from pages.shared.sentences_and_charts import remark, say
from pages.shared.spreadsheet import as_csv
from pages.shared.thread import choose_text
from pages.tokenizers.choices import (
    COUNTED,
    COUNTED_IN,
    LANGUAGE,
    LANGUAGE_ORDER,
    LANGUAGE_ORDERS,
    LONGEST_PASTED,
    PASTED,
    ShownTokenizers,
)
from pages.tokenizers.export import prices_as_csv, prices_as_json
from pages.tokenizers.how_cut import choose_one
from viz.components.figure_grid import figure_grid
from viz.components.token_columns import ColumnHead, ColumnsPicture, token_columns
from viz.inspector import heading
from viz.language_tables import (
    MEASURES,
    PricedLanguage,
    in_order,
    language_grid,
    line_grid,
    measures_of,
    pair_grid,
    price_text,
    priced_languages,
)
from viz.tables import table

if TYPE_CHECKING:
    from models.tokenization.line_costs import LineCosts
    from models.tokenization.parallel_text import ParallelText

LINES = (
    "A language's price: ten sentences of one program.",
    "Fewer is not better: look at unknowns and the round trip.",
)
_MOST_LINES = 200
_SAMPLE = (
    "Ten sentences of one program are a sample: the spread (±, the standard deviation over the sentences) stands "
    "beside the mean. The stronger the colour, the dearer, one step for each doubling; 1 is the price of English. A ? "
    "stands where pieces are unknown: that is cheap because something is lost."
)


class NoLinesError(HeadlightError):
    """A text without lines that can be counted."""


def what_a_language_costs(now: ShownTokenizers, status: DeltaGenerator) -> None:
    """Messages of a program, lines of one's own, or the lines of the text."""
    chosen = pick(COUNTED, "Counted", COUNTED_IN, label_visibility="collapsed")
    {"messages": _messages, "pasted": _pasted, "lines": _lines}[str(chosen)](now, status)


def _costs(now: ShownTokenizers, lines: tuple[str, ...], status: DeltaGenerator) -> "list[LineCosts]":
    from models.tokenization.line_costs import LineCostsRequest

    with working("Counting the lines with each tokenizer…", status):
        return [ask(LineCostsRequest(name, lines, now.split_special_tokens), status) for name in now.names]


def _messages(now: ShownTokenizers, status: DeltaGenerator) -> None:
    from models.tokenization.parallel_text import MessagesRequest

    found = ask(MessagesRequest(), status)
    priced = prices_of(found, now, status)
    with st.container(horizontal=True, vertical_alignment="center", key="language_controls"):
        order = str(pick(LANGUAGE_ORDER, "Order", LANGUAGE_ORDERS, label_visibility="collapsed"))
        by = choose_one(now, "language_tokenizer_box")
    column = now.names.index(by.name)
    ordered = in_order(priced, order, column)
    if LANGUAGE.value is not None and LANGUAGE.value not in found.by_code:
        known = LANGUAGE.value in found.left_out
        note(
            f"The package lacks some of the ten sentences in {LANGUAGE.value}; choose another language."
            if known
            else f"The package has no language {LANGUAGE.value}; choose one from the list."
        )
        LANGUAGE.choose(None)
    dearest = max(priced, key=lambda each: each.prices[column].mean)
    others = [each for each in priced if not each.language.code.startswith("en")]
    least = min(others, key=lambda each: each.prices[column].mean)
    say(
        f"With {by.title} the same ten sentences cost {dearest.prices[column].mean:.1f} × as many tokens in "
        f"{dearest.language.name} as in English, and {least.prices[column].mean:.1f} × in {least.language.name}.",
        *LINES,
    )

    def on_cell(row: int, _: int) -> None:
        if 0 <= row < len(ordered):
            LANGUAGE.choose(ordered[row].language.code)

    caption = f"{len(ordered)} languages beside English, which have all ten sentences. {_SAMPLE}"
    titles = [card.title for card in now.cards]
    with st.container(key="languages"):
        grid = language_grid(ordered, titles, by_script=order == "script", selected=LANGUAGE.value, caption=caption)
        figure_grid(grid, key="language_grid", on_cell=on_cell)
    if LANGUAGE.value is not None:
        _one_language(now, found, next(each for each in priced if each.language.code == LANGUAGE.value), status)
    download_row(
        (
            Download("CSV", "languages.csv", lambda: prices_as_csv(now, found, priced)),
            Download("JSON", "languages.json", lambda: prices_as_json(now, found, priced)),
        ),
        "languages_",
    )
    _code(now)


def prices_of(found: "ParallelText", now: ShownTokenizers, status: DeltaGenerator) -> list[PricedLanguage]:
    """Every language of a program's messages and its price with each of the tokenizers."""
    from models.tokenization.language_prices import LanguagePricesRequest

    with working("Counting the sentences with each tokenizer…", status):
        prices = [ask(LanguagePricesRequest(name, now.split_special_tokens), status) for name in now.names]
    return priced_languages(found, prices)


def _one_language(now: ShownTokenizers, found: "ParallelText", of: PricedLanguage, status: DeltaGenerator) -> None:
    """The figures of a language, its sentences, and how each tokenizer cuts them."""
    from models.tokenization import ComparisonRequest, CountsRequest

    language = of.language
    titles = [card.title for card in now.cards]
    st.html(heading(f"{language.name}, sentence by sentence"))
    head = ["tokenizer", "× English", "from", "to", *(name for name, _ in MEASURES)]
    rows = []
    for title, price in zip(titles, of.prices, strict=True):
        numbers = [f"{value:,.{digits}f}" for value, (_, digits) in zip(measures_of(price), MEASURES, strict=True)]
        low, high = float(price.ratios.min()), float(price.ratios.max())
        rows.append([title, price_text(price), f"{low:.2f}", f"{high:.2f}", *numbers])
    st.html(table(head, rows))
    text = "\n".join(language.sentences)
    counts = [ask(CountsRequest(name, text, now.split_special_tokens), status) for name in now.names]
    comparison = ask(ComparisonRequest(now.names, text, now.split_special_tokens, start=0), status)
    heads = tuple(
        ColumnHead(card.name, card.title, each.tokens, f"{price_text(price)} × English")
        for card, each, price in zip(now.cards, counts, of.prices, strict=True)
    )
    with st.container(key="language_columns"):
        caption = "The ten sentences, each on a line, as each tokenizer cuts them. The line breaks count here as well."
        picture = ColumnsPicture(comparison, heads, None, caption)
        token_columns(picture, key="language_token_columns", on_stretch=lambda *_: None)
    pairs = zip(found.english, language.sentences, strict=True)
    each_line = [
        [english, said, *(f"{price.ratios[place]:.2f}" for price in of.prices)]
        for place, (english, said) in enumerate(pairs)
    ]
    st.html(table(["English", language.name, *titles], each_line))
    st.button("Take these sentences as the text", key="take_language", on_click=choose_text, args=(text,))


def _pasted(now: ShownTokenizers, status: DeltaGenerator) -> None:
    from models.tokenization.language_prices import price
    from models.tokenization.parallel_text import pasted_pairs

    text_area(
        PASTED,
        "The same meaning left and right, a pair on each line, with a tab or | between",
        height=140,
        max_chars=LONGEST_PASTED,
        placeholder="Good morning.\tสวัสดีตอนเช้า\nHow are you? | Wie geht es dir?",
    )
    left, right = pasted_pairs(PASTED.value)
    costs = _costs(now, (*left, *right), status)
    count = len(left)
    prices = [price(each.part(count, count), each.part(0, count), right) for each in costs]
    titles = [card.title for card in now.cards]
    dearest = max(zip(prices, titles, strict=True), key=lambda each: each[0].mean)
    say(
        f"The right column costs {price_text(dearest[0])} × the left one with {dearest[1]}, the most of these.",
        f"Your {count} lines are a sample; the spread (±) is over them. {LINES[1]}",
    )
    head = ["tokenizer", "× left", *(name for name, _ in MEASURES)]
    rows = [
        [
            title,
            price_text(each),
            *(f"{value:,.{digits}f}" for value, (_, digits) in zip(measures_of(each), MEASURES, strict=True)),
        ]
        for title, each in zip(titles, prices, strict=True)
    ]
    st.html(table(head, rows))
    with st.container(key="pairs"):
        figure_grid(pair_grid(left, right, prices, titles), key="pair_grid", on_cell=lambda *_: None)
    ratios = [
        [*pair, *(float(each.ratios[place]) for each in prices)]
        for place, pair in enumerate(zip(left, right, strict=True))
    ]
    download_row((Download("CSV", "pairs.csv", lambda: as_csv([["left", "right", *now.names], *ratios])),), "pairs_")


def _lines(now: ShownTokenizers, status: DeltaGenerator) -> None:
    from models.tokenization.piece_counts import is_without_spaces

    lines = tuple(line.strip() for line in now.text.splitlines() if line.strip())
    if not lines:
        raise NoLinesError("The text has no line with anything on it; type some, each on a line of its own.")
    left_out, lines = len(lines) - _MOST_LINES, lines[:_MOST_LINES]
    costs = _costs(now, lines, status)
    units = [("character", len(line)) if is_without_spaces(line) else ("word", len(line.split())) for line in lines]
    dearest = [(card.title, int(each.tokens.argmax()), each) for card, each in zip(now.cards, costs, strict=True)]
    said = "; ".join(f"with {title} “{lines[at][:30]}” ({each.tokens[at]:,} tokens)" for title, at, each in dearest[:4])
    say(f"What costs most of {len(lines):,} lines: {said}.", LINES[1])
    if left_out > 0:
        remark(f"The first {_MOST_LINES} lines are counted; {left_out:,} more are left out.")
    titles = [card.title for card in now.cards]
    with st.container(key="lines"):
        figure_grid(line_grid(lines, units, costs, titles), key="line_grid", on_cell=lambda *_: None)
    rows = [
        [line, *unit, *(int(each.tokens[place]) for each in costs), *(int(each.unknown[place]) for each in costs)]
        for place, (line, unit) in enumerate(zip(lines, units, strict=True))
    ]
    head = [
        "line",
        "unit",
        "units",
        *(f"{name} tokens" for name in now.names),
        *(f"{name} unknown" for name in now.names),
    ]
    download_row((Download("CSV", "lines.csv", lambda: as_csv([head, *rows])),), "lines_")


def _code(now: ShownTokenizers) -> None:
    """The program that gives the same prices."""
    from models.catalog import MESSAGES
    from models.loading.packs import packs_folder
    from models.tokenization import prepared_tokenizer
    from pages.tokenizers import session_tokenizers

    card = next((card for card in now.cards if card.pack is not None and not session_tokenizers.has(card.name)), None)
    if card is None:
        return
    with st.expander(f"The program that gives these prices, for {plain(card.title)}", key="languages_code"):
        folder = packs_folder() / MESSAGES.folder
        arguments = (path_argument(prepared_tokenizer(card)), path_argument(folder))
        program("language_prices.py", *arguments, needs="tokenizers and numpy installed")
