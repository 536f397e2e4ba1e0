"""What somebody asked for and stands out of sight: above or below the button that was pressed."""

from dataclasses import dataclass

import streamlit as st

from viz.components.into_sight import into_sight


@dataclass(frozen=True)
class Sight:
    """A container by its key. It is brought into sight once after it was `wanted`, as soon as it is drawn."""

    name: str

    def wanted(self) -> None:
        """Somebody asks for what will stand there: also what a button calls."""
        st.session_state[self._key] = self._asked + 1

    def drawn(self) -> None:
        """It stands there now, or is just being drawn."""
        if self._asked:
            into_sight(self.name, self._asked)

    @property
    def _asked(self) -> int:
        return st.session_state.get(self._key, 0)

    @property
    def _key(self) -> str:
        return f"sight:{self.name}"


# Controls, picture and inspector.
PICTURE = Sight("row_of_picture")
