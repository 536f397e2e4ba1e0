"""`python -m models.cluster.driver FD ADDRESS`: the driver of Ray's beside a web process (`models.cluster.line`).

It hands bytes on, in both directions, and reads none of them. It ends with the process that started it.
"""

import asyncio
import logging
import os
import socket
import sys
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from multiprocessing.connection import Connection
from typing import Any

import ray
from ray import serve
from ray.exceptions import (
    AuthenticationError,
    ObjectStoreFullError,
    OutOfMemoryError,
    RayActorError,
    RayError,
    TaskCancelledError,
    WorkerCrashedError,
)
from ray.serve.exceptions import BackPressureError, RayServeException

from models.cluster.errors import NO_WORKER, TOO_LARGE, TOO_MANY
from models.cluster.setting import APP, AUTO, DEPLOYMENT, NAMESPACE
from models.cluster.store import store_named
from models.cluster.wire import receive, send

log = logging.getLogger(__name__)

_REACH_SECONDS = 3.0
# A worker says at once that a question has come to it.
_BEGIN_SECONDS = 15.0
_LOST = (RayActorError, WorkerCrashedError, OutOfMemoryError, TaskCancelledError)


class _UnreachableError(Exception):
    """The cluster is not there, said in a sentence."""


def main(descriptor: int, address: str) -> None:
    """Connect, and hand on until the web process ends."""
    connection = Connection(descriptor)
    try:
        _connect(address)
    except _UnreachableError as error:
        send(connection, 0, "failed", str(error))
        return
    send(connection, 0, "connected")
    asyncio.run(_Handing(connection).until_left())
    # Ray's own way out waits for a cluster that may be away.
    os._exit(0)


def _connect(address: str) -> None:
    """Raises _UnreachableError."""
    where = "this machine" if address == AUTO else address
    found = _head(address)
    if not found:
        raise _UnreachableError("This machine is part of no cluster; whoever runs this server has to start one.")
    host, _, port = found.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _REACH_SECONDS).close()
    except (OSError, ValueError, OverflowError):
        raise _UnreachableError(
            f"The head of the cluster ({where}) does not answer at the moment; ask again in a minute."
        ) from None
    try:
        ray.init(address=found, namespace=NAMESPACE, log_to_driver=False, logging_level=logging.ERROR)
    except AuthenticationError:
        raise _UnreachableError(f"The cluster ({where}) wants a token that this server does not have.") from None
    except Exception as error:  # noqa: BLE001 - Ray has no class for it
        log.warning("Not connected to %s: %s: %s", where, type(error).__name__, error)
        raise _UnreachableError(
            f"What answers at the address of the cluster ({where}) is no cluster, or this machine is not part of it."
        ) from None


def _head(address: str) -> str:
    if address != AUTO:
        return address
    from ray._private.services import find_bootstrap_address

    return os.environ.get("RAY_ADDRESS", "") or find_bootstrap_address(None) or ""


class _Handing:
    """Messages of the web process to the cluster, and frames back."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._handle: Any = None

    async def until_left(self) -> None:
        """Until the web process has ended."""
        left = asyncio.Event()
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._listen, args=(loop, left), daemon=True).start()
        await left.wait()

    def _listen(self, loop: asyncio.AbstractEventLoop, left: asyncio.Event) -> None:
        try:
            while True:
                number, kind, content = receive(self._connection)
                loop.call_soon_threadsafe(self._take, number, kind, content)
        except (EOFError, OSError):
            loop.call_soon_threadsafe(left.set)

    def _take(self, number: int, kind: str, content: list[Any]) -> None:
        if kind == "leave":
            if number in self._tasks:
                self._tasks[number].cancel()
            return
        frames = self._asked if kind == "ask" else self._called
        task = self._tasks[number] = asyncio.create_task(self._hand(number, frames, content))
        task.add_done_callback(lambda _: self._tasks.pop(number, None))

    async def _hand(self, number: int, frames: Callable[..., AsyncGenerator[bytes, None]], content: list[Any]) -> None:
        try:
            async with aclosing(frames(*content)) as coming:
                async for frame in coming:
                    send(self._connection, number, "frame", frame)
            send(self._connection, number, "end")
        except _LOST as error:
            log.warning("A worker was lost: %s", type(error).__name__)
            send(self._connection, number, "lost")
        except BackPressureError:
            send(self._connection, number, "failed", TOO_MANY, False)
        except ObjectStoreFullError:
            send(self._connection, number, "failed", TOO_LARGE, False)
        except (TimeoutError, RayServeException) as error:
            log.warning("No worker: %s: %s", type(error).__name__, error)
            self._handle = None
            send(self._connection, number, "failed", NO_WORKER, not await _has_head())
        except RayError as error:
            log.warning("The cluster failed: %s: %s", type(error).__name__, error)
            send(self._connection, number, "failed", NO_WORKER, True)

    async def _asked(self, model: str, arguments: list[Any]) -> AsyncGenerator[bytes, None]:
        if self._handle is None:
            self._handle = await asyncio.wait_for(
                asyncio.to_thread(serve.get_deployment_handle, DEPLOYMENT, APP), _BEGIN_SECONDS
            )
        coming = self._handle.options(stream=True, multiplexed_model_id=model).frames.remote(*arguments)
        try:
            yield await asyncio.wait_for(anext(coming), _BEGIN_SECONDS)
            async for frame in coming:
                yield frame
        finally:
            # Of one that has come to its end, nothing is left to cancel.
            coming.cancel()

    async def _called(self, arguments: list[Any]) -> AsyncGenerator[bytes, None]:
        name, method, given = arguments
        store = await asyncio.wait_for(asyncio.to_thread(store_named, name), _BEGIN_SECONDS)
        yield await asyncio.wait_for(store.call.remote(method, given), _BEGIN_SECONDS)


async def _has_head() -> bool:
    """Whether the head answers."""
    try:
        await asyncio.wait_for(asyncio.to_thread(ray.nodes), _REACH_SECONDS)
    except Exception:  # noqa: BLE001 - whatever it is, it is no answer
        return False
    return True


if __name__ == "__main__":
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    main(int(sys.argv[1]), sys.argv[2])
