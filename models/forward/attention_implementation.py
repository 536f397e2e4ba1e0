"""Which of the registered attention functions a model is loaded with."""

import inspect
import re
import sys
from functools import lru_cache
from typing import Any

from transformers import AttentionInterface, PreTrainedConfig, PreTrainedModel

from models.forward.capture import headlight
from models.loading.checks_before_reading import ArchitectureNotSupportedError, check_attention

SDPA, EAGER = "headlight", "headlight_eager"

# `config._attn_implementation == "eager"`, `... in ("eager", "sdpa")`: what stands after the comparison.
_ASKS = re.compile(
    r"""_attn_implementation(?:_internal)?\s*(?:==|!=|not\ in|in)\s*(\([^)]*\)|\[[^\]]*\]|"[^"]*"|'[^']*')"""
)
_QUOTED = re.compile(r"[\"']([a-z0-9_|]+)[\"']")


@lru_cache(maxsize=512)
def names_asked_for(file: str) -> frozenset[str]:
    """The names of implementations that a loaded Python module compares a config's with.

    file: its name in `sys.modules`. Code that computes otherwise for names it does not know (DeepSeek V3.2 gives its
    choice of keys as a mask to "eager" and "sdpa", and as numbers to all others) must be shown one that it knows.
    """
    module = sys.modules.get(file)
    try:
        source = inspect.getsource(module) if module is not None else ""
    except (OSError, TypeError):
        source = ""
    return frozenset(name for found in _ASKS.findall(source) for name in _QUOTED.findall(found))


def implementation_for(model_class: type[PreTrainedModel]) -> str:
    """The name with which models of this class are loaded.

    Headlight's SDPA only where the class says that SDPA computes it rightly, else the module's own eager function.
    Where the class's code asks for the name, it is "sdpa", and Headlight's function answers to that in the class's
    file (`stand_in_for_sdpa`).

    Raises ArchitectureNotSupportedError.
    """
    check_attention(model_class)
    asked = names_asked_for(model_class.__module__) & {"eager", "sdpa"}
    if not asked:
        return SDPA if model_class._supports_sdpa else EAGER
    if not model_class._supports_sdpa:
        raise ArchitectureNotSupportedError(
            f"{model_class.__name__} computes otherwise for each name of an attention function and knows none but its "
            "own, so its heads cannot be recorded; choose another architecture."
        )
    stand_in_for_sdpa(model_class.__module__)
    return "sdpa"


def stand_in_for_sdpa(file: str) -> None:
    """Have Headlight's function answer to the name "sdpa" in one file of modelling code.

    It computes what "sdpa" does, and records when a run is recorded: nothing changes for other models of the file. A
    file's own `AttentionInterface` is transformers' way to say this (see its docstring).
    """
    module: Any = sys.modules[file]
    if not isinstance(module.ALL_ATTENTION_FUNCTIONS, _StandIn):
        module.ALL_ATTENTION_FUNCTIONS = _StandIn()


class _StandIn(AttentionInterface):
    def __init__(self) -> None:
        super().__init__()
        self["sdpa"] = headlight


def use_headlight(model: PreTrainedModel) -> None:
    """Set the implementation of a model, and of each model inside it that has a config of its own.

    An inner model that does not look its attention up in the registry stays as it is: its heads are not recorded, and
    the check at load says so. Raises ArchitectureNotSupportedError for the model itself.
    """
    model.set_attn_implementation(implementation_for(type(model)))
    for each in model.modules():
        if isinstance(each, PreTrainedModel) and each._can_set_attn_implementation():
            name = implementation_for(type(each))
            for config in _configs_of(each):
                config._attn_implementation_internal = name


def _configs_of(model: PreTrainedModel) -> list[PreTrainedConfig]:
    """The configs that the modules of a model read, those of models inside it aside; a model that was put together
    (`EncoderDecoderModel`) has copies of those that its layers have.
    """
    inner = {
        below
        for each in model.modules()
        if isinstance(each, PreTrainedModel) and each is not model
        for below in each.modules()
    }
    return [
        value
        for each in model.modules()
        if each not in inner
        for value in each.__dict__.values()
        if isinstance(value, PreTrainedConfig)
    ]
