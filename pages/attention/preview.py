"""The attention page at a glance: what one token of the sentence looks at in one head."""

from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from pages.attention.choices import head_name
from pages.attention.examples import EXAMPLES
from pages.shared import thread
from pages.shared.asking import ask
from pages.shared.preview import is_of_the_thread, subject
from pages.shared.theme import palette
from viz.previews import strip


def preview(status: DeltaGenerator) -> tuple[str, str]:
    """The picture, and what it is of. Raises HeadlightError."""
    from models.attention import HeadMapRequest, HeadPictureRequest, TracedTextRequest, TraceRequest

    model, text = subject(EXAMPLES[0], ("encoder", "decoder"))
    trace = TraceRequest(model, text)
    traced = ask(TracedTextRequest(trace), status)
    kind = traced.kinds[-1]
    opening = next((each for each in EXAMPLES if each.model == model), None)
    layers = traced.layers_of(kind)
    layer, head = (opening.layer, opening.head) if opening is not None else (layers[len(layers) // 2], 0)
    if is_of_the_thread():
        token = thread.current_token(traced.tokens, traced.is_special, traced.spans)
    else:
        token = EXAMPLES[0].token
    row = ask(HeadPictureRequest(HeadMapRequest(trace, kind, layer, head), token), status).row
    said = f"{MODELS[model].title}, {head_name(layer, head)}: what “{traced.tokens[token]}” looks at"
    return strip(traced.tokens, row, token, said, palette()), said
