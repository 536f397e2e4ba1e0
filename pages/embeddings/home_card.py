"""The embeddings page at a glance: where the tokens lie after the last layer."""

from typing import TYPE_CHECKING

from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from pages.embeddings.examples import EXAMPLES
from pages.shared.asking_engine import ask
from pages.shared.theme import palette
from viz.home_cards import dots

if TYPE_CHECKING:
    from models.embeddings import VectorMaps


def preview(status: DeltaGenerator) -> tuple[str, str]:
    """The picture, and what it is of. Raises HeadlightError."""
    from models.embeddings import VectorMapsRequest

    first = EXAMPLES[0]
    model, text = first.model, first.text
    lines = tuple(line.strip() for line in text.splitlines() if line.strip())
    found: VectorMaps = ask(VectorMapsRequest(model, lines, same_size=True), status)
    marked = [label.piece == first.word for label in found.labels]
    last = len(found.points) - 1
    said = f"{MODELS[model].title}, after layer {last}: the tokens in context, “{first.word}” in orange"
    return dots(found.points[-1], marked, said, palette()), said
