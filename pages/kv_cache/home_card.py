"""The KV cache page at a glance: how long the kept values are, layer by layer and token by token."""

import numpy as np
from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from pages.kv_cache.examples import EXAMPLES
from pages.shared.asking_engine import ask
from pages.shared.theme import palette
from viz.home_cards import cells

_TOKENS = 4


def preview(status: DeltaGenerator) -> tuple[str, str]:
    """The picture, and what it is of. Raises HeadlightError."""
    from models.decoding import DecodingSettings, WriteRequest

    first = EXAMPLES[0]
    model, text = first.model, first.text
    steps = ask(WriteRequest(model, text, DecodingSettings(max_new_tokens=_TOKENS, with_norms=True)), status)
    columns = [step.norms.values for step in steps if step.norms is not None]
    values = np.concatenate(columns, axis=1)
    said = (
        f"{MODELS[model].title}: {values.shape[1]} tokens in {values.shape[0]} layers, each value as dark as it is long"
    )
    return cells(values, said, palette()), said
