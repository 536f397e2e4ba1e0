"""This process as one that asks a cluster, but that torch is here as well."""

import os
from contextlib import contextmanager


@contextmanager
def asking(address):
    """Engines that are made inside, and that of this process, ask the workers there."""
    from models.cluster import joining
    from models.engine import Engine, engine, provider

    before, said = provider.provided(), os.environ.get("HEADLIGHT_CLUSTER")
    os.environ["HEADLIGHT_CLUSTER"] = address
    joining.ask_workers()
    engine.answers.forget_idle(0, 0)
    try:
        yield Engine()
    finally:
        provider.provide(before)
        provider.ask_elsewhere(None)
        del os.environ["HEADLIGHT_CLUSTER"]
        if said is not None:
            os.environ["HEADLIGHT_CLUSTER"] = said
