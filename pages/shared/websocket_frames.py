"""The frames under what a browser says: the server's protocol works on each, and answers some, before anybody sees it.

A browser sends a frame for each message, and one now and then in answer to the server's. uvicorn works on all that one
read brings (a quarter of a megabyte are 40,000 frames of nothing) before anybody else has a turn, answers pings into a
buffer without an end, and gathers the parts of a message however many there are.
"""

import time
from typing import Any

# At once, and in a second for long.
BURST, IN_A_SECOND = 1_000, 100.0
# Of what was read, worked on before it is looked at how many frames there were.
_PIECE = 4_096


class Frames:
    """Counts those of one connection, which is cut off where they are too many."""

    def __init__(self, protocol: Any) -> None:
        """protocol: uvicorn's, with websockets' own as its `conn`."""
        self._transport = protocol.transport
        self._received, self._one_more = protocol.data_received, protocol.conn.recv_frame
        self._left, self._counted_at = float(BURST), time.monotonic()
        # asyncio and websockets ask the objects themselves for these each time; uvloop once, when it is told of one.
        protocol.data_received, protocol.conn.recv_frame = self.data_received, self.recv_frame
        self._transport.set_protocol(protocol)

    def data_received(self, data: bytes) -> None:
        """In place of the protocol's."""
        now = time.monotonic()
        self._left = min(float(BURST), self._left + (now - self._counted_at) * IN_A_SECOND)
        self._counted_at = now
        for start in range(0, len(data), _PIECE):
            if self._transport.is_closing():
                return
            self._received(data[start : start + _PIECE])
            if self._left < 0:
                self._transport.abort()

    def recv_frame(self, frame: Any) -> None:
        """In place of that of the protocol's `conn`."""
        self._left -= 1
        self._one_more(frame)
