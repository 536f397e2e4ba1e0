"""The vision page at a glance: the picture, lit where the class token looks."""

from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from pages.shared import thread
from pages.shared.asking_engine import ask
from pages.shared.loading import loading
from pages.vision.choices import EXAMPLES, LOOKS_FROM, PHOTO, PICTURES, SEE_HEAD, SEE_LAYER
from pages.vision.selection import head_name, place_name
from viz.home_cards import photo
from viz.picture_bytes import jpeg_of, lit


def preview(status: DeltaGenerator) -> tuple[str, str]:
    """The picture, and what it is of. Raises HeadlightError."""
    first = EXAMPLES[0].chosen
    model, layer, head = first[thread.MODEL], first[SEE_LAYER], first[SEE_HEAD]
    (place,) = first[LOOKS_FROM]
    with loading(model, status):
        from models.vision import CutPictureRequest, LayerWeightsRequest, PictureTraceRequest

        trace = PictureTraceRequest(model, f"example:{first[PHOTO]}")
        cut = ask(CutPictureRequest(trace), status)
        row = ask(LayerWeightsRequest(trace, layer, head, place), status)[0, 0]
    parts = row[len(cut.specials) :].reshape(cut.rows, cut.columns)
    what = PICTURES[first[PHOTO]].lower()
    said = f"{MODELS[model].title}, {head_name(layer, head)}: where the {place_name(cut, place)} looks on a {what}"
    return photo(jpeg_of(lit(cut.pixels, parts)), said), said
