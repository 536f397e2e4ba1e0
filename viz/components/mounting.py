"""How every picture is mounted: with what its script is called and an ear for what goes wrong in it."""

import logging
import time
from collections.abc import Callable
from typing import Any

import streamlit as st

log = logging.getLogger(__name__)

_TOLD = "faults:told"
_MOST, _SECONDS = 5, 60.0
_LONGEST_MESSAGE, _LONGEST_STACK = 300, 4_000


def component(name: str, *, html: str = "", js: str, css: str = "") -> Callable[..., Any]:
    """Register the component `headlight.NAME`; returns the function that mounts it, which takes a key, its data and
    what to call when its values change.

    What goes wrong in its script (see mounting.js) is written into the log.
    """
    mount = st.components.v2.component(f"headlight.{name}", html=html or None, js=js, css=css or None)

    def mounted(*, key: str, **given: Any) -> Any:
        return mount(key=key, on_fault_change=lambda: _hear(name, key), **given)

    return mounted


def _hear(name: str, key: str) -> None:
    fault = getattr(st.session_state.get(key), "fault", None)
    if not isinstance(fault, dict):
        return
    now = time.monotonic()
    told = [each for each in st.session_state.get(_TOLD, ()) if now - each < _SECONDS]
    if len(told) >= _MOST:
        return
    st.session_state[_TOLD] = [*told, now]
    log.error("%s", written(name, str(fault.get("message", "")), str(fault.get("stack", ""))))


def written(name: str, message: str, stack: str) -> str:
    """A fault as the log has it: bounded, and nothing in it can pass for another line of the log."""
    first = f"The script of {name} failed in a browser: {_printable(message[:_LONGEST_MESSAGE])}"
    lines = stack[:_LONGEST_STACK].splitlines()
    return "\n".join([first, *(f"    | {_printable(line.strip())}" for line in lines if line.strip())])


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() else "�" for each in text)
