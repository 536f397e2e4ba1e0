"""The lessons by theme, each with how far this browser has come in it."""

from collections.abc import Callable, Mapping, Sequence

from viz.components.scaffold import component, pack_picture

_PARTS = '<div class="themes"></div>\n'
_mount = component("lesson_list", _PARTS)


def lesson_list(lessons: Sequence[Mapping[str, object]], on_open: Callable[[tuple[str, int]], None]) -> None:
    """Show the list. lessons: as the browser reads them: name, title, theme, minutes, aim, cures, sources, steps.

    `on_open((name, step))` is called for the lesson that somebody opens, and the step that was reached.
    """
    _mount(key="lesson_list", data=pack_picture({"lessons": list(lessons)}), told={"open": (_opened, on_open)})


def _opened(value: object) -> tuple[str, int] | None:
    if not isinstance(value, Mapping):
        return None
    name, step = value.get("name"), value.get("step")
    return (name, step) if isinstance(name, str) and type(step) is int and 1 <= step <= 24 else None
