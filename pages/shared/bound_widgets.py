"""A widget that is tied to a choice: it shows what is chosen, and what a person does in it is chosen."""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from pages.shared.link import Choice
from pages.shared.thread import readable


def _as_it_is(value: Any) -> Any:
    return value


def bound(
    widget: Callable[..., Any],
    choice: Choice[Any],
    label: str | Sequence[str],
    *given: Any,
    key: str | None = None,
    shown: Callable[[Any], Any] = _as_it_is,
    meant: Callable[[Any], Any] = _as_it_is,
    also: Callable[[], None] | None = None,
    **more: Any,
) -> Any:
    """Draw one of Streamlit's widgets for a choice; its value, as the widget returns it.

    label: what it takes first; of tabs their titles. key: the widget's own, `NAME_box` where none is given. given,
    more: what the widget takes beside its label.
    shown: from the choice's value to the widget's. meant: the way back. also: called after it was chosen.
    """
    name = key or f"{choice.name}_box"
    st.session_state[name] = shown(choice.value)

    def chosen() -> None:
        value = st.session_state[name]
        choice.choose(meant(readable(value) if isinstance(value, str) else value))
        if also is not None:
            also()

    return widget(label, *given, key=name, on_change=chosen, **more)


def text_area(choice: Choice[Any], label: str, *, button: str = "Apply", **more: Any) -> str:
    """A text of more lines; more: as for `bound`. Keys without Ctrl apply it with the button, which takes the focus.

    button: what it is called. It is seen by fingers alone, which have no Ctrl+Enter, unless a page shows it to all.
    """
    typed = bound(st.text_area, choice, label, **more)
    st.button(button, key=f"{choice.name}_apply")
    return typed


def names_of(words: dict[Any, str]) -> dict[str, Any]:
    """For a widget that offers these values: them, and how each is called."""
    return {"options": list(words), "format_func": words.__getitem__}


def pick(choice: Choice[Any], label: str, words: dict[Any, str], **more: Any) -> Any:
    """One of a few, side by side, by their names; one is always chosen. more: as for `bound`."""
    return bound(st.segmented_control, choice, label, **names_of(words), required=True, wrap=True, **more)


def toggle(choice: Choice[Any], label: str, on: str, *, about: str | None = None, **more: Any) -> Any:
    """A switch: off is the choice's default, on the value `on`.

    about: what its question mark says. It stands beside the label: in it, a finger that asks would turn the switch.
    more: as for `bound`.
    """
    shown, meant = (lambda value: value != choice.default), (lambda is_on: on if is_on else choice.default)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key=f"{choice.name}_switch"):
        is_on = bound(st.toggle, choice, label, shown=shown, meant=meant, **more)
        if about:
            st.markdown("&nbsp;", help=about, width="content")
    return is_on
