"""The plan of a model: of a loaded one, of a published config, of a config.json that was pasted; without weights."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedConfig, PreTrainedModel

from models.anatomy.boxes_from_trace import Drawing
from models.anatomy.diagram import Diagram, ModelPlan
from models.anatomy.folded_layers import folded
from models.anatomy.module_recognition import ModuleRecognition
from models.anatomy.tracing import Trace, trace
from models.catalog import ARCHITECTURES
from models.engine import Engine
from models.errors import HeadlightError
from models.forward.inputs import model_inputs
from models.kv_cache.config_file import config_in
from models.kv_cache.facts_before_run import known_config
from models.loading.checks_before_reading import of_few_modules, readable_title, text_class_of
from models.loading.refusals import ModelRefusedError
from models.one_at_a_time import one_at_a_time

MOST_TOKENS = 100_000
_MOST_MODULES = 12_000
_MOST_TIES, _MOST_NAMES = 3, 4


class PlanError(HeadlightError):
    """A model that is not drawn."""


@dataclass(frozen=True)
class PlanRequest:
    """The plan of a model for a text.

    model: by its name; how many tokens the text has is told by its tokenizer, also where another model is drawn.
    of: "" for this model, the name of a known architecture, or "config" for the config.json in `config`.
    """

    model: str
    text: str
    of: str = ""
    config: str = ""

    def answer(self, engine: Engine) -> ModelPlan:
        """Raises what `model_inputs` raises, PlanError, and ModelRefusedError for a config that makes no model."""
        loaded = engine.model(self.model)
        inputs = model_inputs(loaded, self.text)
        count = len(inputs.ids)
        if self.of == "":
            return plan_of(
                type(loaded.model),
                loaded.model.config,
                count,
                len(inputs.target_ids),
                title=loaded.card.title,
                bits={name: 8 * each.element_size() for name, each in loaded.model.named_parameters()},
            )
        if self.of in ARCHITECTURES:
            known = ARCHITECTURES[self.of]
            return plan_of_config(known_config(known), count, title=known.title, bits=known.weight_bits)
        return plan_of_config(config_in(self.config), count)


def plan_of_config(config: PreTrainedConfig, tokens: int, *, title: str = "", bits: int = 0) -> ModelPlan:
    """The plan of the class that transformers names for a config; nothing is downloaded or allocated.

    bits: of a parameter; 0: as the config says. An encoder-decoder is given as many tokens to write as to read.

    Raises PlanError, ModelRefusedError.
    """
    model_class, own = _class_of(config)
    target = tokens if own.is_encoder_decoder else 0
    said = title or f"{readable_title(own.model_type)} of this config.json"
    return plan_of(model_class, own, tokens, target, title=said, bits=bits or _bits_said(config))


def plan_of(
    model_class: type[PreTrainedModel],
    config: PreTrainedConfig,
    tokens: int,
    target_tokens: int = 0,
    *,
    title: str,
    bits: int | Mapping[str, int],
) -> ModelPlan:
    """The plan of a class with this config, for a text of so many tokens.

    bits: of a number of each parameter, by names, or of all. Raises PlanError, ModelRefusedError.
    """
    if not 1 <= max(tokens, target_tokens) <= MOST_TOKENS:
        raise PlanError(f"A plan is drawn for 1 to {MOST_TOKENS:,} tokens; shorten the text.")
    # transformers imports classes when they are asked for, and swaps functions while a model is made.
    with one_at_a_time():
        seen = _traced(model_class, config, tokens, target_tokens)
    model: Any = seen.root.module
    names = {id(each): name for name, each in model.named_parameters()}
    of_all = bits if isinstance(bits, int) else 0
    of_each = {} if isinstance(bits, int) else bits
    every = Drawing(
        ModuleRecognition(seen), {key: of_each.get(name, of_all or 32) for key, name in names.items()}
    ).whole()
    return ModelPlan(
        title=title,
        architecture=type(model).__name__,
        model_type=str(config.model_type),
        tokens=tokens,
        target_tokens=target_tokens,
        width=_width(every),
        folded=folded(every),
        every=every,
        parameters=sum(each.parameters for each in every.boxes),
        bytes=sum(each.bytes for each in every.boxes),
        operations=sum(each.count for each in seen.operations),
        ties=tuple(_ties(model)),
        notes=tuple(_notes(every)),
    )


def _class_of(config: PreTrainedConfig) -> tuple[type[PreTrainedModel], PreTrainedConfig]:
    """The class, and the config that is its own: of a model that also sees, that of its text part."""
    try:
        return text_class_of(config), config
    except ModelRefusedError:
        text: Any = config.get_text_config()
        if type(text) is type(config):
            raise
        return text_class_of(text), text


def _bits_said(config: PreTrainedConfig) -> int:
    said = getattr(config, "dtype", None) or getattr(config.get_text_config(), "dtype", None) or torch.float32
    kind = getattr(torch, str(said).removeprefix("torch."), torch.float32)
    return 8 * kind.itemsize


def _traced(model_class: type[PreTrainedModel], config: PreTrainedConfig, tokens: int, target: int) -> Trace:
    """One forward of it. Raises PlanError, ModelRefusedError."""
    own = "headlight" if getattr(model_class, "_supports_sdpa", False) else "headlight_eager"
    why = ""
    for attention, experts in ((own, "batched_mm"), (own, "eager"), ("eager", "batched_mm"), ("eager", "eager")):
        try:
            model = _without_weights(model_class, config, attention, experts)
            return trace(model, _arguments(config, tokens, target))
        except HeadlightError:
            raise
        except Exception as error:  # noqa: BLE001 - a config may say anything, and its class stumbles on it
            why = type(error).__name__
    raise PlanError(
        f"{model_class.__name__} does not run without weights ({why}), so there is no plan of it: choose another model."
    )


def _without_weights(model_class: type[PreTrainedModel], config: PreTrainedConfig, attention: str, experts: str) -> Any:
    own: Any = copy.deepcopy(config)
    own._attn_implementation = attention
    own._experts_implementation = experts
    # As in the forward: tensors made outside of it have versions, of which the empty results know nothing.
    with torch.inference_mode(), torch.device("meta"), of_few_modules(_MOST_MODULES):
        made: Any = model_class(own)
        _put_aside(made)
    return made.eval()


def _put_aside(model: nn.Module) -> None:
    """What a class has made on the CPU whatever it was told (XLNet's `torch.FloatTensor`), where all else is."""
    known: dict[int, nn.Parameter] = {}
    for module in model.modules():
        for name, each in module._parameters.items():
            if each is not None and not each.is_meta:
                moved = nn.Parameter(each.detach().to("meta"), each.requires_grad)
                module._parameters[name] = known.setdefault(id(each), moved)


def _arguments(config: PreTrainedConfig, tokens: int, target: int) -> dict[str, Any]:
    def ids(count: int) -> torch.Tensor:
        return torch.zeros((1, count), dtype=torch.long, device="meta")

    found: dict[str, Any] = {"input_ids": ids(tokens)}
    if target:
        found["decoder_input_ids"] = ids(target)
    # With a cache some classes compute otherwise than in one go.
    return found | ({"use_cache": False} if hasattr(config, "use_cache") else {})


def _width(every: Diagram) -> int:
    """Of what goes from layer to layer."""
    layers = {each.name for each in every.boxes if each.kind == "layer"}
    return next((each.shape[-1] for each in every.arrows if each.target in layers and each.shape), 0)


def _ties(model: nn.Module) -> list[str]:
    """Which parameters stand in several places: the largest of them, and how many more."""
    places: dict[int, list[str]] = {}
    for name, each in model.named_parameters(remove_duplicate=False):
        places.setdefault(id(each), []).append(name)
    sizes = {id(each): each.numel() for each in model.parameters()}
    tied = sorted((each for each in places if len(places[each]) > 1), key=lambda each: -sizes[each])
    said = [" = ".join(_few(places[each])) for each in tied[:_MOST_TIES]]
    return said + ([f"and {len(tied) - _MOST_TIES:,} more"] if len(tied) > _MOST_TIES else [])


def _few(names: Sequence[str]) -> list[str]:
    return (
        [*names] if len(names) <= _MOST_NAMES else [*names[: _MOST_NAMES - 1], f"{len(names) - _MOST_NAMES + 1} more"]
    )


def _notes(every: Diagram) -> list[str]:
    found = []
    count = sum(each.parameters for each in every.every_box() if each.kind == "beside" and not each.like)
    if count:
        found.append(
            f"{count:,} parameters are in no box of their own: they did not run for this text, as experts that are "
            "modules of their own, or are a few numbers beside the parts."
        )
    inner = [box for each in every.boxes if each.kind == "layer" and each.inner for box in each.inner.boxes]
    if not any(each.kind == "sum" for each in inner):
        found.append("No plain residual sum was seen in this model's layers: they are drawn as they run.")
    if any(each.kind == "layer" and each.shared and not each.parameters for each in every.boxes):
        found.append("Its layers share their weights: they count in the first, and run in each.")
    return found
