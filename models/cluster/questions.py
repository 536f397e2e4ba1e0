"""Which questions a worker takes: those that are written in `models`, and no other type."""

import dataclasses
from typing import Any

from models.cluster.errors import ClusterError
from models.cluster.travel import unpacked
from models.engine.engine import Request, StepsRequest

# What only cuts texts is done where it is asked, which needs no torch; people's own tokenizers are there as well, and
# what they fetch comes to the folder of models that all share.
_DONE_HERE = ("models.tokenization.", "models.loading.")


def is_for_workers(request: object) -> bool:
    """Whether it is computed on a worker and not where it is asked."""
    module = type(request).__module__
    return module.startswith("models.") and not module.startswith(_DONE_HERE)


def question(data: bytes) -> Any:
    """The question that was packed. Raises ClusterError for what is none."""
    asked = unpacked(data)
    kind = type(asked)
    is_frozen = dataclasses.is_dataclass(kind) and kind.__dataclass_params__.frozen
    if not is_frozen or not isinstance(asked, Request | StepsRequest) or not is_for_workers(asked):
        raise ClusterError(f"A worker was asked something that is no question ({kind.__qualname__}).")
    return asked
