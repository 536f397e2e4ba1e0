"""A whole HTML document that somebody else's library wrote, in a frame that cannot reach the page."""

import numpy as np

from viz.components.scaffold import component, pack_picture

_mount = component("framed_document", "")


def framed_document(document: str, *, title: str, key: str) -> None:
    """Show it as high as it says it is. It runs its scripts, in an origin of its own: it sees nothing of this page.

    The document tells its parent `{height}` when it has drawn and whenever that changes, and is told the colours of the
    theme: `{scheme, ground, ink, mark}`.

    title: what the frame is called for those who do not see it.
    """
    data = np.frombuffer(document.encode(), dtype=np.uint8)
    _mount(key=key, data=pack_picture({"title": title, "size": len(data)}, (data,)))
