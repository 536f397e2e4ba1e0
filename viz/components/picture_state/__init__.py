"""The state of a picture, which may change with each rerun, in a message of its own.

Streamlit sends a message that it has sent before as a reference of a hundred bytes. So a large picture whose message
says nothing of what is selected in it is sent once, and a selection costs what it holds.
"""

import hashlib
from collections.abc import Mapping

from viz.components.scaffold import component

_mount = component("picture_state")


def digest_of(*parts: bytes) -> str:
    """A name for what a picture holds: a state is of the picture with the same."""
    digest = hashlib.blake2b(digest_size=9)
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def picture_state(name: str, of: str, state: Mapping[str, object]) -> None:
    """Send the `state` of the picture `name` whose mark is `of`, after the picture itself."""
    _mount(key=f"{name}_state", data={"name": name, "of": of, **state})
