"""Registers and mounts the components, and reads the values that their scripts send."""

import logging
import time
from collections.abc import Callable, Mapping
from functools import cache
from threading import Lock
from typing import Any

from viz.components.scaffold.bundling import browser_source, is_alone, library_source, packed_source

log = logging.getLogger(__name__)

_TOLD = "faults:told"
# Two people who open a page at once would register it twice.
_REGISTERING = Lock()
_MOST, _SECONDS = 5, 60.0
_LONGEST_MESSAGE, _LONGEST_STACK = 300, 4_000
# For each value that a script tells: what reads it, since it comes from a browser (None where it is not as it should
# be), and what is done with it then.
Told = Mapping[str, tuple[Callable[[object], Any], Callable[[Any], None]]]


def component(name: str, parts: str | None = None) -> Callable[..., Any]:
    """Register the component of folder `name`; returns the function that mounts it, which takes a key, its data and
    what its script tells (`told`).

    parts: as for `skeleton`; None where nothing is drawn. What goes wrong in its script (see mount.js) is written into
    the log.
    """
    html = None if parts is None else skeleton(name, parts)
    return _registered(name, html, browser_source(name) if is_alone(name) else packed_source(name))


def skeleton(name: str, parts: str = "", *, is_hidden: bool = True) -> str:
    """The HTML that a view draws into: its own parts, the tooltip, and what a screen reader says (see view.js).

    is_hidden: until its script has given it its style.
    """
    said = '<div class="tip" hidden></div>\n<div class="unseen" aria-live="polite"></div>\n'
    return f'<div class="headlight {name.replace("_", "-")}"{" hidden" * is_hidden}>\n{parts}{said}</div>\n'


def large_component(name: str, parts: str = "") -> tuple[Callable[[], None], Callable[..., Any]]:
    """The same for a component whose script is large: a function that mounts the script, to be called once on a page,
    outside of fragments, and a function that mounts the component. See `library_source`.
    """
    library, data, picture = library_source(name)
    mount_library = _registered(f"{name}_library", "<i hidden></i>\n", library)

    def mounted() -> None:
        mount_library(key=f"{name}_library", data=data)

    return mounted, _registered(name, skeleton(name, parts), picture)


def _registered(name: str, html: str | None, script: str) -> Callable[..., Any]:
    @cache
    def mount() -> Callable[..., Any]:
        # Pictures also stand in files and notebooks (viz/standalone), where there is no Streamlit.
        import streamlit as st

        return st.components.v2.component(f"headlight.{name}", html=html, js=script)

    def mounted(*, key: str, told: Told | None = None, **given: Any) -> Any:
        heard: dict[str, Any] = {f"on_{each}_change": _heard(key, each, *how) for each, how in (told or {}).items()}
        with _REGISTERING:
            shown = mount()
        return shown(key=key, on_fault_change=lambda: _log_fault(name, key), **heard, **given)

    return mounted


def _heard(key: str, name: str, read: Callable[[object], Any], act: Callable[[Any], None]) -> Callable[[], None]:
    """A Streamlit callback for the value `name` of the component `key`."""

    def call() -> None:
        import streamlit as st

        value = read(getattr(st.session_state.get(key), name, None))
        if value is not None:
            act(value)

    return call


def number(value: object) -> int | None:
    """A whole number, as a browser told it."""
    return value if isinstance(value, int) else None


def numbers(count: int | None = None) -> Callable[[object], tuple[int, ...] | None]:
    """So many whole numbers; None: any number of them."""

    def read(value: object) -> tuple[int, ...] | None:
        is_list = isinstance(value, list | tuple) and count in (None, len(value))
        return tuple(value) if is_list and all(isinstance(each, int) for each in value) else None

    return read


def text(value: object) -> str | None:
    """A text."""
    return value if isinstance(value, str) else None


def _log_fault(name: str, key: str) -> None:
    import streamlit as st

    fault = getattr(st.session_state.get(key), "fault", None)
    if not isinstance(fault, dict):
        return
    now = time.monotonic()
    told = [each for each in st.session_state.get(_TOLD, ()) if now - each < _SECONDS]
    if len(told) >= _MOST:
        return
    st.session_state[_TOLD] = [*told, now]
    log.error("%s", logged(name, str(fault.get("message", "")), str(fault.get("stack", ""))))


def logged(name: str, message: str, stack: str) -> str:
    """A fault as the log has it: bounded, and nothing in it can pass for another line of the log."""
    first = f"The script of {name} failed in a browser: {_printable(message[:_LONGEST_MESSAGE])}"
    lines = stack[:_LONGEST_STACK].splitlines()
    return "\n".join([first, *(f"    | {_printable(line.strip())}" for line in lines if line.strip())])


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() else "�" for each in text)
