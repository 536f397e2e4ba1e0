"""How a browser goes about all pages: one entry of its history for each thing that a person did, and the Tab key."""

from viz.components.scaffold import component

_mount = component("browser_history")


def browsing() -> None:
    """To be called once for each run, before anything writes the address."""
    _mount(key="browsing", data=None)
