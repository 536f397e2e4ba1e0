"""Asking the engine from a page, with the place in the queue shown while it waits."""

from typing import TypeVar

from streamlit.delta_generator import DeltaGenerator

from models.engine import Request, engine

Answer = TypeVar("Answer")


def ask(request: Request[Answer], status: DeltaGenerator) -> Answer:
    """The engine's answer; while somebody else computes, `status` (an `st.empty`) shows the place in the queue.

    Raises what the request raises.
    """

    def on_wait(place: int) -> None:
        status.info(f"Others are computing. Your place in the queue: {place}.", icon=":material/hourglass_top:")

    try:
        return engine.run(request, on_wait)
    finally:
        status.empty()
