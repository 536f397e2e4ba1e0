"""A chat as pieces with the roles of their turns, and what its turns cost, as escaped HTML and rows."""

import html
from collections.abc import Callable, Sequence

from models.tokenization.chat_pieces import TEMPLATE, TOOLS, ReadChat
from models.tokenization.pieces import readable_text
from viz.number_format import bytes_text, counted
from viz.tables import table

# Of one chat; all of them are in the file.
_MOST_SHOWN = 1_500
_LONGEST_ADDED = 160


def name_of_owner(read: ReadChat, owner: int) -> str:
    """Whose a piece is, as people read it."""
    if owner == TEMPLATE:
        return "template"
    return "tools" if owner == TOOLS else f"{owner + 1} {read.turns[owner].role}"


def chat_pieces(read: ReadChat) -> str:
    """All pieces in order: those of a turn in a frame that names its role, those of the template between them."""
    parts, at = [], 0
    owners = read.owners.tolist()[:_MOST_SHOWN]
    while at < len(owners):
        end = next((place for place in range(at, len(owners)) if owners[place] != owners[at]), len(owners))
        owner = owners[at]
        kind = "template" if owner == TEMPLATE else "tools" if owner == TOOLS else read.turns[owner].role
        chips = "".join(_chip(piece.text, is_special=piece.is_special) for piece in read.pieces[at:end])
        label = "" if owner == TEMPLATE else f'<span class="role">{html.escape(name_of_owner(read, owner))}</span>'
        parts.append(f'<span class="stretch {kind}">{label}{chips}</span>')
        at = end
    more = f" and {len(read.pieces) - _MOST_SHOWN:,} more" if len(read.pieces) > _MOST_SHOWN else ""
    return f'<div class="headlight-chat">{"".join(parts)}{more}</div>'


def _chip(text: str, *, is_special: bool) -> str:
    kind = " special" if is_special else ""
    return f'<span class="headlight-chip{kind}"><bdi>{html.escape(text)}</bdi></span>'


def turns_rows(read: ReadChat) -> list[list[object]]:
    """A row for each turn, in full, under a head."""
    rows: list[list[object]] = [
        ["turn", "role", "what becomes of it", "own pieces", "with its frame", "chat so far", "reused of before"]
    ]
    for place, turn in enumerate(read.turns, 1):
        known = ["" if each is None else each for each in (turn.costs, turn.upto, turn.kept)]
        rows.append([place, turn.role, turn.state, turn.tokens, *known])
    return rows


def turns_table(read: ReadChat, kept_bytes: Callable[[int], int] | None) -> str:
    """What each turn costs, and what of the chat before it is reused, in bytes where `kept_bytes` says them."""
    head, *rows = turns_rows(read)
    names = ["turn", *map(str, head[2:])]
    lines = []
    for row, turn in zip(rows, read.turns, strict=True):
        numbers = ["–" if each == "" else f"{each:,}" for each in row[3:]]
        if kept_bytes is not None:
            numbers.append("–" if turn.kept is None else bytes_text(kept_bytes(turn.kept)))
        lines.append([f"{row[0]} {row[1]}", str(row[2]), *numbers])
    if kept_bytes is not None:
        names.append("KV cache of that")
    return table(names, lines)


def template_lines(read: ReadChat) -> list[str]:
    """What the template does with this chat, a sentence each."""
    lines = [
        f"{counted(len(read.pieces), 'token')}: {len(read.pieces) - read.of_template - read.of_tools:,} of the turns, "
        f"{read.of_template:,} of the template"
        + (f", {read.of_tools:,} of the tools" if read.of_tools else "")
        + (f"; {read.prompt:,} of them at the end begin the answer." if read.prompt else "; nothing begins the answer.")
    ]
    if read.added:
        added = readable_text(read.added[0])
        short = added if len(added) <= _LONGEST_ADDED else f"{added[:_LONGEST_ADDED]}…"
        lines.append(f"Added, at most in one place: {short}")
    for state, said in (
        ("trimmed", "White space at the ends is gone"),
        ("changed", "Its text is changed"),
        ("left out", "It is left out"),
        ("repeated", "It stands there more than once"),
    ):
        numbers = [str(place) for place, turn in enumerate(read.turns, 1) if turn.state == state]
        if numbers:
            lines.append(f"{said}: turn {', '.join(numbers)}.")
    if all(turn.state in ("as it is", "empty") for turn in read.turns):
        lines.append("Every turn stands in it as it was written.")
    if not read.is_seen:
        lines.append("The template looks into the turns, so their places were found by their text.")
    return lines


def specials_line(read: ReadChat, other: ReadChat, *, is_split: bool) -> str:
    """What special tokens in somebody's text do, as they are read now and the other way; "" where there are none."""
    split, taken = (read, other) if is_split else (other, read)
    typed = list(dict.fromkeys(special for turn in taken.turns for special in turn.specials))
    if not typed:
        return ""
    places = [str(place) for place, turn in enumerate(taken.turns, 1) if turn.specials]
    return (
        f"Turn {', '.join(places)} holds {' and '.join(typed)}. Taken as the special token it ends or begins a turn "
        f"for the model: whoever types it speaks for the template ({counted(len(taken.pieces), 'token')}). As plain "
        f"text the chat has {counted(len(split.pieces), 'token')}. Shown: "
        + ("as plain text." if is_split else "as the special token.")
    )


def readers_table(names: Sequence[str], reads: Sequence[ReadChat | str]) -> str:
    """The same chat for several templates, a row each; a text is why there is none."""
    head = ("", "tokens", "of the template", "begin the answer", "turns not as written", "takes tools", "template")
    rows = []
    for name, read in zip(names, reads, strict=True):
        if isinstance(read, str):
            rows.append((name, "–", "–", "–", "–", "–", "refuses this chat"))
            continue
        changed = [turn for turn in read.turns if turn.state not in ("as it is", "empty")]
        rows.append(
            (
                name,
                f"{len(read.pieces):,}",
                f"{read.of_template:,}",
                f"{read.prompt:,}",
                f"{len(changed):,}",
                "yes" if read.takes_tools else "no",
                "its own" if read.is_own else "pasted" if read.source.startswith("pasted") else "described",
            )
        )
    return table(head, rows)
