"""Sharing what each head does and which of them matter: a link, every score and effect as files, the program."""

import json
import math
from typing import TYPE_CHECKING

from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from models.engine import engine
from models.errors import HeadlightError
from pages.heads.activation_patching import transfer_now, transfer_request
from pages.heads.choices import CHOICES, INTO, SHOW
from pages.heads.controls import means_are_known
from pages.heads.effects import effects_request, estimate_of, exact_now
from pages.heads.other_model import SHOWN, match_request
from pages.heads.text_and_kind import Subject, subject
from pages.shared import download_names, thread
from pages.shared.export import Download, folder_argument, program, share_and_download
from pages.shared.link import NumberPair
from pages.shared.spreadsheet import as_csv

if TYPE_CHECKING:
    from collections.abc import Mapping

    from models.heads import Atlas, Effects, Match, Matches, MatchRequest, Part, Transfer

    Found = Mapping[Part, Effects]

_TREEBANK = "models/bundled/grammar_bank/sentences.conllu"
_RELATION = "dobj"
_MATCH = ["layer", "head", "other_layer", "other_head", "likeness", "low", "high", "chance", "is_earned", "is_mutual"]
_HEAD = ["layer", "head", "role", "score", "low", "high", "baseline", "cases", "is_named"]


def scores(found: "Atlas") -> list[list[object]]:
    """A row for each head and role, None where nothing was measured."""
    return [
        [
            *(layer, head, each.role.key, _known(each.scores[layer, head]), _known(each.low[layer, head])),
            *(_known(each.high[layer, head]), _known(each.baselines[layer, head]), each.cases),
            bool(each.is_named[layer, head]),
        ]
        for each in found.roles
        for layer, count in enumerate(found.heads)
        for head in range(count)
    ]


def scores_as_csv(found: "Atlas") -> str:
    """Every score."""
    return as_csv([_HEAD, *(["" if each is None else each for each in row] for row in scores(found))])


def scores_as_json(found: "Atlas") -> str:
    """Every score, with the definitions, and what they rest on."""
    roles = [
        {
            "key": each.role.key,
            "name": each.role.name,
            "definition": each.role.definition,
            "threshold": each.role.threshold,
            "source": each.role.source,
        }
        for each in found.roles
    ]
    return json.dumps(
        {
            "model": found.model,
            "kind": found.kind,
            "bank": found.bank,
            "sentences": found.sentences,
            "sequences": found.sequences,
            "roles": roles,
            "scores": [dict(zip(_HEAD, row, strict=True)) for row in scores(found)],
        },
        ensure_ascii=False,
    )


def effects_table(exact: "Found", estimate: "Found") -> list[list[object]]:
    """A row for each part, the names first: sort of part, kind, layer, head, exact and estimated effect."""
    rows: list[list[object]] = [["part", "kind", "layer", "head", "exact", "estimate"]]
    for part, any_of in {**estimate, **exact}.items():
        both = (exact.get(part), estimate.get(part))
        for each in any_of.maps:
            for layer, row in zip(each.layers, each.effects, strict=True):
                rows += [
                    [
                        *(part, each.kind, layer, head if part == "heads" else None),
                        *(_effect(some, each.kind, layer, head) for some in both),
                    ]
                    for head in range(len(row))
                ]
    return rows


def _effect(found: "Effects | None", kind: str, layer: int, head: int) -> float | None:
    own = None if found is None else next((each for each in found.maps if each.kind == kind), None)
    return None if own is None else _known(own.effects[own.layers.index(layer), head])


def effects_as_csv(exact: "Found", estimate: "Found") -> str:
    """Every effect."""
    return as_csv([["" if each is None else each for each in row] for row in effects_table(exact, estimate)])


def effects_as_json(exact: "Found", estimate: "Found") -> str:
    """Every effect, and of what."""
    head, *rows = effects_table(exact, estimate)
    some = next(iter({**estimate, **exact}.values()), None)
    measured = None if some is None else some.measured
    return json.dumps(
        {
            "quantity": None if measured is None else measured.quantity.of,
            "token": None if measured is None else measured.token,
            "against": None if measured is None else measured.other,
            "value": None if measured is None else measured.value,
            "unit": None if measured is None else measured.unit,
            "effects": [dict(zip(map(str, head), row, strict=True)) for row in rows],
        },
        ensure_ascii=False,
    )


def matches_table(found: "Matches") -> list[list[object]]:
    """The closest heads of the other model for each head of the one, closest first; column names first."""
    rows: list[list[object]] = [[*_MATCH]]
    for layer, head in found.heads:
        rows += [
            [layer, head, each.layer, each.head, each.likeness, each.low, each.high, each.chance, *_judged(each)]
            for each in found.of(layer, head, SHOWN)
        ]
    return rows


def _judged(match: "Match") -> tuple[bool, bool]:
    return match.is_earned, match.is_mutual


def matches_as_json(request: "MatchRequest", found: "Matches") -> str:
    """The closest heads, of which models, and over what."""
    head, *rows = matches_table(found)
    return json.dumps(
        {
            "model": MODELS[request.one.model].title,
            "kind": request.one.kind,
            "other_model": MODELS[request.other.model].title,
            "other_kind": request.other.kind,
            "bank": request.bank.title,
            "sentences": found.sentences,
            "matches": [dict(zip(map(str, head), row, strict=True)) for row in rows],
        },
        ensure_ascii=False,
    )


def transfer_table(found: "Transfer") -> list[list[object]]:
    """A row for each part, the names first: kind, layer, head, or place and token in the text that is put into."""
    rows: list[list[object]] = [["kind", "layer", "head", "place", "token", "share"]]
    rows += [
        [each.kind, layer, None, place, found.tokens_in(each.kind)[place], _known(share)]
        for each in found.stream
        for layer, row in zip(each.layers, each.shares, strict=True)
        for place, share in zip(each.places, row, strict=True)
    ]
    rows += [
        [each.kind, layer, head, None, None, _known(share)]
        for each in found.maps
        for layer, row in zip(each.layers, each.effects, strict=True)
        for head, share in enumerate(row)
    ]
    return rows


def transfer_as_csv(found: "Transfer") -> str:
    """Every share."""
    return as_csv([["" if each is None else each for each in row] for row in transfer_table(found)])


def transfer_as_json(found: "Transfer") -> str:
    """Every share, and of what difference."""
    head, *rows = transfer_table(found)
    measured = found.measured
    return json.dumps(
        {
            "quantity": measured.quantity.of,
            "token": measured.token,
            "against": measured.other,
            "taken": found.taken,
            "into": found.into,
            "unit": measured.unit,
            "shares": [dict(zip(map(str, head), row, strict=True)) for row in rows],
        },
        ensure_ascii=False,
    )


def _match_files(kind: str, name: str) -> list[Download]:
    """Where the heads of two models were compared."""
    request = match_request(kind)
    if request is None or not (request in engine.answers or request.turned in engine.answers):
        return []
    found = engine.run(request)
    name = f"{name}-{download_names.of_model(request.other.model)}-matches"
    return [
        Download("Matches (CSV)", f"{name}.csv", lambda: as_csv(matches_table(found))),
        Download("Matches (JSON)", f"{name}.json", lambda: matches_as_json(request, found)),
    ]


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def take_along(kind: str, found: "Atlas | None", status: DeltaGenerator) -> None:
    """The link, and the files of what is there."""
    name = download_names.of_model(thread.MODEL.value)
    files = []
    if found is not None:
        files += [
            Download("Scores (CSV)", f"{name}-heads.csv", lambda: scores_as_csv(found)),
            Download("Scores (JSON)", f"{name}-heads.json", lambda: scores_as_json(found)),
        ]
    notes = []
    if SHOW.value != "roles":
        try:
            files = _files_of_numbers(subject(kind, status), name, status)
        except HeadlightError as error:
            notes.append(str(error))
        else:
            notes.append("Under “Roles” the files hold every score of every head.")
    try:
        files += _match_files(kind, name)
    except HeadlightError as error:
        notes.append(str(error))
    share_and_download(CHOICES, files, notes=notes)


def _files_of_numbers(about: Subject, name: str, status: DeltaGenerator) -> list[Download]:
    """What is on the screen beside the roles, as far as it is computed."""
    if SHOW.value == "effects":
        request = effects_request(about, status)
        is_known = means_are_known(about, request.parts)
        exact, estimate = exact_now(request), estimate_of(request, status) if is_known else {}
        return [
            Download("Effects (CSV)", f"{name}-effects.csv", lambda: effects_as_csv(exact, estimate)),
            Download("Effects (JSON)", f"{name}-effects.json", lambda: effects_as_json(exact, estimate)),
        ]
    found = transfer_now(transfer_request(about, status)) if INTO.value else None
    if found is None:
        return []
    return [
        Download("Transfer (CSV)", f"{name}-transfer.csv", lambda: transfer_as_csv(found)),
        Download("Transfer (JSON)", f"{name}-transfer.json", lambda: transfer_as_json(found)),
    ]


def code(head: NumberPair | None) -> None:
    """The program that gives the same score of one grammatical role."""
    layer, number = head or (0, 0)
    program("heads.py", folder_argument(thread.MODEL.value), _TREEBANK, _RELATION, str(layer), str(number))
