"""Brings a part of the page into sight that somebody asked for, once it is there."""

from viz.components.scaffold import component

_mount = component("into_sight")


def into_sight(name: str, asked: int) -> None:
    """To be called beside the container `name` (its CSS class is st-key-NAME), once it is drawn. asked: how often it
    was asked for; the page moves when that has grown.
    """
    _mount(key=f"into_sight_{name}", data={"name": name, "asked": asked})
