"""A tokenizer of one's own: trained here on a text, or opened from a file."""

from typing import TYPE_CHECKING

import streamlit as st

from models.engine import JobError, engine
from models.errors import HeadlightError
from pages.shared import jobs
from pages.shared.link import run_again
from pages.shared.messages import problem
from pages.shared.plain_text import plain
from pages.tokenizers import session_tokenizers
from pages.tokenizers.choices import CHOSEN, add, choose
from pages.tokenizers.from_hub import from_hub

if TYPE_CHECKING:
    from models.tokenization import OpenedFile, TrainTokenizerRequest

_JOB = "training:job"
_LONGEST_NAME = 40
_SIZES = (300, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000)


def bring(text: str) -> None:
    """The two ways, side by side, and what this session has of its session_tokenizers."""
    left, right = st.columns(2, gap="large")
    with left, st.container(key="training"):
        _training(text)
    with right, st.container(key="opening"):
        _opening()
    for sentence in st.session_state.get(session_tokenizers.NOTES, []):
        st.info(plain(sentence), icon=":material/info:")
    _mine()


def _training(text: str) -> None:
    from models.tokenization import ALGORITHMS, SHORTEST_TEXT, TrainTokenizerRequest

    st.html('<p class="headlight-heading">Train one</p>')
    with st.form("training_form", border=False):
        typed = st.text_area(
            "Text to learn from",
            value=text if len(text) >= SHORTEST_TEXT else "",
            key="training_text",
            height=110,
            placeholder="Paste a few pages, or open a file below",
            help="Up to 5 MB.",
        )
        file = st.file_uploader("Or a text file (UTF-8)", ["txt", "md", "csv", "json", "py"], key="training_file")
        algorithm = st.segmented_control(
            "Algorithm", ALGORITHMS, default=ALGORITHMS[0], key="training_algorithm", required=True
        )
        size = st.select_slider("Pieces in the vocabulary", _SIZES, value=1_000, key="training_size")
        pressed = st.form_submit_button("Train")
    if pressed:
        st.session_state.pop(session_tokenizers.NOTES, None)
        _leave()
        try:
            learnt = typed if file is None else file.getvalue().decode("utf-8-sig")
            request = TrainTokenizerRequest(learnt, str(algorithm), int(size))
            st.session_state[_JOB] = (request, jobs.start(request))
        except UnicodeDecodeError:
            problem("This file is not text in UTF-8; save it as UTF-8 and open it again.")
        except HeadlightError as error:
            problem(str(error))
    if _JOB in st.session_state:
        _watch()


@st.fragment(run_every=0.4)
def _watch() -> None:
    """How far the training is; when it is done its tokenizer becomes a column."""
    if _JOB not in st.session_state:
        return
    request, job = st.session_state[_JOB]
    try:
        progress = engine.poll(job)
    except JobError:
        st.session_state.pop(_JOB)
        return
    step = progress.steps[-1] if progress.steps else None
    if progress.error:
        problem(progress.error)
        return
    if not progress.is_done:
        place = f"Others are training. Your place in the queue: {progress.place}." if progress.place else "Starting"
        said = place if step is None else step.stage
        st.progress(0.0 if step is None else min(1.0, step.part), text=said)
        st.button("Stop", key="stop_training", on_click=_leave)
        return
    st.session_state.pop(_JOB)
    if step is not None and step.tokenizer_json and not progress.is_cancelled:
        try:
            _trained(request, step.tokenizer_json)
        except HeadlightError as error:
            problem(str(error))
            return
    run_again()


def _trained(request: "TrainTokenizerRequest", made: bytes) -> None:
    from models.tokenization import open_tokenizer_file

    name = session_tokenizers.keep(open_tokenizer_file(made), f"Mine: {request.algorithm}, {request.vocabulary:,}")
    pieces = session_tokenizers.card(name).vocabulary
    compared = "fewer" if pieces < request.vocabulary else "more"
    _note(
        f"Trained: {pieces:,} pieces. It stands in the last column."
        if pieces == request.vocabulary
        else f"Trained: this text gave {pieces:,} pieces, {compared} than the {request.vocabulary:,} that were asked "
        "for. It stands in the last column."
    )
    add(name)


def _opening() -> None:
    from models.tokenization import LARGEST_FILE, PATTERNS, open_tokenizer_file

    st.html('<p class="headlight-heading">Open a file</p>')
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
        max_upload_size=LARGEST_FILE // 1_000_000,
    )
    from_hub(str(pattern))
    if file is None or st.session_state.get("own_file:taken") == (file.file_id, pattern):
        return
    st.session_state["own_file:taken"] = (file.file_id, pattern)
    try:
        opened: OpenedFile = open_tokenizer_file(file.getvalue(), str(pattern))
        name = session_tokenizers.keep(
            opened, file.name if len(file.name) <= _LONGEST_NAME else f"{file.name[: _LONGEST_NAME - 1]}…"
        )
    except HeadlightError as error:
        problem(str(error))
        return
    st.session_state[session_tokenizers.NOTES] = list(opened.notes)
    _note("Opened. It stands in the last column.")
    add(name)
    run_again()


def _note(sentence: str) -> None:
    st.session_state.setdefault(session_tokenizers.NOTES, []).append(sentence)


def _mine() -> None:
    names = session_tokenizers.names()
    if not names:
        st.caption("What you train or open here is yours alone: nobody else on this server sees it, and no link.")
        return
    st.html('<p class="headlight-heading">Yours alone, as long as this page is open</p>')
    for name in names:
        card = session_tokenizers.card(name)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.text(f"{card.title}: {card.family}, {card.vocabulary:,} pieces")
            st.download_button(
                "tokenizer.json",
                session_tokenizers.file_of(name),
                "tokenizer.json",
                "application/json",
                key=f"download_{name}",
                on_click="ignore",
            )
            if name not in CHOSEN.value.split(","):
                st.button("Show it", key=f"show_{name}", on_click=add, args=(name,))
            else:
                st.button("Hide it", key=f"hide_{name}", on_click=_hide, args=(name,))


def _hide(name: str) -> None:
    choose([each for each in CHOSEN.value.split(",") if each != name])


def _leave() -> None:
    _, job = st.session_state.pop(_JOB, (None, None))
    if job is not None:
        engine.cancel(job)
