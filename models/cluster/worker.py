"""A replica: the ordinary engine, asked through Ray Serve, which says what it has as it has it."""

import asyncio
import logging
import platform
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from ray import serve

from models.catalog import MODELS
from models.cluster.errors import TOO_LARGE, ClusterError
from models.cluster.facts import THREAD
from models.cluster.frames import Answered, Asked, Began, Failed, Place, Refused, Step
from models.cluster.questions import question
from models.cluster.travel import CannotTravelError, name_of, packed, unpacked
from models.cluster.versions import check_same, versions
from models.engine import engine
from models.engine.cancellation import NobodyWaits
from models.engine.request_size import models_asked
from models.engine.stepwise import Stepwise
from models.errors import HeadlightError, new_fault
from models.loading.allowed_folders import FOLDER
from models.one_at_a_time import libraries

log = logging.getLogger(__name__)

Say = Callable[[Any], None]


class Worker:
    """What a deployment's replicas are made of. Each has models, a gate for its device, and answers of its own."""

    def __init__(self, most_bytes: int) -> None:
        """most_bytes: of one answer, as much as the machine's object store can hand over."""
        logging.getLogger("models").setLevel(logging.INFO)
        self._most_bytes = most_bytes
        # Whoever asks first would wait for it.
        libraries()

    async def check_health(self) -> None:
        """Serve asks it now and then: it answers as long as it runs, and loads nothing."""

    async def frames(self, asked: Asked, theirs: bytes, data: bytes, known: bytes) -> AsyncIterator[bytes]:
        """Answer a question with frames (`models.cluster.frames`), each packed.

        theirs: the versions of who asks. known: steps of a job that were computed already, packed; it goes on there.

        Whoever stops listening ends the computation, between two layers.
        """
        loop, said = asyncio.get_running_loop(), asyncio.Queue[bytes | None]()
        left = threading.Event()

        def say(frame: Any) -> None:
            self._put(loop, said, frame)

        def work() -> None:
            try:
                check_same(unpacked(theirs), versions(), platform.node())
                say(Began())
                _answer(asked, question(data), unpacked(known), say, lambda: not left.is_set())
            except NobodyWaits:
                pass
            except HeadlightError as error:
                say(_refused(error))
            except BaseException as error:
                fault = new_fault()
                log.exception("A question failed: fault %s", fault)
                say(Failed(fault, type(error).__name__))
            finally:
                loop.call_soon_threadsafe(said.put_nowait, None)

        threading.Thread(target=work, name=THREAD, daemon=True).start()
        try:
            while (frame := await said.get()) is not None:
                yield frame
            model = serve.get_multiplexed_model_id()
            if model and engine.has_model(model):
                await self.model_is_here(model)
        finally:
            left.set()

    async def model_is_here(self, name: str) -> str:
        """Have the others know that this replica has the model; the deployment makes it multiplexed."""
        return name

    def _put(self, loop: asyncio.AbstractEventLoop, said: "asyncio.Queue[bytes | None]", frame: Any) -> None:
        data = packed(frame)
        if len(data) > self._most_bytes:
            raise ClusterError(TOO_LARGE)
        loop.call_soon_threadsafe(said.put_nowait, data)


def _answer(asked: Asked, request: Any, known: tuple[Any, ...], say: Say, wanted: Callable[[], bool]) -> None:
    def on_wait(place: int) -> None:
        say(Place(place))

    for name in models_asked(request):
        _open(name)
    if asked == "answer":
        say(Answered(engine.run(request, on_wait, wanted)))
        return
    engine.each_step(_going_on(request, known), lambda step: say(Step(step)), on_wait, wanted)
    if isinstance(request, Stepwise) and request in engine.answers:
        say(Answered(engine.run(request)))


def _open(name: str) -> None:
    """Have a folder open that the web process opened: what of it this machine has, and lets people see, is its own.

    Raises FolderError, ModelRefusedError.
    """
    if name.startswith(FOLDER) and name not in MODELS:
        from models.loading import open_folder

        open_folder(name.removeprefix(FOLDER), anywhere=False)


def _going_on(request: Any, known: tuple[Any, ...]) -> Any:
    """The steps behind those that are known."""

    def steps() -> Iterator[Any]:
        if not known:
            yield from request.steps(engine)
        elif hasattr(request, "steps_after"):
            yield from request.steps_after(engine, known)
        else:
            # The same again, and what is known passed over.
            for number, step in enumerate(request.steps(engine)):
                if number >= len(known):
                    yield step

    return steps


def _refused(error: HeadlightError) -> Refused:
    more = tuple((name, value) for name, value in vars(error).items() if _travels(value))
    values = tuple(error.args) if _travels(tuple(error.args)) else (str(error),)
    return Refused(name_of(type(error)), values, more)


def _travels(value: object) -> bool:
    try:
        packed(value)
    except CannotTravelError:
        return False
    return True
