"""From what a step opens to what is chosen on its page, and back from a page to its address."""

from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared import thread
from pages.shared.lesson_place import PLACE
from pages.shared.link import Choice, mirrored, note
from pages.shared.page import arrive_at
from pages.shared.registry import PageEntry, entry

if TYPE_CHECKING:
    from models.lessons import View


def open_view(view: "View", own_text: str | None, here: PageEntry) -> None:
    """Choose what the view names, everything else of its page being as it comes; another page is gone to.

    own_text: what stands in place of the view's text, whose tokens mean nothing there. here: the page that is open.
    """
    page = entry(view.page)
    query = dict(view.query)
    for each in page.choices:
        each.forget()
    if (model := _parsed(thread.MODEL, query)) is not None:
        thread.choose_model(model)
    text = own_text if own_text is not None else _parsed(thread.TEXT, query)
    if text is not None:
        thread.choose_text(text)
    if own_text is None and (token := _parsed(thread.TOKEN, query)) is not None:
        thread.TOKEN.choose(token)
    for each in page.choices:
        if (value := _parsed(each, query)) is not None:
            each.choose(value)
    arrive_at(page.address, _parsed(thread.TAB, query) or "")
    if page.address != here.address:
        st.switch_page(page.script)


def view_here(here: PageEntry) -> "View":
    """The view that is open, as its address says it."""
    from models.lessons import View

    beside = {each.name for each in (*PLACE, thread.PROJECTOR)}
    return View(here.address, tuple((name, said) for name, said in mirrored().items() if name not in beside))


def _parsed(choice: Choice[Any], query: dict[str, str]) -> Any:
    if choice.name not in query:
        return None
    try:
        return choice.parse(query[choice.name])
    except ValueError as error:
        note(str(error))
        return None
