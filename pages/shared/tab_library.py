"""The script of a large component that one tab alone needs: it is on its way where that tab is open."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from pages.shared import thread
from pages.shared.link import run_again
from pages.shared.messages import keep_notes
from pages.shared.page import tab_name


@dataclass(frozen=True)
class TabLibrary:
    """key: of this in the session. title: of the tab. library: mounts the script."""

    key: str
    title: str
    library: Callable[[], None]

    def mount(self) -> None:
        """Called by the whole page: for `Page.library`."""
        is_open = thread.TAB.value == tab_name(self.title)
        st.session_state[self._mounted] = is_open
        # It has its place where the tab is not open too: all that comes later would be another element in the browser
        # otherwise, and every picture would be made anew when the tab is opened.
        place = st.empty()
        if is_open:
            with place:
                self.library()

    def needed(self) -> None:
        """Called by the tab before it mounts the component: a script is mounted by the whole page alone, which runs
        again where it was not.
        """
        if not st.session_state.get(self._mounted):
            keep_notes()
            run_again()

    @property
    def _mounted(self) -> str:
        return f"{self.key}:library mounted"
