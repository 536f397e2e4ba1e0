"""Sharing what is shown, taking its numbers along, and the program behind them."""

import json
import shlex
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from models.catalog import model_card
from models.engine import engine
from models.errors import HeadlightError
from pages.decoding.choices import in_the_link
from pages.decoding.writing import Written, branches
from pages.shared import file_names, thread
from pages.shared.link import address, fits
from pages.shared.spreadsheet import as_csv
from pages.shared.text import open_text_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.decoding import DecodingSettings, VocabularyStages
    from pages.decoding.choices import Branch

_PROJECT = Path(__file__).resolve().parents[2]
_PROGRAM = "sampling.py"
_LONGEST_ARGUMENT = 500


def stages_as_csv(stages: "VocabularyStages") -> str:
    """A row for each token of the vocabulary, the likeliest first: its probability after each stage, exact."""
    rows: list[list[object]] = [["place", "id", "piece", "logit", *stages.names]]
    for place, (token, piece, logit, shares) in enumerate(
        zip(stages.ids.tolist(), stages.pieces, stages.logits.tolist(), stages.probabilities.T.tolist(), strict=True)
    ):
        rows.append([place + 1, token, piece, logit, *shares])
    return as_csv(rows)


def text_as_json(written: Written, others: "Sequence[Written]") -> str:
    """What was asked, seed included, and what was written: enough to have the same text again; all branches."""

    def told(each: Written) -> dict[str, object]:
        return {
            "branch": [{"step": turned.step, "token": turned.token} for turned in each.request.branch],
            "text": "".join(step.text for step in each.steps),
            "tokens": [
                {
                    "id": step.token_id,
                    "piece": step.piece.text,
                    "text": step.text,
                    "probability": step.probability,
                    "drawn_probability": step.drawn_probability,
                    "rank": step.rank,
                    "surprisal_nats": step.surprisal,
                    "entropy_nats": step.entropy,
                }
                for step in each.steps
            ],
        }

    request = written.request
    settings = {name: value for name, value in asdict(request.settings).items() if not name.startswith("with_")}
    return json.dumps(
        {
            "model": request.model,
            "prompt": request.text,
            "settings": settings,
            **told(written),
            "branches": [told(each) for each in others],
        },
        ensure_ascii=False,
        indent=1,
    )


def other_branches(written: Written, walked: "Sequence[Branch]") -> list[Written]:
    """The others of the tree; those that nobody has looked at on this server are written now."""
    found = []
    for branch in walked:
        request = replace(written.request, branch=branch.turns)
        if request != written.request:
            # A link may name one that turns off after the text's end; it is said where somebody walks it.
            with suppress(HeadlightError):
                found.append(Written(request, engine.run(request), None))
    return found


def share_and_download(settings: "DecodingSettings", before: tuple[int, ...], written: Written | None) -> None:
    """The link to this view, seed included, and its numbers as CSV and JSON, made when somebody asks for them."""
    from models.decoding import VocabularyStagesRequest

    choices = in_the_link()
    if all(map(fits, choices)):
        st.caption("This link opens the same view; with the seed in it, it writes the same text on the same machine:")
    else:
        st.caption("This link opens the same settings; what is too long for a link goes as a file:")
    st.code(address(choices), language=None, wrap_lines=True)
    model, text = thread.MODEL.value, thread.TEXT.value
    with st.container(horizontal=True):
        st.download_button(
            "CSV of the stages",
            lambda: stages_as_csv(engine.run(VocabularyStagesRequest(model, text, settings, before))),
            f"{file_names.of_model(model)}-next-token.csv",
            "text/csv",
            key="csv",
            on_click="ignore",
            help="The whole vocabulary, exact.",
        )
        if written is not None:
            walked = branches()
            st.download_button(
                "JSON of the text",
                lambda: text_as_json(written, other_branches(written, walked)),
                f"{file_names.of_model(model)}-text.json",
                "application/json",
                key="json",
                on_click="ignore",
            )
    open_text_file()


def program(settings: "DecodingSettings", written: str = "") -> None:
    """A short program that gives the same numbers with public libraries, and how to run it."""
    from models.loading.packs import prepared_folder

    folder = prepared_folder(model_card(thread.MODEL.value))
    if folder.is_relative_to(_PROJECT):
        folder = folder.relative_to(_PROJECT)
    is_seq2seq = model_card(thread.MODEL.value).family == "seq2seq"
    whole = thread.TEXT.value + ("" if is_seq2seq else written)
    text = shlex.quote(whole) if len(whole) <= _LONGEST_ARGUMENT else '"$(cat text.txt)"'
    values = asdict(settings)
    names = ("temperature", "top_k", "top_p", "min_p", "typical_p", "epsilon_cutoff", "eta_cutoff", "top_h")
    names += ("repetition_penalty", "no_repeat_ngram_size")
    neutral = {"temperature": None, "top_p": 1, "typical_p": 1, "top_h": 1, "repetition_penalty": 1}
    said = " ".join(f"{name}={values[name]:g}" for name in names if values[name] != neutral.get(name, 0))
    if written and is_seq2seq:
        st.caption("The program gives the first token of the output; above, a later one is shown.")
    st.caption(f"Save it as {_PROGRAM} and run it with torch and transformers installed:")
    st.code(f"python {_PROGRAM} {shlex.quote(str(folder))} {text} {said}", language="bash", wrap_lines=True)
    if settings.order or settings.bad_words or settings.min_new_tokens:
        st.caption("The program knows neither another order of the stages, nor forbidden words, nor a least length.")
    st.code((_PROJECT / "docs" / "programs" / _PROGRAM).read_text(), language="python")
