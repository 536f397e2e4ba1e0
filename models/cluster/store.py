"""One object for all web processes of a cluster: a named actor that stays when those have ended."""

import logging
from typing import Any

import ray

from models.cluster.frames import Answered, Failed, Refused
from models.cluster.setting import NAMESPACE
from models.cluster.travel import name_of, named_class, packed, unpacked
from models.errors import HeadlightError, new_fault

log = logging.getLogger(__name__)


class Store:
    """Holds one object of a class of ours, whose methods are called one after the other."""

    def __init__(self, kind: str) -> None:
        self._held = named_class(kind)()

    def call(self, method: str, arguments: bytes) -> bytes:
        """What the method gives, or that it was refused or failed, as a frame (`models.cluster.frames`)."""
        try:
            if method.startswith("_"):
                raise AttributeError(method)  # noqa: TRY301 - as for one that is not there
            return packed(Answered(getattr(self._held, method)(*unpacked(arguments))))
        except HeadlightError as error:
            return packed(Refused(name_of(type(error)), (str(error),), ()))
        except Exception as error:
            fault = new_fault()
            log.exception("A store failed: fault %s", fault)
            return packed(Failed(fault, type(error).__name__))


def store_named(kind: str) -> Any:
    """The actor that holds the object of this class, made where there is none."""
    return (
        ray.remote(Store)
        .options(
            name=f"headlight-{kind}",
            namespace=NAMESPACE,
            lifetime="detached",
            get_if_exists=True,
            num_cpus=0,
            max_restarts=-1,
        )
        .remote(kind)
    )
