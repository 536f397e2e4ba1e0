"""Whoever comes first waits for the libraries and for the model; the others do not."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from models.engine import engine
from models.one_at_a_time import libraries
from pages.shared.asking_engine import working


@contextmanager
def loading(model: str, status: DeltaGenerator) -> Iterator[None]:
    """Round what first needs this model; in `status` (an `st.empty`) stands that it is loaded, where it is not yet.

    Inside, what computes can be imported: torch comes with it, which is not waited for before the first paint.
    """
    said = working(f"Loading {MODELS[model].title}, once for everybody…", status)
    with nullcontext() if engine.has_model(model) else said:
        libraries()
        yield
