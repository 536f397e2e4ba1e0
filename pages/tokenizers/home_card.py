"""The tokenizers page at a glance: the sentence, cut by one tokenizer."""

from streamlit.delta_generator import DeltaGenerator

from models.catalog import TOKENIZERS
from models.one_at_a_time import libraries
from pages.shared.asking_engine import ask
from pages.shared.theme import palette
from pages.tokenizers.examples import EXAMPLES
from viz.home_cards import pieces


def preview(status: DeltaGenerator) -> tuple[str, str]:
    """The picture, and what it is of. Raises HeadlightError."""
    libraries("models.tokenization")
    from models.tokenization import StagesRequest

    first = EXAMPLES[0]
    name = first.tokenizers[0]
    shown = [each.text for each in ask(StagesRequest(name, first.text, split_special_tokens=False), status).pieces]
    said = f"{TOKENIZERS[name].title}: {len(shown):,} tokens"
    return pieces(shown, said, palette()), said
