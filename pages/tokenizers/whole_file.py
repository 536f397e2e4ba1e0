"""A whole file: what it costs with each of the columns' tokenizers, counted in a job that can be stopped."""

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.errors import HeadlightError
from models.one_at_a_time import libraries
from pages.shared.asking_engine import ask, working
from pages.shared.bound_widgets import bound
from pages.shared.export import Download, download_button
from pages.shared.job import Job, bar, waits
from pages.shared.link import run_again
from pages.shared.messages import problem
from pages.shared.plain_text import plain
from pages.shared.sentences_and_charts import remark, say
from pages.shared.spreadsheet import as_csv
from pages.shared.uploads import largest_file
from pages.tokenizers import session_tokenizers
from pages.tokenizers.chat_choices import LINE_LIMIT, PRICE
from pages.tokenizers.choices import ShownTokenizers, tokenizer_card
from pages.tokenizers.export import file_as_json
from viz.file_tables import (
    CountedFile,
    costs_table,
    dear_sentence,
    file_costs_rows,
    file_lines_table,
    kinds_table,
    megabytes,
    pieces_table,
    step_table,
    words_table,
)
from viz.inspector import heading

if TYPE_CHECKING:
    from models.tokenization.file_tally import CountFileRequest, FileStep

_COUNTING = Job("file")
_ASKED, _TAKEN, _WRONG = "file:asked", "file:taken", "file:wrong"
_SECONDS = 0.5
_TYPES = ["txt", "md", "py", "js", "c", "java", "html", "json", "jsonl", "csv", "tsv", "log", "xml", "yaml", "tex"]
_MIB = 1024**2


def leave() -> None:
    """Nobody looks: it is stopped, and can be gone on with."""
    _COUNTING.stop()


def a_whole_file(now: ShownTokenizers, status: DeltaGenerator) -> None:
    """Take a file, count it, and say where its cost sits."""
    libraries("models.tokenization")
    from models.tokenization.file_tally import LARGEST_FILE

    # How large it may be is said below, by what takes it.
    st.caption(
        "A text in UTF-8, counted with the tokenizers chosen above. It stays in this server's memory as long as this "
        "page is open, and is in no link."
    )
    file = st.file_uploader(
        "Open a file",
        _TYPES,
        key="whole_file",
        max_upload_size=min(LARGEST_FILE, largest_file()) // _MIB,
        label_visibility="collapsed",
    )
    cards = [card for card in now.cards if card.format != "baseline"]
    if file is None:
        st.session_state.pop(_ASKED, None)
        st.session_state.pop(_TAKEN, None)
        _COUNTING.leave()
        return
    if not cards:
        say("Bytes, characters and words are counted without a tokenizer. Choose another one above.")
        return
    names = tuple(card.name for card in cards)
    if st.session_state.get(_TAKEN) != file.file_id:
        st.session_state[_TAKEN] = file.file_id
        st.session_state.pop(_ASKED, None)
        st.session_state[_WRONG] = ""
        with working("Reading the file…", status):
            _begin(file.name, file.getvalue(), names, now)
    asked = st.session_state.get(_ASKED)
    if asked is None:
        problem(st.session_state.get(_WRONG) or "This file could not be counted; open it again.")
        return
    _shown(asked, names, now, status)


def _begin(title: str, data: bytes, names: tuple[str, ...], now: ShownTokenizers) -> None:
    """Start to count it; what is wrong with it is kept, to be said as long as it is there."""
    from models.engine import engine
    from models.tokenization.file_tally import LARGEST_FILE, CountFileRequest, begun
    from models.tokenization.text_file import TextFileError, text_file

    try:
        if len(data) > LARGEST_FILE:
            raise TextFileError(f"This file is larger than {LARGEST_FILE // _MIB} MB, which is the most that is taken.")
        tally = begun(text_file(title, data), [engine.tokenizer(name) for name in names])
        request = CountFileRequest(uuid.uuid4().hex, now.split_special_tokens, tally=tally)
        st.session_state[_ASKED] = request
        _COUNTING.start(request)
    except HeadlightError as error:
        st.session_state[_WRONG] = str(error)


def _shown(asked: "CountFileRequest", names: tuple[str, ...], now: ShownTokenizers, status: DeltaGenerator) -> None:
    tally = asked.tally
    counted_with = tuple(each.tokenizer for each in tally.tallies)
    progress = _COUNTING.poll()
    if progress is not None and not progress.is_done:
        st.fragment(_running, run_every=_SECONDS)([_title(name) for name in counted_with], tally.file.start)
        return
    if progress is not None and progress.error:
        problem(progress.error)
    if counted_with != names or asked.split_special_tokens != now.split_special_tokens:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"Counted with {plain(', '.join(map(_title, counted_with)))}.", width="stretch")
            if st.button("Count with those above", key="file_anew"):
                _begin(tally.file.name, tally.file.data, names, now)
                run_again()
    if not tally.is_whole and not (progress is not None and progress.error):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(
                f"Stopped after {megabytes(tally.done)} of {megabytes(len(tally.file.data))}; the figures so far.",
                width="stretch",
            )
            if st.button("Go on", key="file_go_on"):
                again = replace(asked, run=uuid.uuid4().hex)
                st.session_state[_ASKED] = again
                _COUNTING.start(again)
                run_again()
    if tally.blocks:
        _figures(asked, status)


def _running(titles: list[str], start: int) -> None:
    """Shown again and again while it counts."""
    progress = _COUNTING.poll()
    if progress is None or progress.is_done:
        run_again()

    def said(step: "FileStep") -> tuple[float, str]:
        part = (step.done - start) / max(1, step.of - start)
        return part, f"{megabytes(step.done)} of {megabytes(step.of)}"

    bar(progress, said, waits(progress, "counting files") or "Reading the file…")
    if progress.steps:
        st.html(step_table(titles, progress.steps[-1]))
    _COUNTING.stop_button()


def _title(name: str) -> str:
    from models.catalog import TOKENIZERS

    return (
        tokenizer_card(name).title
        if name in TOKENIZERS or session_tokenizers.has(name)
        else "an own tokenizer that is gone"
    )


def counted_so_far(status: DeltaGenerator) -> list[CountedFile]:
    """What is counted of this session's file, each tokenizer with its figures; [] where there is none."""
    from models.tokenization.file_figures import figures_request

    asked: CountFileRequest | None = st.session_state.get(_ASKED)
    if asked is None or not asked.tally.blocks:
        return []
    session_tokenizers.have_loaded(tuple(each.tokenizer for each in asked.tally.tallies))
    with asked.tally.lock:
        requests = [(each, figures_request(asked, each)) for each in asked.tally.tallies]
    return [CountedFile(_title(each.tokenizer), each, ask(request, status)) for each, request in requests]


def _figures(asked: "CountFileRequest", status: DeltaGenerator) -> None:
    tally = asked.tally
    with working("Looking where the cost sits…", status):
        counted = counted_so_far(status)
    left, right, _ = st.columns([1, 1, 2])
    with left:
        bound(st.number_input, LINE_LIMIT, "Longest line in tokens", 1, 10**7, shown=int, step=256)
    with right:
        bound(st.number_input, PRICE, "Price per million tokens", 0.0, 1e5, shown=float, step=0.1)
    limit, price = int(LINE_LIMIT.value), PRICE.value
    facts = (
        f"{megabytes(tally.done - tally.file.start)}, {tally.characters:,} characters, {tally.line_count:,} lines, in "
        f"{tally.blocks:,} blocks."
    )
    if tally.cut_blocks:
        facts += f" {tally.cut_blocks:,} of them end inside of a line that is longer than a block."
    say(dear_sentence(tally.file.kind, counted), facts)
    if tally.nul:
        remark(f"It holds {tally.nul:,} NUL bytes, which are counted as they stand; models cannot be asked about them.")
    with st.container(key="file_costs"):
        st.html(costs_table(tally, counted, limit, price))
    st.html(heading("Where the cost sits: kinds of pieces, with tokens a character"))
    st.html(kinds_table(counted))
    st.html(heading("Most frequent pieces"))
    with st.container(key="file_pieces"):
        st.html(pieces_table(counted))
    for column, each in zip(st.columns(len(counted)), counted, strict=True):
        with column:
            st.html(heading(f"{each.title}: words that cost most"))
            st.html(words_table(each))
            st.html(heading("Lines with most tokens"))
            st.html(file_lines_table(each))
    st.caption(
        "Blocks of up to 32 kB end with a line and are cut by themselves, several at once, without what a template "
        "adds. Words are counted, and ids read back, in one block of sixteen. The price is what is typed here."
    )
    rows = file_costs_rows(tally, counted, limit, price)
    with st.container(horizontal=True):
        download_button(Download("Costs as CSV", "file-costs.csv", lambda: as_csv(rows)), "file_csv")
        download_button(Download("All as JSON", "file.json", lambda: file_as_json(rows, counted)), "file_json")
