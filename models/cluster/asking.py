"""How an engine asks the workers: each question once more elsewhere where a worker is lost, a job from where it was."""

from collections.abc import Generator, Iterator
from typing import Any

from models.cluster.errors import LOST, ClusterError, WorkerLostError
from models.cluster.frames import Answered, Asked, Place, Step
from models.cluster.line import line
from models.cluster.questions import is_for_workers
from models.cluster.travel import packed
from models.engine.gate import tell
from models.engine.request_size import models_asked

# A question that ends its worker is not given to all of them.
_MOST_LOST = 2


class Workers:
    """Those of the cluster that HEADLIGHT_CLUSTER names (`models.engine.provider.Elsewhere`)."""

    def takes(self, request: object) -> bool:
        """All that needs a model, or torch."""
        return is_for_workers(request)

    def answer(self, request: Any) -> Any:
        """Raises what the request raises, ClusterError."""
        for frame in _frames(request, "answer", []):
            if isinstance(frame, Answered):
                return frame.value
        raise ClusterError(LOST)

    def steps(self, request: Any) -> Generator[Any, None, tuple[Any, ...]]:
        """Raises what the request raises, ClusterError."""
        known: list[Any] = []
        for frame in _frames(request, "steps", known):
            if isinstance(frame, Step):
                known.append(frame.value)
                yield frame.value
            elif isinstance(frame, Answered):
                return (frame.value,)
        return ()


def _frames(request: Any, asked: Asked, known: list[Any]) -> Iterator[Any]:
    """All frames but the places, of one worker after the other. known: the steps that have come, by then."""
    # Where several are asked about, one of them is where the others are computed as well.
    model = min(models_asked(request), default="")
    question, lost, before = packed(request), 0, 0
    while True:
        try:
            for frame in line().ask(model, asked, question, packed(tuple(known))):
                if isinstance(frame, Place):
                    tell(frame.place)
                else:
                    yield frame
        except WorkerLostError:
            # One that gets on is not what ends its workers.
            lost = 1 if len(known) > before else lost + 1
            before = len(known)
            if lost >= _MOST_LOST:
                raise ClusterError(LOST) from None
        else:
            return
