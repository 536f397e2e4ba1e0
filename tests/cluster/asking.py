"""This process as one that asks a cluster, but that torch is here as well."""

import os
from contextlib import contextmanager


class _AllButTraces:
    """The workers, but for what no page asks, whose answer never leaves the engine: a test looks into it."""

    def __init__(self):
        from models.cluster.asking import Workers

        self._workers = Workers()
        self.answer, self.steps = self._workers.answer, self._workers.steps

    def takes(self, request):
        from models.attention import TraceRequest

        return self._workers.takes(request) and not isinstance(request, TraceRequest)


@contextmanager
def asking(address, *, has_models=False):
    """Engines that are made inside, and that of this process, ask the workers there. has_models: for a test to compare
    with, they load models here all the same.
    """
    from models.cluster import joining
    from models.engine import Engine, engine, provider

    before, said = provider.provided(), os.environ.get("HEADLIGHT_CLUSTER")
    os.environ["HEADLIGHT_CLUSTER"] = address
    joining.ask_workers()
    if has_models:
        provider.provide(before)
        provider.ask_elsewhere(_AllButTraces())
    engine.answers.forget_idle(0, 0)
    try:
        yield Engine()
    finally:
        provider.provide(before)
        provider.ask_elsewhere(None)
        del os.environ["HEADLIGHT_CLUSTER"]
        if said is not None:
            os.environ["HEADLIGHT_CLUSTER"] = said
