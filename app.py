"""The door: which pages there are, which model is loaded, which device computes.

Streamlit runs this file for each session. The server itself imports it, once, for `app`.
"""

from functools import cache
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from streamlit.navigation.page import StreamlitPage

from models.rust_panics import panics_as_failures
from pages.shared import start, thread
from pages.shared.device_line import said_before, show_device
from pages.shared.lesson_place import DRAFT, LESSON, PLACE
from pages.shared.limits import Bounded
from pages.shared.link import receive
from pages.shared.messages import take_unforeseen
from pages.shared.model_card import show_model_card
from pages.shared.model_choice import choose_model_box
from pages.shared.origin_check import Guarded
from pages.shared.page import name_first_model
from pages.shared.registry import EVERY_PAGE, HOME, LESSONS, ROOM, PageEntry, entry
from pages.shared.room_place import CODE
from pages.shared.server_shutdown import end_when_told
from pages.shared.theme import variables
from viz.components.browser_history import browsing
from viz.components.projector_keys import presenting
from viz.components.scaffold.bundling import COMPONENTS, bare_sheet
from viz.glossary import style

_FOLDER = Path(__file__).parent
_VIZ = _FOLDER / "viz"
_SHEETS = (_VIZ / "page.css", _VIZ / "covered_results.css", COMPONENTS / "scaffold" / "glossary_terms.css")
# While a lesson or a room is open: what stands beside every page, and the page beside that.
_BESIDE_PAGES, _BESIDE = _VIZ / "lesson_and_room.css", _VIZ / "page_beside_lesson.css"


@cache
def _style(page: PageEntry, *, has_lesson: bool, has_room: bool) -> str:
    """The glossary's sentences, the palette, the rules of all pages, and its own ones: sent with each run."""
    sheets = [*_SHEETS, *[_BESIDE_PAGES] * (has_lesson or has_room), _FOLDER / page.sheet]
    rules = [bare_sheet(each) for each in sheets if each.exists()]
    if has_lesson or has_room:
        beside = bare_sheet(_BESIDE)
        rules.append(beside if has_lesson else f"[data-question] {{{beside}}}")
    return f"<style>{style()}{variables()}\n{''.join(rules)}</style>"


def show() -> None:
    """What a session sees: the page that it opened, and the sidebar beside it."""
    st.set_page_config(
        page_title="Headlight",
        page_icon=str(_VIZ / "headlight.svg"),
        layout="wide",
        # A lesson stands on the other side, and the picture between them.
        initial_sidebar_state="collapsed" if LESSON.value or LESSON.name in st.query_params else 270,
    )
    page = st.navigation(_by_group())
    here = entry(page.url_path or HOME.address)
    browsing()
    presenting()
    if page.url_path:
        # The icon was named before the pages: theirs would be fetched from elsewhere.
        st.set_page_config(page_title=f"{page.title} · Headlight")
    thread.forget_refused()
    receive((*thread.THREAD, thread.PROJECTOR, *PLACE))
    if here in (HOME, LESSONS, ROOM):
        # They have no picture to stand alone.
        thread.PROJECTOR.forget()
    st.html(_style(here, has_lesson=bool(LESSON.value), has_room=bool(CODE.value)))
    is_arriving = False
    if CODE.value:
        from pages.shared.room_following import arrive as come_in
        from pages.shared.room_following import is_arriving as comes_in

        come_in(here)
        is_arriving = comes_in()
    if LESSON.value:
        from pages.shared.lesson_rail import arrive

        arrive(here)
    name_first_model(here)

    with st.sidebar:
        choose_model_box()
        if DRAFT in st.session_state and here != LESSONS:
            from pages.lessons.draft import add_view_box

            add_view_box(here)
        device = st.empty()
        device.caption(said_before())
        about = st.container()

    if LESSON.value and not is_arriving:
        from pages.shared.lesson_rail import rail

        rail(here)
    if CODE.value:
        from pages.shared.room_bar import room_parts

        room_parts()
    page.run()

    # Naming the device needs torch, which is imported after the page has been painted.
    show_device(device)
    with about:
        show_model_card()


def _by_group() -> dict[str, list[StreamlitPage]]:
    """The pages under their headings, in the order of the registry."""
    groups: dict[str, list[StreamlitPage]] = {}
    for each in EVERY_PAGE:
        groups.setdefault(each.group, []).append(_page(each))
    return groups


def _page(entry: PageEntry) -> StreamlitPage:
    is_home = entry == HOME
    address = None if is_home else entry.address
    return st.Page(entry.script, title=entry.title, icon=entry.icon, url_path=address, default=is_home)


if __name__ == "app":
    start.write_log()
    start.check_operator()
    start.take_descriptors()
    end_when_told()
    app = st.App(
        __file__,
        lifespan=start.lifespan,
        middleware=[Middleware(Guarded), Middleware(Bounded), Middleware(start.Attended)],
        on_script_error=take_unforeseen,
    )
else:
    with panics_as_failures():
        show()
