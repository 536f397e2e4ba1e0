"""A beam search in pictures: the tree of what was considered, and what came out of it as a table."""

import html
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from models.decoding import BeamSearch, Candidate
from models.tokenization import readable_text
from viz.number_format import part_text
from viz.palette import LIGHT, Palette
from viz.table_cells import number_cells, rows_table

# Pixels. A column is as wide as its part of a page, within these bounds; what does not fit is scrolled.
_PAGE, _NARROWEST, _WIDEST = 930, 84, 126
# Before the first column, and between a box and the next column: there the lines run.
_ROOT, _GAP = 22, 20
_HEAD, _TALL, _SHORT, _SPACE = 20, 38, 16, 5
_BADGE = 9
# On a wall all of it is enlarged (`st-key-beam_tree` of page.css).
_LETTERS = 12
# The end of a text is enough to know where in it one is.
_LONGEST_TEXT = 160
# From the quiet to the loud, as they are drawn over each other.
KINDS = ("dead", "running", "beaten", "returned", "winner")
# Of the boxes, the words without one, and what has a number or a cross.
_OUTCOMES = ("!= 'dropped'", "== 'dropped'", "== 'finished'")
_WEIGHTS = {"dead": 0.7, "running": 1, "beaten": 1, "returned": 2, "winner": 3}


@dataclass(frozen=True)
class Node:
    """A candidate as it is drawn.

    step: from 0. kind: of KINDS. x, y: the middle of its box's left edge, in pixels from the top left; width, height:
    of the box. from_x, from_y: where the line from its parent begins.
    """

    step: int
    candidate: Candidate
    kind: str
    x: float | int
    y: float | int
    width: float | int
    height: float | int
    from_x: float | int
    from_y: float | int


def nodes(search: BeamSearch) -> tuple[Node, ...]:
    """Where each candidate is drawn: steps from left to right, ranks from top to bottom."""
    tops = _tops(search)
    width = min(_WIDEST, max(_NARROWEST, (_PAGE - _ROOT) // max(1, len(search.candidates))))
    first = [_middle(tops, each.rank) for step in search.candidates[:1] for each in step if each.outcome != "dropped"]
    root = (_ROOT / 4, (first[0] + first[-1]) / 2 if first else _HEAD)
    ends = {(): root}
    found = []
    for step, considered in enumerate(search.candidates):
        for each in considered:
            height = tops[each.rank + 1] - tops[each.rank] - _SPACE
            x, y = _ROOT + step * width, _middle(tops, each.rank)
            box = width - _GAP
            from_x, from_y = ends[each.parent]
            found.append(Node(step, each, kind_of(each), x, y, box, height, from_x, from_y))
            ends[each.ids] = (x + box, y)
    return tuple(found)


def kind_of(candidate: Candidate) -> str:
    """Its kind, one of KINDS, which says how strongly it is drawn."""
    if candidate.is_on_the_winners_way:
        return "winner"
    if candidate.leads_to:
        return "returned"
    return {"kept": "running", "finished": "beaten", "dropped": "dead"}[candidate.outcome]


def _tops(search: BeamSearch) -> list[float | int]:
    """Where each rank begins, and where the last one ends: ranks at which everything was dropped are low."""
    ranks = 1 + max((each.rank for step in search.candidates for each in step), default=0)
    tall = {each.rank for step in search.candidates for each in step if each.outcome != "dropped"}
    tops: list[float | int] = [_HEAD]
    for rank in range(ranks):
        tops.append(tops[-1] + (_TALL if rank in tall else _SHORT) + _SPACE)
    return tops


def _middle(tops: Sequence[float | int], rank: int) -> float:
    return (tops[rank] + tops[rank + 1] - _SPACE) / 2


def outcome_sentence(search: BeamSearch, step: int, candidate: Candidate) -> str:
    """What became of it, in words."""
    count, is_last = len(search.beams), step + 1 == len(search.candidates)
    if candidate.outcome == "kept":
        return "It ran on." + (" The winner begins with it." if candidate.is_on_the_winners_way else "")
    if candidate.place == 0:
        return "It finished with the best score: the winner."
    if candidate.place is not None:
        return f"It finished, and came out as number {candidate.place + 1} of {count}."
    if candidate.outcome == "finished":
        return f"It finished, but {count} others have a better score: it is not returned."
    if candidate.is_end:
        return f"It ends here, but is not among the first {count}: it neither finishes nor runs on."
    if is_last:
        return "The search ended here; it had not finished."
    return "It was dropped here: likelier ones ran on."


def beam_tree(search: BeamSearch, palette: Palette = LIGHT) -> Any:
    """The tree as an Altair chart with a width of its own, to be scrolled where it is wider than the page.

    Boxes are what ran on or finished, words without a box what was dropped; a number is the place among what was
    returned, a cross what was pushed out again.
    """
    placed = nodes(search)
    rows = [_row(search, node) for node in sorted(placed, key=lambda node: KINDS.index(node.kind))]
    tops = _tops(search)
    width = max((node.x + node.width for node in placed), default=_ROOT) + 2 * _BADGE
    height = tops[-1]
    root = [{"x": placed[0].from_x, "y": placed[0].from_y}] if placed else []
    limit = (placed[0].width if placed else _NARROWEST) - 4

    def x(field: str) -> Any:
        return alt.X(f"{field}:Q", scale=alt.Scale(domain=[0, width], nice=False, zero=False), axis=None)

    def y(field: str) -> Any:
        return alt.Y(f"{field}:Q", scale=alt.Scale(domain=[0, height], nice=False, zero=False, reverse=True), axis=None)

    box = {"x": x("x"), "x2": "right:Q", "y": y("top"), "y2": "bottom:Q"}
    middle, corner = {"x": x("middle"), "y": y("y")}, {"x": x("right"), "y": y("top")}
    colour = alt.Color("kind:N", scale=alt.Scale(domain=list(KINDS), range=_colours(palette)), legend=None)
    stroke = alt.Stroke("kind:N", scale=alt.Scale(domain=list(KINDS), range=_colours(palette)), legend=None)
    weight = alt.StrokeWidth("weight:Q", scale=None, legend=None)
    line = {"x": x("from_x"), "y": y("from_y"), "x2": "x:Q", "y2": "y:Q", "color": colour, "strokeWidth": weight}
    every: Any = alt.Chart()
    boxed, dropped, finished = (every.transform_filter(f"datum.outcome {which}") for which in _OUTCOMES)
    layers = [
        _chart(_heads(search, placed))
        .mark_text(fontSize=_LETTERS, color=palette.quiet)
        .encode(x=x("x"), y=y("y"), text="step:N"),
        every.mark_rule(strokeCap="round").encode(**line),
        _chart(root).mark_point(size=40, filled=True, opacity=1, color=palette.quiet).encode(x=x("x"), y=y("y")),
        boxed.mark_rect(fill=palette.ground, cornerRadius=4).encode(**box, stroke=stroke, strokeWidth=weight),
        boxed.mark_text(fontSize=_LETTERS + 1, dy=-7, limit=limit, color=palette.ink).encode(**middle, text="piece:N"),
        boxed.mark_text(fontSize=_LETTERS, dy=9, color=palette.quiet).encode(**middle, text="probability:N"),
        dropped.mark_text(fontSize=_LETTERS, align="left", dx=2, limit=limit, color=palette.quiet).encode(
            x=x("x"), y=y("y"), text="piece:N"
        ),
        finished.mark_point(size=4 * _BADGE**2, filled=True, opacity=1).encode(**corner, color=colour),
        finished.mark_text(fontSize=_LETTERS, fontWeight="bold", dy=0.5, color=palette.ground).encode(
            **corner, text="badge:N"
        ),
        every.transform_filter("datum.outcome != 'finished'").mark_rect(opacity=0).encode(**box, tooltip=_said()),
        finished.mark_rect(opacity=0).encode(**box, tooltip=_said(has_score=True)),
    ]
    return (
        # The rows once for all layers: they are what is sent.
        alt.layer(*layers, data=alt.Data(values=rows))
        .properties(width=width, height=height, description=_description(search))
        .configure_view(strokeWidth=0)
    )


def _colours(palette: Palette) -> list[str]:
    """A colour for each of KINDS."""
    return [palette.hatch, palette.amount[2], palette.quiet, palette.amount[4], palette.accent]


def _chart(rows: list[dict[str, Any]]) -> Any:
    return alt.Chart(alt.Data(values=rows))


def _said(*, has_score: bool = False) -> list[Any]:
    """The tooltip of a candidate; only finished candidates have a score."""
    return [
        alt.Tooltip("text:N", title="text so far"),
        alt.Tooltip("piece:N", title="token"),
        alt.Tooltip("probability:N", title="its probability"),
        alt.Tooltip("sum:Q", title="log-probability, sum", format=".3f"),
        *([alt.Tooltip("score:Q", format=".4f")] if has_score else []),
        alt.Tooltip("sentence:N", title="what became of it"),
    ]


def _heads(search: BeamSearch, placed: Sequence[Node]) -> list[dict[str, Any]]:
    """The number of each token, above its column."""
    left = {node.step: node.x + node.width / 2 for node in placed}
    return [{"x": left[step], "y": _HEAD / 2, "step": str(step + 1)} for step in range(len(search.candidates))]


def _row(search: BeamSearch, node: Node) -> dict[str, Any]:
    each = node.candidate
    badge = "×" if each.place is None else str(each.place + 1)
    return {
        "step": node.step + 1,
        "x": node.x,
        "y": node.y,
        "right": node.x + node.width,
        "middle": node.x + node.width / 2,
        "top": node.y - node.height / 2,
        "bottom": node.y + node.height / 2,
        "from_x": node.from_x,
        "from_y": node.from_y,
        "kind": node.kind,
        "weight": _WEIGHTS[node.kind],
        "outcome": each.outcome,
        "badge": badge,
        "piece": each.piece.text,
        "text": text_so_far(each.text),
        "probability": part_text(math.exp(each.token_log_probability)),
        "sum": each.log_probability,
        "score": each.score,
        "sentence": outcome_sentence(search, node.step, each),
    }


def text_so_far(text: str) -> str:
    """A text for a tooltip, its end if it is long, set apart so that a script that runs from right to left does not
    turn what stands around it."""
    shown = _on_one_line(text)
    if len(shown) > _LONGEST_TEXT:
        shown = "…" + shown[-_LONGEST_TEXT:]
    return f"\N{FIRST STRONG ISOLATE}{shown}\N{POP DIRECTIONAL ISOLATE}"


def _on_one_line(text: str) -> str:
    """The text with its spaces, and with a sign for each character that has no shape of its own."""
    return " ".join(map(readable_text, text.split(" ")))


def _description(search: BeamSearch) -> str:
    considered = sum(map(len, search.candidates))
    best = f" The winner: {text_so_far(search.beams[0].text)}" if search.beams else ""
    return f"A tree of {considered} candidates over {len(search.candidates)} tokens.{best}"


@dataclass(frozen=True)
class BeamLine:
    """A finished text: what it is called (its place, or the way it was found), and its numbers."""

    name: str
    text: str
    log_probability: float | int
    tokens: int
    score: float | int


def beam_table(lines: Iterable[BeamLine]) -> str:
    """The finished texts, one in each row, as escaped HTML."""
    rows = (
        f"<th>{html.escape(line.name)}</th><td><bdi>{html.escape(_on_one_line(line.text)) or '∅'}</bdi></td>"
        + number_cells(f"{line.log_probability:.3f}", str(line.tokens), f"{line.score:.4f}")
        for line in lines
    )
    names = "".join(f'<th class="number">{each}</th>' for each in ("log-probability, sum", "tokens", "score"))
    made = rows_table("headlight-cards headlight-costs", f"<th></th><th>text</th>{names}", *rows)
    return f'<div class="headlight-wide">{made}</div>'
