"""What all pages share: the order in which Streamlit wants it, the question, the text, the examples, columns and tabs.

A page says what is its own (`Page`) and calls `show`. The order, and why:

1. The link is read before anything is drawn: what it says decides what is drawn.
2. What the page's browser component is made of is registered, so that it is on its way while the server computes.
3. Where nothing was chosen at all, the first example is opened.
4. Question, examples and text are drawn outside of the fragment, so that they stay while it runs.
5. `explore` runs in a fragment: another head redraws neither the sidebar nor the text. It draws what it waits for
   nobody for, then asks for the picture, then the rest; what is wrong is said in its place.
6. The address is written last, once everything that may correct a choice has run.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from pages.shared import projector, thread
from pages.shared.bound_widgets import bound
from pages.shared.examples import Example
from pages.shared.link import Choice, has_notes, mirror, receive, run_again
from pages.shared.messages import forget_problems, in_place, keep_notes, problem, problems_said, show_notes
from pages.shared.plain_text import plain
from pages.shared.registry import PAGES, PageEntry, entry
from pages.shared.sentences_and_charts import remark, what_to_see
from pages.shared.text_choice import examples_row, text_form

_COLUMNS = (2.2, 7.0, 3.0)
_OPEN = "tabs:open"
_PAGE = "tabs:page"
_SHOWN = "page:shown"
_BEFORE = "page:before"
_WRONG = "page:wrong"


@dataclass(frozen=True)
class Page:
    """What is a page's own.

    address: as in the registry. explore: draws all below the text; told the place (an `st.empty`) where what is waited
    for is said. choices: beside the thread's. examples: the first is what the page opens with, unless `opens_itself`.
    about: what the examples are about; where one of these was chosen, and an example names it, the first is not opened.
    said: those of the choices that mean something for what is shown; all of them where it is not given.
    library: registers the browser component. has_text: False where `explore` draws the text itself, or there is none.
    pictured: what the picture is of (kind, layer, head, and so on) in words, for who does not see the controls; asked
    after `explore`. reads: what its models read; with one that reads something else it offers its own instead.
    """

    address: str
    explore: Callable[[DeltaGenerator], None]
    choices: tuple[Choice[Any], ...] = ()
    examples: Sequence[Example] = ()
    opens_itself: bool = False
    about: tuple[Choice[Any], ...] = (thread.TEXT, thread.MODEL)
    said: Callable[[], Sequence[Choice[Any]]] | None = None
    library: Callable[[], None] | None = None
    has_text: bool = True
    pictured: Callable[[], Sequence[str]] = tuple
    reads: Literal["text", "picture", "anything"] = "text"

    @property
    def every_choice(self) -> tuple[Choice[Any], ...]:
        """All that its link can say, the thread first."""
        return (*thread.THREAD, *self.choices, thread.TAB, thread.PROJECTOR)


def show(page: Page) -> None:
    """Draw the page: called by its script, last."""
    _come_to(page.address)
    receive(page.every_choice)
    if page.library is not None:
        page.library()
    _open_first(page)
    question = entry(page.address).question
    if projector.is_on():
        projector.begin(question)
    else:
        examples_row(
            question,
            [(each.label, each.look, lambda each=each: open_example(page, each)) for each in page.examples],
        )
        if page.has_text:
            text_form()
    _explore(page)


def name_first_model(here: PageEntry) -> None:
    """Called by the door before it names the model: where nobody chose a model or a text, and the page opens with an
    example that names another model, that example is opened now. The page does it too (`_open_first`), but by then all
    that stands before it has been sent, and would be sent again.
    """
    if here not in PAGES or thread.MODEL.is_chosen or thread.TEXT.is_chosen:
        return
    meant = next((each.chosen for each in here.examples), {})
    if meant.get(thread.MODEL, thread.MODEL.value) != thread.MODEL.value:
        _come_to(here.address)
        _choose({**meant, **({thread.TOKEN: thread.TOKEN.value} if thread.TOKEN.is_chosen else {})})


def _come_to(address: str) -> None:
    """Each page opens on its own first tab."""
    if st.session_state.get(_PAGE) != address:
        st.session_state[_PAGE] = address
        thread.TAB.forget()
        st.session_state.pop(_OPEN, None)


def arrive_at(address: str, tab: str) -> None:
    """The page with this address is gone to with this tab open, "" for its first one."""
    st.session_state[_PAGE] = address
    st.session_state.pop(_OPEN, None)
    thread.TAB.choose(tab)


def before_exploring(act: Callable[[], None] | None) -> None:
    """Have this called in each run of a page's fragment, before anything is drawn there; None for no more."""
    st.session_state[_BEFORE] = act


@st.fragment
def _explore(page: Page) -> None:
    st.session_state.pop(_SHOWN, None)
    forget_problems()
    if (before := st.session_state.get(_BEFORE)) is not None:
        before()
    named = projector.head("" if page.reads == "picture" else thread.TEXT.value) if projector.is_on() else None
    status = place_of_waiting()
    with in_place():
        if page.reads in ("anything", _reads(thread.MODEL.value)):
            page.explore(status)
        else:
            _offer_one_that_reads(page)
        if named is not None:
            projector.name(named, page.pictured())
    _settle(page)


def place_of_waiting(of: Literal["page", "columns"] = "page") -> DeltaGenerator:
    """Where what is waited for is said: over the page, of which it moves nothing (page.css)."""
    with st.container(key=f"waited_for_{of}"):
        return st.empty()


def _reads(model: str) -> Literal["text", "picture"]:
    return "picture" if MODELS[model].family == "vision" else "text"


def _offer_one_that_reads(page: Page) -> None:
    """The model was chosen on a page of another kind: what this one needs, and the first example that has it."""
    show_notes()
    title = plain(MODELS[thread.MODEL.value].title)
    if page.reads == "text":
        why = f"**{title} reads pictures.** This page is about a text: choose a model that reads texts."
    else:
        why = f"**{title} reads texts.** This page is about a picture: choose a model that sees, a vision transformer."
    models = ((each, each.chosen.get(thread.MODEL)) for each in page.examples)
    example = next(each for each, model in models if model is not None and _reads(model) == page.reads)
    offer_another_model(page, example, why, key="reads_otherwise")


def _settle(page: Page) -> None:
    """All that was chosen is shown now."""
    # What the page did not come to say, since something was wrong before.
    if has_notes():
        show_notes(are_more=True)
    mirror(thread.in_the_link(page.choices if page.said is None else page.said()))
    st.session_state[_SHOWN] = ([(each, each.value) for each in page.every_choice], open_now(page))


def part(draw: Callable[..., None], page: Page | None = None, own: Collection[Choice[Any]] = ()) -> Callable[..., None]:
    """A fragment of its own inside of the page's, which is run alone when its own component, or a widget in it, tells
    something.

    page, own: the page, and those of its choices that nothing outside of this part shows. With any other one, or where
    what is chosen is no longer the example that the page speaks of, the page runs again.

    A browser puts what two components tell at once into one message, which runs the fragment of the first alone: what
    was chosen in the other one is known by then and not shown, and the page runs again.
    """

    @st.fragment
    def drawn(*given: Any) -> None:
        shown = st.session_state[_SHOWN] if is_part_alone() else None
        if shown is not None:
            if page is not None and (before := st.session_state.get(_BEFORE)) is not None:
                before()
            values, example = shown
            is_elsewhere = any(choice.value != value for choice, value in values if choice not in own)
            if is_elsewhere or (page is not None and open_now(page) is not example):
                run_again()
        draw(*given)
        if shown is not None and page is not None:
            _settle(page)

    return drawn


def is_part_alone() -> bool:
    """Whether a part of the page runs without the page: all that stands in it stays until it is drawn anew."""
    return _SHOWN in st.session_state


def open_example(page: Page, example: Example) -> None:
    """Show an example as it was meant."""
    for choice in page.choices:
        choice.forget()
    _choose(example.chosen)


def _open_first(page: Page) -> None:
    """The first example, where nobody chose what it is about; what the link says of anything else stays."""
    if page.opens_itself or not page.examples:
        return
    meant = page.examples[0].chosen
    if any(each.is_chosen for each in page.about if each in meant):
        return
    is_another = meant.get(thread.MODEL, thread.MODEL.value) != thread.MODEL.value
    # Also what belongs to a text and a model: it was said of the page as it opens.
    said = {choice: choice.value for choice in page.every_choice if choice.is_chosen}
    _choose({**meant, **said})
    if is_another:
        # The sidebar has named another model already.
        keep_notes()
        run_again()


def _choose(meant: Mapping[Choice[Any], Any]) -> None:
    """The model and the text first, to which the others belong."""
    if thread.MODEL in meant:
        thread.choose_model(meant[thread.MODEL])
    if thread.TEXT in meant:
        thread.choose_text(meant[thread.TEXT])
    for choice, value in meant.items():
        if choice not in (thread.MODEL, thread.TEXT):
            choice.choose(value)


def open_now(page: Page) -> Example | None:
    """The example that is shown: the model and the text are its own, and so is all that it names; of several that fit
    the one that names most.
    """
    fitting = [each for each in page.examples if all(choice.value == value for choice, value in each.chosen.items())]
    return max(fitting, key=lambda each: len(each.chosen), default=None)


def offer_another_model(page: Page, example: Example, why: str, key: str) -> None:
    """Where this model has nothing to show: why, in Markdown, and the way to an example with a model that has.

    key: of the container; the button's is `show_decoder` where the example's model writes.
    """
    card = MODELS[example.chosen[thread.MODEL]]
    kind = "decoder" if card.family == "decoder" else "model"
    with st.container(key=key):
        st.info(why, icon=":material/info:")
        st.button(f"Show a {kind}: {card.title}", key=f"show_{kind}", on_click=open_example, args=(page, example))


# ----- Below the text


def columns(widths: Sequence[float] = _COLUMNS, of: str = "picture") -> list[DeltaGenerator]:
    """Left the controls, in the centre the picture, right the inspector.

    of: what the row is called, so that it is known before anything in it is there (page.css: the picture stands first
    where there is no room for three, and one that takes long has its height before).
    """
    with st.container(key=f"row_of_{of}"):
        return st.columns(widths, gap="medium")


@contextmanager
def inspector_in(column: DeltaGenerator, page: Page | None = None) -> Iterator[None]:
    """Round what stands beside the picture. page: what there is to see in its example that is shown stands first."""
    with column, st.container(key="inspector"):
        if page is not None and (example := open_now(page)) is not None:
            what_to_see(example.look)
        yield


@contextmanager
def controls_in(column: DeltaGenerator, draw: Callable[[], None], *, is_soon: bool) -> Iterator[None]:
    """Round the picture: whoever turns a knob waits for the picture, and has it before the controls are drawn anew;
    whoever waits for a model or a forward has the controls first.
    """

    def drawn() -> None:
        with column, in_place():
            draw()

    if not is_soon:
        drawn()
    yield
    if is_soon:
        drawn()


@dataclass(frozen=True)
class Tab:
    """Below the picture. left: called while it is not open, for what goes on in it only as long as somebody looks."""

    draw: Callable[[], object]
    left: Callable[[], object] = field(default=lambda: None)


def tab_name(title: str) -> str:
    """A tab as a link names it: "What if this head were off?" is what-if-this-head-were-off."""
    return "-".join(re.findall(r"\w+", title.lower()))


def tabs(key: str, parts: Mapping[str, Callable[[], object] | Tab]) -> None:
    """Tabs named by questions; only the open one is computed, and a link says which. Another set needs another key.

    On a projector the one that was opened stands alone.
    """
    titles = {tab_name(title): title for title in parts}
    if thread.TAB.value and thread.TAB.value not in titles:
        # One that was open here before goes with its kind of attention, without a word.
        if thread.TAB.value != st.session_state.get(_OPEN):
            st.info(thread.NO_SUCH_TAB, icon=":material/info:")
        thread.TAB.forget()
    before = st.session_state.get(_OPEN, "")
    if thread.TAB.value != before:
        thread.remember_tab(before if before in titles else "")
    st.session_state[_OPEN] = thread.TAB.value
    if not is_part_alone():
        st.session_state[_WRONG] = problems_said()
    if projector.is_on():
        _open_tab_alone(parts)
        return
    first = next(iter(titles))
    places = bound(
        st.tabs,
        thread.TAB,
        list(parts),
        key=key,
        shown=lambda name: titles.get(name, titles[first]),
        meant=lambda title: "" if title == titles[first] else tab_name(title),
    )
    for part, place in zip(parts.values(), places, strict=True):
        tab = part if isinstance(part, Tab) else Tab(part)
        if not place.open:
            tab.left()
            continue
        with place:
            with in_place(_say_in_tab):
                tab.draw()
            if has_notes():
                show_notes(are_more=True)


def _say_in_tab(sentence: str) -> None:
    """What is wrong with the picture as well stands there already."""
    if sentence in st.session_state[_WRONG]:
        remark("There is nothing to show here either.")
    else:
        problem(sentence)


def _open_tab_alone(parts: Mapping[str, Callable[[], object] | Tab]) -> None:
    for title, part in parts.items():
        tab = part if isinstance(part, Tab) else Tab(part)
        if tab_name(title) != thread.TAB.value:
            tab.left()
            continue
        st.subheader(title, anchor=False)
        with in_place(_say_in_tab):
            tab.draw()
