"""The pages' door to the models: requests in, arrays and strings out."""

from models.engine.cache import ByteCache, size_of
from models.engine.door import Engine, Request, device_name, engine
from models.engine.gate import Gate

__all__ = ["ByteCache", "Engine", "Gate", "Request", "device_name", "engine", "size_of"]
