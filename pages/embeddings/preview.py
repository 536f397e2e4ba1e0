"""The embeddings page at a glance: where the tokens lie after the last layer."""

from typing import TYPE_CHECKING

from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from pages.embeddings.examples import EXAMPLES
from pages.shared.asking import ask
from pages.shared.preview import is_of_the_thread, subject
from pages.shared.theme import palette
from viz.previews import dots

if TYPE_CHECKING:
    from models.embeddings import LayersMap


def preview(status: DeltaGenerator) -> tuple[str, str]:
    """The picture, and what it is of. Raises HeadlightError."""
    from models.embeddings import LayersMapRequest

    model, text = subject(EXAMPLES[0])
    lines = tuple(line.strip() for line in text.splitlines() if line.strip())
    found: LayersMap = ask(LayersMapRequest(model, lines, same_size=True), status)
    word = EXAMPLES[0].word
    marked = [not is_of_the_thread() and label.piece == word for label in found.labels]
    said = f"{MODELS[model].title}, after layer {len(found.points) - 1}: the tokens in context"
    if any(marked):
        said += f", “{word}” in orange"
    return dots(found.points[-1], marked, said, palette()), said
