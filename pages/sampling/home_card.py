"""The sampling page at a glance: the tokens that are likeliest to come next."""

from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from pages.sampling.examples import EXAMPLES
from pages.shared.asking_engine import ask
from viz.home_cards import bars
from viz.inspector import Share

_MOST = 3


def preview(status: DeltaGenerator) -> tuple[str, str]:
    """The picture, and what it is of. Raises HeadlightError."""
    from models.attention import TracedTextRequest, TraceRequest

    first = EXAMPLES[0]
    model, text = first.model, first.text
    candidates = ask(TracedTextRequest(TraceRequest(model, text)), status).next_tokens[:_MOST]
    said = f"{MODELS[model].title}: what may come next"
    return bars([Share(each.text, each.probability) for each in candidates], said), said
