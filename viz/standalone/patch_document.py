"""A picture and where the heads of a layer look on it, as one HTML document without a server."""

from viz.components.patch_view import PARTS, PatchLooks, PatchState, packed
from viz.standalone.document import document_of, pack_script, script_of

_KEY = "patch_view"


def patch_document(title: str, looks: PatchLooks, state: PatchState) -> str:
    """HTML: the picture as it is on the page, every head and every token of the layer to be chosen."""
    data, _ = packed(looks, _KEY, state)
    made = "Every head of this layer is in this file; numbers with ≈ are within a thirtieth of the largest of their row"
    return document_of(title, _KEY, pack_script(script_of("patch_host.js")) + data, made, PARTS)
