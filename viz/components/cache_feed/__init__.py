"""The steps of a run on their way to the picture that shows them: only what the browser does not have yet."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st
from jaxtyping import Float

from viz.components.scaffold import component, pack

_mount = component("cache_feed")


@dataclass(frozen=True, eq=False)
class GrowthStep:
    """One step of a run.

    piece, text, probability: of the token that it drew.
    layers: for each cache layer, self before cross, its bytes, allocated bytes and positions, as they were measured.
    norms: of what the step stored: keys, then values; NaN for what a layer did not keep. [2, layer, position]
    cross_norms: of the source, with the first step; else empty.
    """

    piece: str
    text: str
    probability: float
    layers: tuple[tuple[int, int, int], ...]
    norms: Float[np.ndarray, "two layer position"]
    cross_norms: Float[np.ndarray, "two cross_layer source"]


def cache_feed(run: str, steps: Sequence[GrowthStep], since: int, *, is_done: bool, key: str) -> None:
    """Send `steps`, which are those of `run` from index `since` on; `seen` says how far the browser has come."""
    _mount(key=key, data=packed(run, steps, since, is_done=is_done), default={"seen": None}, on_seen_change=_nothing)


def seen(run: str, key: str) -> int:
    """How many steps of this run the browser has."""
    state = st.session_state.get(key)
    told = None if state is None else state.get("seen")
    if isinstance(told, list | tuple) and len(told) == 2 and told[0] == run and isinstance(told[1], int):
        return max(0, told[1])
    return 0


def packed(run: str, steps: Sequence[GrowthStep], since: int, *, is_done: bool) -> bytes:
    """The message to the browser: each step's token, its layers (equal neighbours once) and norms as float16."""
    header = {
        "run": run,
        "since": since,
        "count": since + len(steps),
        "isDone": is_done,
        "steps": [
            [step.piece, step.text, round(step.probability, 5), _grouped(step.layers), step.norms.shape[2]]
            for step in steps
        ],
        "source": steps[0].cross_norms.shape[1:] if steps else (0, 0),
    }
    arrays = [step.norms.astype(np.float16) for step in steps]
    return pack(header, [*arrays, steps[0].cross_norms.astype(np.float16)] if steps else [])


def _grouped(layers: Sequence[tuple[int, int, int]]) -> list[list[int]]:
    """[how many layers, bytes, allocated bytes, positions] for each run of equal neighbours."""
    groups: list[list[int]] = []
    for each in layers:
        if groups and tuple(groups[-1][1:]) == each:
            groups[-1][0] += 1
        else:
            groups.append([1, *each])
    return groups


def _nothing() -> None:
    """Does nothing: Streamlit keeps the state of a component only if it has a callback."""
