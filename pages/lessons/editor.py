"""Making a lesson: what each step says and asks, in which order, tried and taken along as a file."""

from dataclasses import fields
from typing import Any
from urllib.parse import parse_qsl, unquote

import streamlit as st

from models.catalog import MODELS
from models.errors import HeadlightError
from models.one_at_a_time import libraries
from pages.lessons.draft import Draft, begin, draft, end, read_arguments
from pages.shared.course import open_own, page_addresses
from pages.shared.lesson_place import OWN
from pages.shared.lesson_rail import start
from pages.shared.messages import problem
from pages.shared.plain_text import plain
from pages.shared.thread import readable

_NOTHING = "nothing"
_LONGEST = 2_000
_WRONG = 'What is asked is read as lines such as layer = 3 or tokens = [" Paris"]; this is none.'


def open_file() -> None:
    """Open a lesson that somebody took along; it is run for oneself, or changed."""
    file = st.file_uploader("Open a lesson (.toml)", ["toml"], key="lesson_file")
    if file is None:
        return
    libraries()
    from models.lessons import read_lesson

    try:
        found = read_lesson(file.getvalue(), OWN, page_addresses())
    except HeadlightError as error:
        problem(str(error))
        return
    with st.container(border=True, key="opened_lesson"):
        st.markdown(f"**{plain(found.title)}**, {len(found.steps)} steps. {plain(found.aim)}")
        with st.container(horizontal=True):
            st.button("Start this lesson", type="primary", on_click=_try, args=(found,), key="start_own")
            st.button("Change it", on_click=begin, args=(found,), key="change_own")


def make() -> None:
    """The lesson that is being made, or the button that begins one."""
    made = draft()
    if made is None:
        st.markdown(
            "Go to any page, set up what you want to show, and press *Add this view* in the sidebar. Say one thing to "
            "each view, ask something if you like, and take the lesson along as a file for your class."
        )
        st.button("Make a lesson", on_click=begin, key="make_lesson")
        return
    st.markdown("Go to any page and press *Add this view* in the sidebar; the views stand here as steps.")
    for name, label in (("title", "Title"), ("aim", "What one will be able to do")):
        made.head[name] = readable(st.text_input(label, made.head.get(name, ""), max_chars=300, key=f"lesson_{name}"))
    for place, step in enumerate(made.steps):
        with st.container(border=True, key=f"making_{place}"):
            _step(made, place, step)
    _take_along(made)


def _step(made: Draft, place: int, step: dict[str, Any]) -> None:
    """The boxes of one step; what is typed is the step's at once."""
    libraries()
    from models.lessons import ASK_KINDS, QUESTIONS

    def key(name: str) -> str:
        return f"make_{name}_{place}_{made.made}"

    with st.container(horizontal=True, vertical_alignment="center"):
        view = unquote(step.get("view", "")).replace("?", ": ", 1).replace("&", ", ")
        st.markdown(f"**Step {place + 1}**: {plain(view or 'stays with the view before')}")
        for label, by in (("↑", -1), ("↓", 1)):
            way = "up" if by < 0 else "down"
            st.button(label, help=f"Move step {place + 1} {way}", key=key(way), on_click=made.move, args=(place, by))
        st.button("Remove", key=key("remove"), on_click=made.remove, args=(place,))
    step["say"] = _typed(st.text_area("Say one thing", step.get("say", ""), max_chars=_LONGEST, key=key("say")))
    kinds = [_NOTHING, *ASK_KINDS]
    kind = st.segmented_control("Ask", kinds, default=step.get("ask", _NOTHING), key=key("ask"), required=True)
    if kind == _NOTHING:
        for name in (
            "ask",
            "prompt",
            "options",
            "of",
            "least",
            "most",
            "truth",
            "after",
            "claims",
            "by",
            "borders",
            "in_picture",
        ):
            step.pop(name, None)
        return
    step["ask"] = kind
    if kind != "choose":
        step.pop("in_picture", None)
    step["prompt"] = _typed(st.text_input("The question in words", step.get("prompt", ""), key=key("prompt")))
    left, right = st.columns(2)
    truth = step.get("truth", {})
    with left:
        names = list(QUESTIONS)
        asked = st.selectbox(
            "The truth, asked of the model", names, names.index(truth.get("question", names[0])), key=key("question")
        )
        takes = [each.name for each in fields(QUESTIONS[asked]) if each.name not in ("model", "text")]
        given = truth if truth.get("question") == asked else _seen(step)
        rest = {name: given[name] for name in takes if name in given}
        typed = st.text_area("With, a line each", _lines(rest), key=key(f"with {asked}"), height=100)
        st.caption(plain(f"{_about(QUESTIONS[asked])} Takes: {', '.join(takes) or 'nothing'}."))
    with right:
        if kind == "number":
            step.pop("options", None)
            step["of"] = _typed(st.text_input("Of its numbers, the one called", step.get("of", ""), key=key("of")))
            step["least"] = st.number_input("Slider from", value=float(step.get("least", 0)), key=key("least"))
            step["most"] = st.number_input("to", value=float(step.get("most", 1)), key=key("most"))
        else:
            options = st.text_area(
                "Options, a line each: names of its numbers; none for all",
                "\n".join(step.get("options", [])),
                key=key("options"),
                height=100,
            )
            step["options"] = [_typed(each.strip()) for each in options.splitlines() if each.strip()]
    step["after"] = _typed(
        st.text_area("Say afterwards; {name} stands for a number", step.get("after", ""), key=key("after"))
    )
    same = {name: value for name, value in truth.items() if name in ("model", "text")}
    try:
        step["truth"] = {"question": asked, **same, **read_arguments(readable(typed))}
    except ValueError:
        problem(_WRONG)


def _take_along(made: Draft) -> None:
    """Try it, take it along, or leave it; where it is no lesson yet, why."""
    with st.container(horizontal=True, vertical_alignment="center", key="take_lesson"):
        try:
            found = made.lesson()
        except HeadlightError as error:
            found = None
            st.caption(plain(f"Not yet a lesson. {error}"))
        if found is not None:
            st.button("Try it", type="primary", on_click=_try, args=(found,), key="try_lesson")
            st.download_button("Take the lesson along", made.file(), "lesson.toml", "text/plain", on_click="ignore")
        st.button("Leave it", on_click=end, key="leave_lesson")


def _try(found: Any) -> None:
    open_own(found)
    start(OWN)


def _about(question: type) -> str:
    """What it asks, in the first sentence of its own words."""
    return (question.__doc__ or "").strip().partition("\n")[0].replace("`", "")


def _seen(step: dict[str, Any]) -> dict[str, Any]:
    """The head that a view of the attention page shows, from which a question of it may begin."""
    said = dict(parse_qsl(step.get("view", "").partition("?")[2]))
    layer, head = said.get("layer", ""), said.get("head", "")
    if not (layer.isdecimal() and head.isdecimal()):
        return {}
    card = MODELS.get(said.get("model", ""))
    own = "decoder" if card is not None and card.family == "decoder" else "encoder"
    return {"kind": said.get("kind", own), "layer": int(layer), "head": int(head), "of": ""}


def _lines(given: dict[str, Any]) -> str:
    from models.lessons import file_text

    return file_text(given, []).strip()


def _typed(text: str | None) -> str:
    return readable(text or "")
