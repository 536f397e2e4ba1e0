"""Have this process ask a cluster, where HEADLIGHT_CLUSTER names one."""

from dataclasses import replace
from typing import Any

from models.cluster.asking import Workers
from models.cluster.setting import cluster_address
from models.cluster.without_torch import stand_in
from models.engine import engine
from models.engine.provider import Device, Provider, ask_elsewhere, provide, provided

# What models take on the workers is theirs to bound.
_NO_BOUND = 2**62


def join_cluster() -> None:
    """From now on, if it is set: no torch, and questions go to the workers. The cluster need not be there yet."""
    if cluster_address() is not None:
        stand_in()
        ask_workers()


def ask_workers() -> None:
    """The same for a process that has torch."""
    ask_elsewhere(Workers())
    provide(
        Provider(
            load_model=_load_model,
            load_tokenizer=provided().load_tokenizer,
            bytes_by_device=lambda loaded: dict(loaded.bytes_by_device),
            most_bytes=lambda _: _NO_BOUND,
            device=_device,
            failure_of=lambda _: None,
            let_go_of=lambda _: None,
            empty_caches=lambda: None,
        )
    )


def _load_model(name: str) -> Any:
    from models.model_facts.here import ModelHereRequest

    return engine.run(ModelHereRequest(name))


def _device(failed: frozenset[str]) -> Device:  # noqa: ARG001 - the workers know
    from models.model_facts.here import DeviceRequest

    found = engine.run(DeviceRequest())
    return replace(found, name=f"a worker of the cluster ({found.name})")
