"""A tokenizer of one's own: trained here on a text, or opened from a file."""

from typing import TYPE_CHECKING

import streamlit as st

from models.errors import HeadlightError
from pages.shared.export import Download, download_button
from pages.shared.job import Job
from pages.shared.link import run_again
from pages.shared.messages import problem
from pages.shared.plain_text import plain
from pages.shared.text_choice import LARGEST_TEXT_FILE, TEXT_FILES
from pages.tokenizers import session_tokenizers
from pages.tokenizers.choices import CHOSEN, add, hide
from pages.tokenizers.hub_tokenizer import from_hub

if TYPE_CHECKING:
    from models.engine import Progress
    from models.tokenization import TrainTokenizerRequest

_TRAINING = Job("training")
_LONGEST_NAME = 40
_SIZES = (300, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000)


def show(text: str) -> None:
    """The two ways, side by side, and what this session has of its own."""
    left, right = st.columns(2, gap="large")
    with left, st.container(key="training"):
        _training(text)
    with right, st.container(key="opening"):
        _opening()
    notes, wrong = session_tokenizers.said_of_latest()
    if wrong:
        problem(wrong)
    for sentence in notes:
        st.info(plain(sentence), icon=":material/info:")
    _mine()


def _training(text: str) -> None:
    from models.tokenization import ALGORITHMS, SHORTEST_TEXT, TrainTokenizerRequest

    st.html('<p class="headlight-heading" role="heading" aria-level="2">Train one</p>')
    with st.form("training_form", border=False):
        typed = st.text_area(
            "Text to learn from",
            value=text if len(text) >= SHORTEST_TEXT else "",
            key="training_text",
            height=110,
            placeholder="Paste a few pages, or open a file below",
            help="Up to 5 MB.",
        )
        file = st.file_uploader(
            "Or a text file (UTF-8)", TEXT_FILES, key="training_file", max_upload_size=LARGEST_TEXT_FILE
        )
        algorithm = st.segmented_control(
            "Algorithm", ALGORITHMS, default=ALGORITHMS[0], key="training_algorithm", required=True
        )
        size = st.select_slider("Pieces in the vocabulary", _SIZES, value=1_000, key="training_size")
        pressed = st.form_submit_button("Train")
    if pressed:
        session_tokenizers.say_of_latest()
        _TRAINING.leave()
        try:
            learnt = typed if file is None else file.getvalue().decode("utf-8-sig")
            _TRAINING.start(TrainTokenizerRequest(learnt, str(algorithm), int(size)))
        except UnicodeDecodeError:
            session_tokenizers.say_of_latest(
                problem="This file is not text in UTF-8; save it as UTF-8 and open it again."
            )
        except HeadlightError as error:
            session_tokenizers.say_of_latest(problem=str(error))
    _TRAINING.watch(_trained, lambda step: (step.part, step.stage), "Starting", doing="training")


def _trained(request: "TrainTokenizerRequest", progress: "Progress") -> None:
    """What was trained becomes a column."""
    made = progress.steps[-1].tokenizer_json if progress.steps else None
    if progress.error:
        session_tokenizers.say_of_latest(problem=progress.error)
    if not made or progress.error or progress.is_cancelled:
        return
    try:
        name = session_tokenizers.keep(made, f"Mine: {request.algorithm}, {request.vocabulary:,}")
    except HeadlightError as error:
        session_tokenizers.say_of_latest(problem=str(error))
        return
    pieces = session_tokenizers.card(name).vocabulary
    compared = "fewer" if pieces < request.vocabulary else "more"
    said = (
        f"Trained: {pieces:,} pieces."
        if pieces == request.vocabulary
        else f"Trained: this text gave {pieces:,} pieces, {compared} than the {request.vocabulary:,} that were asked "
        "for."
    )
    session_tokenizers.say_of_latest([f"{said} It stands in the last column."])
    add(name)


def _opening() -> None:
    from models.tokenization import LARGEST_TOKENIZER_FILE, PATTERNS

    st.html('<p class="headlight-heading" role="heading" aria-level="2">Open a file</p>')
    pattern = st.selectbox(
        "A .tiktoken file is cut by the pattern of",
        list(PATTERNS),
        key="own_pattern",
        help="Such a file holds pieces and ranks, and does not say how a text is cut before the merges.",
    )
    file = st.file_uploader(
        "tokenizer.json, tekken.json, .tiktoken, SentencePiece .model or vocab.txt",
        ["json", "tiktoken", "model", "txt", "v1", "v2", "v3"],
        key="own_file",
        max_upload_size=LARGEST_TOKENIZER_FILE // 1_000_000,
    )
    from_hub(str(pattern))
    if file is None or st.session_state.get("own_file:taken") == (file.file_id, pattern):
        return
    st.session_state["own_file:taken"] = (file.file_id, pattern)
    title = file.name if len(file.name) <= _LONGEST_NAME else f"{file.name[: _LONGEST_NAME - 1]}…"
    try:
        name = session_tokenizers.keep(file.getvalue(), title, str(pattern))
    except HeadlightError as error:
        session_tokenizers.say_of_latest(problem=str(error))
        return
    notes, _ = session_tokenizers.said_of_latest()
    session_tokenizers.say_of_latest([*notes, "Opened. It stands in the last column."])
    add(name)
    run_again()


def _mine() -> None:
    names = session_tokenizers.names()
    if not names:
        st.caption("What you train or open here is yours alone: nobody else on this server sees it, and no link.")
        return
    st.html('<p class="headlight-heading" role="heading" aria-level="2">Yours alone, as long as this page is open</p>')
    for name in names:
        card = session_tokenizers.card(name)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.text(f"{card.title}: {card.family}, {card.vocabulary:,} pieces")
            file = Download("tokenizer.json", "tokenizer.json", session_tokenizers.file_of(name))
            download_button(file, f"download_{name}")
            if name not in CHOSEN.value.split(","):
                st.button("Show it", key=f"show_{name}", on_click=add, args=(name,))
            else:
                st.button("Hide it", key=f"hide_{name}", on_click=hide, args=(name,))
