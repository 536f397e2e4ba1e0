"""Tables of neurons, as escaped HTML: what they push, and where they fire."""

import html
from collections.abc import Sequence

from viz.table_cells import rows_table


def pushed_tokens(lines: Sequence[tuple[str, str, str, Sequence[str]]], *, chosen: int | None) -> str:
    """A row for each neuron: its name, what it gives, how much it adds, and the tokens that it pushes up."""
    names = '<th>neuron</th><th class="number">gives</th><th class="number">adds</th><th>pushes up</th>'
    rows = (
        f"<td>{_set_off(html.escape(name), is_chosen=place == chosen)}</td>"
        f'<td class="number">{html.escape(given)}</td><td class="number">{html.escape(adds)}</td>'
        f"<td>{' '.join(_token(each) for each in tokens)}</td>"
        for place, (name, given, adds, tokens) in enumerate(lines)
    )
    return rows_table("headlight-neurons", names, *rows)


def fired(lines: Sequence[tuple[Sequence[str], int, str]]) -> str:
    """A row for each sentence: what the neuron gives, and the sentence with the token in it at which it does."""
    rows = (
        f'<td class="number">{html.escape(value)}</td><td>{_sentence(tokens, place)}</td>'
        for tokens, place, value in lines
    )
    return rows_table("headlight-neurons", '<th class="number">gives</th><th>on</th>', *rows)


def _set_off(name: str, *, is_chosen: bool) -> str:
    return f"<mark>{name}</mark>" if is_chosen else name


def _token(text: str) -> str:
    return f'<span class="headlight-chip"><bdi>{html.escape(text)}</bdi></span>'


def _sentence(tokens: Sequence[str], place: int) -> str:
    # A space is shown as one here: pieces stand side by side as in the text.
    shown = [f"<bdi>{html.escape(each.replace('␣', ' '))}</bdi>" for each in tokens]
    return "".join(f"<mark>{each}</mark>" if number == place else each for number, each in enumerate(shown))
