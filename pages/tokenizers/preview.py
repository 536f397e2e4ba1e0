"""The tokenizers page at a glance: the sentence, cut by one tokenizer."""

from streamlit.delta_generator import DeltaGenerator

from models.catalog import TOKENIZERS
from models.engine import libraries
from pages.shared import thread
from pages.shared.asking import ask
from pages.shared.preview import is_of_the_thread
from pages.shared.theme import palette
from pages.tokenizers.examples import EXAMPLES
from viz.previews import pieces


def preview(status: DeltaGenerator) -> tuple[str, str]:
    """The picture, and what it is of. Raises HeadlightError."""
    libraries("models.tokenization")
    from models.tokenization import ComparisonRequest

    first = EXAMPLES[0]
    name = first.tokenizers[0]
    text = thread.TEXT.value if is_of_the_thread() else first.text
    column = ask(ComparisonRequest((name,), text, False, 0), status).columns[0]
    said = f"{TOKENIZERS[name].title}: {len(column.shown):,} tokens"
    return pieces(column.shown, said, palette()), said
