"""What the web process and its driver say to each other: small messages over a pipe, whose contents are bytes to it."""

from multiprocessing.connection import Connection
from typing import Any, Literal

import msgspec

# The web process sends questions ("ask": the model, and what goes to the worker) and calls of a shared store ("call"),
# each with a number of its own, and "leave" where nobody wants the answer any more. The driver sends "frame", and
# in the end "end", "lost" or "failed" with a sentence; with the number 0, "connected" or "failed" of the whole cluster.
Kind = Literal["ask", "leave", "call", "connected", "failed", "frame", "end", "lost"]


def send(connection: Connection, number: int, kind: Kind, *content: Any) -> None:
    """Send a message. Raises OSError where nobody is there."""
    connection.send_bytes(msgspec.msgpack.encode((number, kind, *content)))


def receive(connection: Connection) -> tuple[int, Kind, list[Any]]:
    """The next message. Raises EOFError and OSError where nobody is there any more."""
    number, kind, *content = msgspec.msgpack.decode(connection.recv_bytes())
    return number, kind, content
