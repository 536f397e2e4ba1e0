"""The anatomy page at a glance: what the parameters of a model are."""

from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from pages.anatomy.examples import EXAMPLES
from pages.shared import thread
from pages.shared.asking_engine import ask
from pages.shared.loading import loading
from viz.home_cards import bars
from viz.inspector import Share


def preview(status: DeltaGenerator) -> tuple[str, str]:
    """The picture, and what it is of. Raises HeadlightError."""
    model = EXAMPLES[0].chosen[thread.MODEL]
    with loading(model, status):
        from models.model_facts import ModelFactsRequest

        facts = ask(ModelFactsRequest(model), status)
    said = f"{MODELS[model].title}: where its {facts.parameters:,} parameters are"
    parts = sorted(facts.parts, key=lambda part: -part[1])
    return bars([Share(name, count / facts.parameters) for name, count in parts if count], said), said
