"""What is switched off on the attention page: heads, tokens and links, and heads with a pattern that is not theirs."""

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.errors import HeadlightError
from pages.shared.asking_engine import ask
from pages.shared.link import Choice, note
from pages.shared.thread import MODEL

if TYPE_CHECKING:
    from models.attention import Intervention, TracedText, TraceRequest

MOST = 48
_LAST = "changed:last"
_ITEM = re.compile(
    r"head:(?:encoder|decoder|cross)-\d{1,4}-\d{1,4}|(?:token|target):\d{1,6}"
    r"|link:(?:encoder|decoder|cross)-\d{1,4}-\d{1,4}-\d{1,6}-\d{1,6}"
    r"|pattern:(?:encoder|decoder|cross)-\d{1,4}-\d{1,4}-(?:even|itself|previous|first)",
    re.ASCII,
)
PATTERNS = {
    "": "its own",
    "even": "even over all it may see",
    "itself": "the token itself",
    "previous": "the token before",
    "first": "the first token",
}


def _readable(text: str) -> str:
    items = list(dict.fromkeys(each for each in text.split(",") if each))
    good = [each for each in items if _ITEM.fullmatch(each)]
    if len(good) < len(items) or len(good) > MOST:
        note(
            f"The link switches something off in a way that is not known here, or more than {MOST} things; "
            "that is left on."
        )
    plain = [re.sub(r"\d+", lambda number: str(int(number[0])), each) for each in good]
    # A head has one pattern at a time, the last that is named.
    one_each = {each.rpartition("-")[0] if each.startswith("pattern:") else each: each for each in plain}
    return ",".join(list(one_each.values())[:MOST])


CHANGED: Choice[str] = Choice("changed", "", _readable, (MODEL,))


def items() -> list[str]:
    """What is switched off, as the link says it."""
    return [each for each in CHANGED.value.split(",") if each]


def switch(what: str) -> None:
    """Switch it off, or on again. A head has one pattern at a time."""
    if not _ITEM.fullmatch(what):
        return
    there = items()
    if what in there:
        left = [each for each in there if each != what]
    else:
        same = what.rpartition("-")[0] if what.startswith("pattern:") else None
        left = [*(each for each in there if same is None or each.rpartition("-")[0] != same), what]
    CHANGED.choose(",".join(left[-MOST:]))


def keep_heads(text: str) -> None:
    """Places mean something in one text: with another one they are on again, and heads stay off."""
    of_text, before = st.session_state.get(_LAST, (text, None))
    # What differs from the last time was said by a link, or by the way back to an earlier view.
    if of_text != text and CHANGED.value == before:
        CHANGED.choose(",".join(each for each in items() if each.startswith("head:")))


def interventions(trace: "TraceRequest", traced: "TracedText", status: DeltaGenerator) -> tuple["Intervention", ...]:
    """What it means for a run of this text; what this model or text does not have is said and left out."""
    found: list[Intervention] = []
    kept = []
    # A pattern goes over what can still be seen, so what is hidden comes first.
    for each in sorted(items(), key=lambda item: item.startswith("pattern:")):
        try:
            change = _intervention(each, trace, traced, found, status)
        except HeadlightError as error:
            note(str(error))
            continue
        if change is None:
            note(f"{each} is switched off in the link, and this text in this model has no such thing; it is left out.")
        else:
            found.append(change)
            kept.append(each)
    CHANGED.choose(",".join(kept))
    st.session_state[_LAST] = (trace.text, CHANGED.value)
    return tuple(found)


def _intervention(
    item: str, trace: "TraceRequest", traced: "TracedText", others: "list[Intervention]", status: DeltaGenerator
) -> "Intervention | None":
    """None for what this model or text does not have. Raises TooManyTokensError for a pattern over a long text."""
    from models.attention import CutLink, HideToken, PatternRequest, ZeroHead

    what, _, where = item.partition(":")
    if what in ("token", "target"):
        count = len(traced.target_tokens if what == "target" else traced.tokens)
        return HideToken(int(where), in_target=what == "target") if int(where) < count else None
    kind, layer, head, *more = where.split("-")
    if not _has(traced, kind, int(layer), int(head)):
        return None
    if what == "head":
        return ZeroHead(kind, int(layer), int(head))
    if what == "pattern":
        seen = replace(trace, interventions=tuple(each for each in others if isinstance(each, (HideToken, CutLink))))
        return ask(PatternRequest(seen, kind, int(layer), int(head), more[0]), status)  # ty: ignore[invalid-argument-type]
    query, key = map(int, more)
    axes = traced.axes(kind)
    is_there = query < len(axes.rows) and key < len(axes.columns)
    return CutLink(kind, int(layer), query, key, int(head)) if is_there else None


def _has(traced: "TracedText", kind: str, layer: int, head: int) -> bool:
    return kind in traced.kinds and layer in traced.layers_of(kind) and head < traced.heads_of(kind, layer)


def named(item: str, traced: "TracedText") -> str:
    """As people read it: head L3 H1, token “it”, link it → animal."""
    what, _, where = item.partition(":")
    if what in ("token", "target"):
        return f"token “{(traced.target_tokens if what == 'target' else traced.tokens)[int(where)]}”"
    kind, layer, head, *more = where.split("-")
    name = f"L{layer} H{head}" + (f" ({kind})" if len(traced.kinds) > 1 else "")
    if what == "head":
        return f"head {name}"
    if what == "pattern":
        return f"pattern of {name}: {PATTERNS[more[0]]}"
    axes = traced.axes(kind)
    return f"link {axes.rows[int(more[0])]} → {axes.columns[int(more[1])]} in {name}"


def off_here(kind: str, keys_are_target: bool) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The heads of this kind that are off, "3-1", and the places of hidden tokens among its keys."""
    heads = [each.removeprefix(f"head:{kind}-") for each in items() if each.startswith(f"head:{kind}-")]
    what = "target:" if keys_are_target else "token:"
    return tuple(heads), tuple(int(each.removeprefix(what)) for each in items() if each.startswith(what))


def row() -> DeltaGenerator:
    """The place of `show`: always there, so that what is below keeps its own and is not made anew."""
    return st.container(horizontal=True, key="changed", vertical_alignment="center")


def show(traced: "TracedText") -> None:
    """What is off, each to be switched on again; nothing where all is on."""
    there = items()
    if not there:
        return
    has_pattern = any(each.startswith("pattern:") for each in there)
    names = {each: _plain(named(each, traced)) for each in there}
    st.caption("Changed:" if has_pattern else "Switched off:", width="content")
    for each, name in names.items():
        st.button(f"✕ {name}", key=f"on_{each}", on_click=switch, args=(each,))
    st.button("All on again", key="all_on", type="tertiary", on_click=CHANGED.forget)


def _plain(text: str) -> str:
    """A token is data: what Streamlit would read as Markdown is shown as it stands."""
    return re.sub(r"([\\`*_{}\[\]()#+\-.!|<>~$:^&])", r"\\\1", text.replace("\n", " "))


def pattern_control(kind: str, layer: int | None, head: int | None) -> None:
    """Another pattern for the head that is looked at."""
    if layer is None or head is None:
        return
    start = f"pattern:{kind}-{layer}-{head}-"
    now = next((each.removeprefix(start) for each in items() if each.startswith(start)), "")
    st.session_state["pattern_box"] = now

    def chosen() -> None:
        name = st.session_state["pattern_box"]
        if now:
            switch(start + now)
        if name:
            switch(start + name)

    st.selectbox(
        "Pattern of this head", list(PATTERNS), format_func=PATTERNS.__getitem__, key="pattern_box", on_change=chosen
    )
