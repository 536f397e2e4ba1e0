"""What a person does in a component, on its way to the page: only what has the form that it should have."""

from collections.abc import Callable
from typing import TypeVar

import streamlit as st

Kind = TypeVar("Kind", int, str)


def one(key: str, name: str, kind: type[Kind], then: Callable[[Kind], None]) -> Callable[[], None]:
    """Calls `then` with what the component `key` says under this name, where that is a whole number or a text."""

    def call() -> None:
        said = _said(key, name)
        if isinstance(said, kind):
            then(said)

    return call


def pair(key: str, name: str, then: Callable[[int, int], None]) -> Callable[[], None]:
    """The same for two whole numbers at once."""

    def call() -> None:
        said = _said(key, name)
        if isinstance(said, list | tuple) and len(said) == 2 and all(isinstance(each, int) for each in said):
            then(said[0], said[1])

    return call


def _said(key: str, name: str) -> object:
    return getattr(st.session_state[key], name)
