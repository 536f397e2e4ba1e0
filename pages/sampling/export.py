"""Sharing what is shown, taking its numbers along, and the program behind them."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from models.catalog import MODELS
from models.engine import engine
from models.errors import HeadlightError
from pages.sampling.choices import CHOICES
from pages.sampling.written_text import Continuation, branches
from pages.shared import download_names, thread
from pages.shared.export import Download, folder_argument, program, share_and_download, text_argument
from pages.shared.spreadsheet import as_csv

if TYPE_CHECKING:
    from models.decoding import (
        BatchRequest,
        BatchTexts,
        BeamSearch,
        BeamSearchRequest,
        DecodingSettings,
        VocabularyStages,
    )
    from pages.sampling.choices import Branch

# The values with which the program leaves a stage out; 0 where none is named.
_DISABLED = {"temperature": None, "top_p": 1, "typical_p": 1, "top_h": 1, "repetition_penalty": 1}


def stages_as_csv(stages: "VocabularyStages") -> str:
    """A row for each token of the vocabulary, the likeliest first: its probability after each stage, exact."""
    rows: list[list[object]] = [["place", "id", "piece", "logit", *stages.names]]
    for place, (token, piece, logit, shares) in enumerate(
        zip(stages.ids.tolist(), stages.pieces, stages.logits.tolist(), stages.probabilities.T.tolist(), strict=True)
    ):
        rows.append([place + 1, token, piece, logit, *shares])
    return as_csv(rows)


def text_as_json(written: Continuation, others: "Sequence[Continuation]") -> str:
    """What was asked, seed included, and what was written: enough to have the same text again; all branches."""

    def told(each: Continuation) -> dict[str, object]:
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


def texts_as_csv(names: Sequence[str], found: "BatchTexts") -> str:
    """A row for each text: its setting, every knob of it, the seed that gives it again, and the text."""
    rows: list[list[object]] = [["setting", "seed", "text", "tokens", "ends", "mean_log_probability", "settings"]]
    for name, one in zip(names, found.each, strict=True):
        for text in one.texts:
            settings = asdict(one.settings) | {"seed": text.seed}
            mean = sum(text.log_probabilities) / len(text.log_probabilities)
            rows.append([name, text.seed, text.text, len(text.own_ids), text.ends, mean, json.dumps(settings)])
    return as_csv(rows)


def texts_as_json(request: "BatchRequest", names: Sequence[str], found: "BatchTexts") -> str:
    """What was asked, and for each setting its knobs, its figures, and its texts token by token."""
    return json.dumps(
        {
            "model": request.model,
            "text": request.text,
            "settings": [
                {
                    "name": name,
                    "settings": asdict(one.settings),
                    "figures": asdict(one.figures),
                    "texts": [asdict(text) | {"text": text.text} for text in one.texts],
                }
                for name, one in zip(names, found.each, strict=True)
            ],
        },
        ensure_ascii=False,
    )


def tree_as_csv(found: "BeamSearch") -> str:
    """A row for each candidate."""
    names = ("rank", "token_id", "token_log_probability", "log_probability", "score", "outcome", "is_end", "place")
    rows: list[list[object]] = [["step", *names, "piece", "text", "parent", "leads_to"]]
    for step, considered in enumerate(found.candidates):
        for each in considered:
            values = [getattr(each, name) for name in names]
            parent, leads_to = (" ".join(map(str, ids)) for ids in (each.parent, each.leads_to))
            rows.append([step, *values, each.piece.text, each.text, parent, leads_to])
    return as_csv(rows)


def tree_as_json(found: "BeamSearch", request: "BeamSearchRequest") -> str:
    """What was asked, what was considered at each step, and what came out; places, ranks and steps from 0."""

    def told(each: Any, *names: str) -> dict[str, Any]:
        return {name: getattr(each, name) for name in names}

    candidate = (
        "rank",
        "parent",
        "token_id",
        "text",
        "token_log_probability",
        "log_probability",
        "score",
        "outcome",
        "is_end",
    )
    return json.dumps(
        {
            "asked": asdict(request),
            "steps": [
                [{"piece": each.piece.text} | told(each, *candidate, "place", "leads_to") for each in considered]
                for considered in found.candidates
            ],
            "beams": [told(beam, "ids", "text", "log_probability", "score") for beam in found.beams],
        },
        ensure_ascii=False,
    )


def other_branches(written: Continuation, walked: "Sequence[Branch]") -> list[Continuation]:
    """The others of the tree; those that nobody has looked at on this server are written now."""
    found = []
    for branch in walked:
        request = replace(written.request, branch=branch.turns)
        if request != written.request:
            # A link may name one that turns off after the text's end; it is said where somebody walks it.
            with suppress(HeadlightError):
                found.append(Continuation(request, engine.run(request), is_done=True))
    return found


def take_along(settings: "DecodingSettings", before: tuple[int, ...], written: Continuation | None) -> None:
    """The link to this view, seed included, and its numbers as files."""
    from models.decoding import VocabularyStagesRequest

    model, text = thread.MODEL.value, thread.TEXT.value
    name = download_names.of_model(model)
    files = [
        Download(
            "CSV of the stages",
            f"{name}-next-token.csv",
            lambda: stages_as_csv(engine.run(VocabularyStagesRequest(model, text, settings, before))),
            help="The whole vocabulary, exact.",
        )
    ]
    if written is not None:
        walked = branches()
        files.append(
            Download(
                "JSON of the text", f"{name}-text.json", lambda: text_as_json(written, other_branches(written, walked))
            )
        )
    share_and_download(
        CHOICES,
        files,
        opens="This link opens the same view; with the seed in it, it writes the same text on the same machine:",
        opens_without_text="This link opens the same settings; what is too long for a link goes as a file:",
    )


def code(settings: "DecodingSettings", written: str = "") -> None:
    """The program that gives the same numbers; `written` is what stands before the shown token."""
    model = thread.MODEL.value
    is_seq2seq = MODELS[model].family == "seq2seq"
    values = asdict(settings)
    names = ("temperature", "top_k", "top_p", "min_p", "typical_p", "epsilon_cutoff", "eta_cutoff", "top_h")
    names += ("repetition_penalty", "no_repeat_ngram_size")
    arguments = (
        folder_argument(model),
        text_argument(thread.TEXT.value + ("" if is_seq2seq else written)),
        *(f"{name}={values[name]:g}" for name in names if values[name] != _DISABLED.get(name, 0)),
    )
    notes = []
    if written and is_seq2seq:
        notes.append("The program gives the first token of the output; above, a later one is shown.")
    if settings.order or settings.bad_words or settings.min_new_tokens:
        notes.append("The program knows neither another order of the stages, nor forbidden words, nor a least length.")
    if settings.logit_bias or settings.presence_penalty or settings.frequency_penalty:
        notes.append("The program has neither a bias of tokens nor the penalties of presence and frequency.")
    program("sampling.py", *arguments, notes=notes)
