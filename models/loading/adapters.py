"""LoRA adapters, as peft writes them: what they add to the weights of their base model, added once to a copy of it.

W' = W + s B A, with s = alpha / r, or alpha / sqrt(r) where rank-stabilised. Source: Hu et al. 2021, LoRA: Low-Rank
Adaptation of Large Language Models, section 4.1; Kalajdzievski 2023, A Rank Stabilization Scaling Factor, section 3.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from models.catalog import MODELS, ModelCard
from models.catalog.hub_models import HUB_MODELS
from models.loading.allowed_folders import permitted
from models.loading.checks_before_reading import ADAPTER, CONFIG, readable_title
from models.loading.hub_ids import HUB, HubError
from models.loading.json_files import LARGEST, settings_in
from models.loading.model_files import card_in
from models.loading.refusals import ModelRefusedError
from models.loading.regular_files import OpenFolder, open_folder_at
from models.loading.weights_files import TensorInFile, tensors_of

WEIGHTS = "adapter_model.safetensors"
# How it was trained, or what its tensors tell anyway. Whatever else is set says something that is not done here.
_OF_NO_MATTER = frozenset(
    (
        *("peft_type", "peft_version", "task_type", "auto_mapping", "base_model_name_or_path", "revision"),
        *("inference_mode", "r", "lora_alpha", "lora_dropout", "use_rslora", "rank_pattern", "alpha_pattern"),
        *("target_modules", "exclude_modules", "layers_to_transform", "layers_pattern", "fan_in_fan_out"),
        *("init_lora_weights", "megatron_core", "qalora_group_size"),
    )
)
# Others (PiSSA, OLoRA, CorDA, LoftQ) change the base as well.
_BEGINNINGS = (True, False, None, "gaussian", "eva", "orthogonal")
_PAIR = re.compile(r"base_model\.model\.(.+)\.(?:lora_([AB])\.weight|lora_embedding_([AB]))")
_PATH = re.compile(r"[\w.]{1,200}", re.ASCII)
_LARGEST_RANK = 4_096


def base_of(folder: Path, *, anywhere: bool) -> ModelCard | None:
    """The card of the base model of an adapter, read from a pack, the hub's models on this machine, or a folder; None
    where this folder holds no adapter alone.

    anywhere: see `open_folder`: a base in a folder has to lie where one may look.

    Raises ModelRefusedError, FolderError, OSError.
    """
    with open_folder_at(folder) as here:
        if ADAPTER not in here.names or CONFIG in here.names:
            return None
        settings = _settings(here)
    name = settings.get("base_model_name_or_path")
    if not isinstance(name, str) or not name:
        raise ModelRefusedError(
            "This is an adapter (LoRA) and no whole model, and it does not name its base model: write it into "
            f"base_model_name_or_path of its {ADAPTER}."
        )
    for card in MODELS.values():
        if card.source == name:
            return card
    if name.startswith(("/", "~")):
        place = permitted(name, anywhere=anywhere)
        if not place.is_dir():
            raise ModelRefusedError(_missing("in the folder that it names"))
        return card_in(place, name="", title=readable_title(place.name), source="a folder of this machine")
    return _of_hub(name)


def adapted(base: ModelCard, folder: Path, **fields: Any) -> ModelCard:
    """The card of a base model with the adapter of this folder."""
    title = f"{base.title} with {readable_title(folder.name)}"
    return replace(
        base, title=title, adapter=str(folder), precision=f"{base.precision} LoRA added in memory.", **fields
    )


def merge(model: PreTrainedModel, folder: Path) -> None:
    """Add an adapter to the weights of a model that nobody else has. Raises ModelRefusedError, OSError."""
    with open_folder_at(folder) as here:
        settings = _settings(here)
        with tensors_of(here, (WEIGHTS,)) as tensors, torch.no_grad():
            for path, pair in _pairs(tensors).items():
                module = _module(model, path)
                weight = _weight(model, module, path)
                added = _delta(module, weight, pair) * _scale(settings, path, pair["A"].shape[0])
                weight.copy_(weight.float() + added.to(weight.device))


def _missing(where: str) -> str:
    return (
        f"This is an adapter (LoRA) and no whole model, and its base model is not {where}: fetch or copy that one "
        f"first, or change base_model_name_or_path in {ADAPTER}."
    )


def _of_hub(name: str) -> ModelCard:
    from models.loading.hub import is_fetched, open_fetched

    known = next((each for each, card in HUB_MODELS.items() if card.hub == name), f"{HUB}{name}")
    try:
        if is_fetched(known):
            return open_fetched(known)
    except HubError:
        # A name that no model of the hub can have: a relative path.
        pass
    raise ModelRefusedError(_missing("on this server"))


def _settings(here: OpenFolder) -> dict[str, Any]:
    """What its settings say, where all of it is done here. Raises ModelRefusedError."""
    if WEIGHTS not in here.names:
        raise ModelRefusedError(
            f"This is an adapter (LoRA) and no whole model, and it has no {WEIGHTS}; save it as safetensors."
        )
    said = settings_in(here.read(ADAPTER, LARGEST), ADAPTER)
    odd = [name for name, value in said.items() if value and name not in _OF_NO_MATTER]
    if said.get("bias") == "none":
        odd.remove("bias")
    if said.get("peft_type") != "LORA" or said.get("init_lora_weights") not in _BEGINNINGS:
        odd.insert(0, "peft_type" if said.get("peft_type") != "LORA" else "init_lora_weights")
    if odd:
        name = odd[0] if _PATH.fullmatch(odd[0]) else "something unknown"
        raise ModelRefusedError(
            f"This is an adapter (LoRA) and no whole model, and its {ADAPTER} sets {name}, which is not done here: "
            "merge it into its base model (merge_and_unload of peft, then save_pretrained), and open that."
        )
    return said


def _pairs(tensors: Mapping[str, TensorInFile]) -> dict[str, dict[str, TensorInFile]]:
    """The two factors for each module, by its path. Raises ModelRefusedError for what is none."""
    found: dict[str, dict[str, TensorInFile]] = {}
    for name, tensor in tensors.items():
        part = _PAIR.fullmatch(name)
        if part is None or len(tensor.shape) != 2:
            shown = name if _PATH.fullmatch(name) else "a tensor"
            raise ModelRefusedError(
                f"Its {WEIGHTS} holds {shown}, which is no factor of LoRA; merge it into its base model with peft, and "
                "open that."
            )
        found.setdefault(part[1], {})[part[2] or part[3]] = tensor
    if not all({"A", "B"} <= pair.keys() for pair in found.values()):
        raise ModelRefusedError(f"Its {WEIGHTS} is damaged: of two factors one is missing; save it anew.")
    return found


def _module(model: PreTrainedModel, path: str) -> nn.Module:
    """The module of this path; what was trained with a head, or without, has another beginning."""
    modules, prefix = dict(model.named_modules()), model.base_model_prefix
    for each in (path, path.removeprefix(f"{prefix}."), f"{prefix}.{path}"):
        if each in modules:
            return modules[each]
    shown = path if _PATH.fullmatch(path) else "a part"
    raise ModelRefusedError(
        f"The adapter changes {shown}, which its base model has not: the two do not belong together."
    )


def _weight(model: PreTrainedModel, module: nn.Module, path: str) -> Tensor:
    weight = getattr(module, "weight", None)
    shown = path if _PATH.fullmatch(path) else "a part"
    if not isinstance(module, nn.Linear | nn.Embedding | Conv1D) or not isinstance(weight, Tensor) or weight.is_meta:
        raise ModelRefusedError(
            f"The adapter changes {shown}, which is no plain matrix here; merge it with peft, and open that."
        )
    if sum(each is weight for _, each in model.named_parameters(remove_duplicate=False)) > 1:
        raise ModelRefusedError(
            f"The adapter changes {shown}, whose weights another part of the model shares; merge it with peft, which "
            "says what becomes of that, and open it."
        )
    return weight


def _delta(module: nn.Module, weight: Tensor, pair: Mapping[str, TensorInFile]) -> Tensor:
    """B A in the shape of the weight: of tables, and of GPT-2's matrices, which are [in, out], the other way round."""
    is_turned = isinstance(module, nn.Embedding | Conv1D)
    rank, wide = pair["A"].shape
    tall, other = pair["B"].shape
    shape = (wide, tall) if is_turned else (tall, wide)
    if shape != tuple(weight.shape) or other != rank or not 0 < rank <= _LARGEST_RANK:
        raise ModelRefusedError(
            "The adapter was made for a model of another size than its base model: the two do not belong together."
        )
    product = pair["B"][...].float() @ pair["A"][...].float()
    return product.T if is_turned else product


def _scale(settings: Mapping[str, Any], path: str, rank: int) -> float:
    alpha = _of_pattern(settings, "alpha_pattern", path, settings.get("lora_alpha", 8))
    if _of_pattern(settings, "rank_pattern", path, settings.get("r", 8)) != rank:
        raise ModelRefusedError(f"Its {WEIGHTS} has another rank than its {ADAPTER} says; save it anew.")
    return alpha / (math.sqrt(rank) if settings.get("use_rslora") else rank)


def _of_pattern(settings: Mapping[str, Any], name: str, path: str, otherwise: Any) -> float | int:
    """What a pattern says of this module, the first that fits: the end of its path. peft reads them as regular
    expressions, which a stranger's file may make to run for ever: plain paths are taken and others refused.
    """
    patterns = settings.get(name) or {}
    numbers: list[Any] = [otherwise, *(patterns.values() if isinstance(patterns, dict) else ["no"])]
    are_plain = all(type(each) in (int, float) and math.isfinite(each) for each in numbers)
    if not are_plain or not all(_PATH.fullmatch(each.removeprefix("^")) for each in patterns):
        raise ModelRefusedError(
            f"Its {ADAPTER} has a {name} that is not read here: names of modules and numbers are expected."
        )
    return next((value for each, value in patterns.items() if _fits(each, path)), otherwise)


def _fits(pattern: str, path: str) -> bool:
    return path == pattern.removeprefix("^") or (not pattern.startswith("^") and path.endswith(f".{pattern}"))
