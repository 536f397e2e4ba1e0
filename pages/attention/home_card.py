"""The attention page at a glance: what one token of the sentence looks at in one head."""

from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from pages.attention.choices import head_name
from pages.attention.examples import EXAMPLES
from pages.shared.asking_engine import ask
from pages.shared.theme import palette
from viz.home_cards import strip


def preview(status: DeltaGenerator) -> tuple[str, str]:
    """The picture, and what it is of. Raises HeadlightError."""
    from models.attention import HeadMapRequest, HeadPictureRequest, TracedTextRequest, TraceRequest

    first = EXAMPLES[0]
    trace = TraceRequest(first.model, first.text)
    traced = ask(TracedTextRequest(trace), status)
    head_map = HeadMapRequest(trace, traced.kinds[-1], first.layer, first.head)
    row = ask(HeadPictureRequest(head_map, first.token), status).row
    looking = traced.tokens[first.token]
    said = f"{MODELS[first.model].title}, {head_name(first.layer, first.head)}: what “{looking}” looks at"
    return strip(traced.tokens, row, first.token, said, palette()), said
