"""The pages' door to the models: requests in, arrays and strings out."""

from models.engine.asked import MOST_CHARACTERS, MOST_CHARACTERS_ALONE, RequestTooLargeError
from models.engine.cache import ByteCache, size_of
from models.engine.door import (
    ComputerFullError,
    DeviceFailureError,
    Engine,
    MemoryUse,
    Request,
    StepsRequest,
    device_name,
    engine,
)
from models.engine.gate import Gate, threads_asleep
from models.engine.jobs import JobError, Progress
from models.engine.shelf import ShelfFullError
from models.engine.threads import on_one_thread
from models.one_at_a_time import libraries

__all__ = [
    "MOST_CHARACTERS",
    "MOST_CHARACTERS_ALONE",
    "ByteCache",
    "ComputerFullError",
    "DeviceFailureError",
    "Engine",
    "Gate",
    "JobError",
    "MemoryUse",
    "Progress",
    "Request",
    "RequestTooLargeError",
    "ShelfFullError",
    "StepsRequest",
    "device_name",
    "engine",
    "libraries",
    "on_one_thread",
    "size_of",
    "threads_asleep",
]
