"""Reading a model from its files, or taking one over from memory."""

import copy
import logging
from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForImageClassification,
    AutoModelForMaskedLM,
    AutoModelForSeq2SeqLM,
    AutoModelForSequenceClassification,
    GenerationConfig,
    PreTrainedModel,
)
from transformers.utils.logging import disable_progress_bar

from models.catalog import NO_PACK, Family, ModelCard
from models.engine.model_room import put
from models.errors import HeadlightError
from models.forward.attention_implementation import use_headlight
from models.forward.check_at_load import checked
from models.forward.picture_probe import sight_of
from models.loaded import LoadedModel
from models.loading.adapters import merge
from models.loading.allowed_folders import FOLDER
from models.loading.card_by_name import card_of
from models.loading.checks_after_reading import check_sound
from models.loading.checks_before_reading import (
    CONFIG,
    ModelRefusedError,
    check_depth,
    check_whole,
    classifies_texts,
    config_has_masked_head,
    missing_of_picture,
)
from models.loading.gguf_tokenizer import tokenizer_of_gguf
from models.loading.hub_ids import HUB
from models.loading.model_files import copy_of_gguf, model_files
from models.loading.model_in_memory import card_figures, seeing_figures
from models.loading.model_memory import device_memory
from models.loading.packs import (
    HOME,
    PackError,
    expand_weights,
    expanded_size,
    made_once,
    model_folder,
    prepared_folder,
)
from models.loading.picture_processing import processing_of
from models.loading.placement import Placement, computing_device, failure_of, input_device, places_for
from models.loading.position_limit import position_limit
from models.loading.sandboxed_tokenizer import SandboxedTokenizer
from models.loading.tokenizer_files import tokenizers_in
from models.loading.vision_towers import classifies_pictures, seeing_part
from models.loading.weights_files import TensorInFile
from models.one_at_a_time import alone
from models.pictures import Processing
from models.tokenization import cut_by_text_alone

log = logging.getLogger(__name__)

# Bars for a person at a terminal; here they would fill a server's log.
disable_progress_bar()

_CHANCE = (
    "Its tokenizer leaves out merges by chance (dropout): that is switched off, so that a text is cut alike each time."
)
_CLASSES = {
    "encoder": AutoModel,
    "decoder": AutoModelForCausalLM,
    "seq2seq": AutoModelForSeq2SeqLM,
    "vision": AutoModel,
}


def load_model(name: str | Path, place: Placement | None = None) -> LoadedModel:
    """Load the model of this name straight to its place: the best one that has room, unless one is given.

    name: of a card, "hub:ORG/NAME" or "hub:ORG/NAME@REVISION" for what was downloaded, "folder:/PATH", or the path of a
        folder or .gguf file as it is, where it has a slash in it or is a `Path`.

    Raises UnknownModelError, PackError (missing or damaged files), ModelRefusedError, FolderError, HubError or
    DeviceError.
    """
    is_path = isinstance(name, Path) or (not name.startswith((FOLDER, HUB)) and "/" in name)
    card = card_of(f"{FOLDER}{Path(name).expanduser().absolute()}" if is_path else str(name))
    if place is None:
        return put(partial(places_for, card), partial(_read, card))
    return _read(card, place)


def _read(card: ModelCard, place: Placement) -> LoadedModel:
    _check_memory(card, place)
    if not card.folder:
        return _read_folder(card, place, model_folder(card))
    if card.pack.gguf is not None:
        return _read_folder(card, place, expanded_folder(card))
    with model_files(card) as files:
        return _read_folder(files.card, place, files.folder, files.tensors)


def expanded_folder(card: ModelCard) -> Path:
    """A folder with config, tokenizer and safetensors of the GGUF that this card was made of.

    Raises PackError where the file is damaged, is not read by transformers, or there is no room; ModelRefusedError
    where it has changed since the card was made.
    """
    target = prepared_folder(card)
    return made_once(target, lambda work: _expand(card, work), card.title, expanded_size(card), HOME)


def _expand(card: ModelCard, work: Path) -> None:
    try:
        with copy_of_gguf(card) as copy:
            files = tokenizer_of_gguf(card.title, copy.header, str(copy.config.model_type))
            alone(lambda: expand_weights(copy.folder, str(card.pack.gguf), work, config=copy.config))
        for name, data in files.items():
            (work / name).write_bytes(data)
    except (HeadlightError, MemoryError):
        raise
    except Exception as error:
        # What a stranger's file may hold: the libraries raise what they stumble on.
        log.warning("%s could not be expanded", card.name, exc_info=True)
        raise PackError(
            f"{card.title} could not be expanded ({type(error).__name__}): its GGUF file is damaged, or of a kind that "
            f"transformers does not read; it takes room for {expanded_size(card)} below HEADLIGHT_HOME."
        ) from error


def _check_memory(card: ModelCard, place: Placement) -> None:
    """Raise ModelRefusedError where a model is larger than all memory there is."""
    needed = sum(size for _, size in place.takes)
    has = device_memory(torch.device("cpu")) + sum(
        device_memory(torch.device(name)) for name, _ in place.takes if name != "cpu"
    )
    if needed > has:
        raise ModelRefusedError(
            f"{card.title} takes {needed / 1e9:,.1f} GB, and this machine has {has / 1e9:,.1f} GB of memory; choose a "
            "smaller model."
        )


def _read_folder(
    card: ModelCard, place: Placement, folder: Path, tensors: Mapping[str, TensorInFile] | None = None
) -> LoadedModel:
    """The model whose files lie in a folder of ours. tensors: its weights, where they are in files of somebody else."""
    try:
        read = alone(
            partial(_from_files, card, folder, place, tensors), is_final=lambda error: failure_of(error) is not None
        )
        model, missing, unexpected, tokenizer, target_tokenizer = read
        check_whole(missing, card.title)
        check_depth(model, unexpected, card.title)
        if card.adapter:
            merge(model, Path(card.adapter))
        return _prepare(model, tokenizer, card, target_tokenizer, place.note, folder)
    except HeadlightError:
        raise
    except Exception as error:
        # What a stranger's files may hold: the libraries raise what they stumble on.
        if failure_of(error) is not None:
            raise
        log.warning("%s could not be read", card.name, exc_info=True)
        if card.folder:
            raise ModelRefusedError(
                f"The files of {card.title} could not be read ({type(error).__name__}): weights, config.json and "
                "tokenizer do not fit together; get them anew."
            ) from error
        raise PackError(
            f"The files of {card.title} could not be read ({type(error).__name__}). Run `make clean` and `make run`."
        ) from error


def _from_files(
    card: ModelCard, folder: Path, place: Placement, tensors: Mapping[str, TensorInFile] | None
) -> tuple[PreTrainedModel, Collection[str], Collection[str], Any, Any]:
    """The model, what its files lack, what only they have, its tokenizer and that of its outputs; runs alone in the
    process.
    """
    model, missing, unexpected = _weights(card, folder, place, tensors)
    check_sound(model, missing)
    return model, missing, unexpected, *tokenizers_in(folder, card)


def _weights(
    card: ModelCard, folder: Path, place: Placement, tensors: Mapping[str, TensorInFile] | None
) -> tuple[PreTrainedModel, Collection[str], Collection[str]]:
    """The model, the names of the tensors that its class has and its files have not, and those that only they have.

    An encoder that was trained on masked words, or to classify texts, has its head with it, unless its files have none
    after all; so has a vision model that classifies pictures.
    """
    config = AutoConfig.from_pretrained(folder, local_files_only=True)
    classes: list[Any] = [_CLASSES[card.family]]
    if card.family == "encoder" and config_has_masked_head(config):
        classes.insert(0, AutoModelForMaskedLM)
    if card.family == "encoder" and classifies_texts(config.architectures or ()):
        classes.insert(0, AutoModelForSequenceClassification)
    if card.family == "vision" and classifies_pictures(config.architectures or ()):
        classes.insert(0, AutoModelForImageClassification)
    for model_class in classes:
        where: dict[str, Any] = {"dtype": place.dtype, "device_map": place.device_map, "max_memory": place.max_memory}
        if tensors is None:
            model, notes = model_class.from_pretrained(
                folder, local_files_only=True, use_safetensors=True, output_loading_info=True, **where
            )
        else:
            model, notes = _of_tensors(model_class, config, folder, tensors, where)
        missing = notes["missing_keys"]
        # A classifier reads its pooler as well.
        if not (missing if model_class is AutoModelForSequenceClassification else missing_of_picture(missing)):
            break
    return model, missing, notes["unexpected_keys"]


def _of_tensors(
    auto: Any, config: Any, folder: Path, tensors: Mapping[str, TensorInFile], where: dict[str, Any]
) -> tuple[PreTrainedModel, Any]:
    """What `from_pretrained` gives, of tensors that are read when it comes to them instead of files that it opens."""
    with torch.device("meta"):
        # Which class that is, and which part of the config it takes, is known to transformers alone.
        empty: Any = auto.from_config(config)
    generation = None
    if empty.can_generate():
        is_own = (folder / "generation_config.json").is_file()
        generation = GenerationConfig.from_pretrained(
            folder, None if is_own else CONFIG, local_files_only=True, _from_model_config=not is_own
        )
    return type(empty).from_pretrained(
        None,
        config=empty.config,
        state_dict=dict(tensors),
        generation_config=generation,
        output_loading_info=True,
        **where,
    )


def wrap_model(
    model: PreTrainedModel, tokenizer: Any, family: Family, processing: Processing | None = None
) -> LoadedModel:
    """Take over a transformers model in memory; its attention implementation is set and it is put in eval mode.

    The tokenizer (or None, when only token ids will be traced) is copied, so that the caller's keeps its settings.
    processing: how pictures are made ready for a vision model, where not as most models take them.

    Raises ArchitectureNotSupportedError when the class does not look its attention up in the registry or has no heads
    of one number, ModelRefusedError when it does not read text or differs from what transformers computes.
    """
    card = ModelCard(
        name="wrapped",
        title=type(model).__name__,
        family=family,
        pack=NO_PACK,
        **(seeing_figures(model) if family == "vision" else card_figures(model)),
        positions=None if family == "vision" else position_limit(model),
        parameters=model.num_parameters(),
        licence="",
        source="",
        precision=str(model.dtype).removeprefix("torch."),
    )
    return _prepare(model, copy.deepcopy(tokenizer), card, processing=processing)


def _prepare(
    model: PreTrainedModel,
    tokenizer: Any,
    card: ModelCard,
    target_tokenizer: Any = None,
    note: str = "",
    folder: Path | None = None,
    processing: Processing | None = None,
) -> LoadedModel:
    model.eval()
    if card.family == "vision":
        return _prepare_vision(model, tokenizer, card, note, folder, processing)
    classifier = None
    if card.family == "encoder" and classifies_texts([type(model).__name__]):
        inner: Any = model.base_model
        model, classifier = inner, model
    use_headlight(model)
    if _had_chance(tokenizer):
        note = f"{note} {_CHANCE}".strip()
    if target_tokenizer is None:
        target_tokenizer = _in_target_mode(tokenizer)
    loaded = LoadedModel(
        model=model,
        tokenizer=tokenizer,
        target_tokenizer=target_tokenizer,
        card=card,
        device=input_device(model),
        # A card may bound what the model itself would take: relative positions have no end, memory has.
        positions=position_limit(model) or card.positions,
        vocabulary=_rows_of_table(model),
        classifier=classifier,
        note=note,
    )
    return checked(loaded, folder)


def _prepare_vision(
    whole: PreTrainedModel, tokenizer: Any, card: ModelCard, note: str, folder: Path | None, processing: Any
) -> LoadedModel:
    use_headlight(whole)
    model = seeing_part(whole)
    loaded = LoadedModel(
        model=model,
        tokenizer=tokenizer,
        target_tokenizer=tokenizer,
        card=card,
        device=computing_device(model, whole.device),
        positions=None,
        vocabulary=0,
        classifier=None if model is whole else whole,
        note=note,
    )
    sight = sight_of(loaded, processing or processing_of(model.config, folder))
    return checked(replace(loaded, sight=sight), folder)


def _had_chance(tokenizer: Any) -> bool:
    """Whether chance was among what is switched off now, so that the text alone says how it is cut."""
    if isinstance(tokenizer, SandboxedTokenizer):
        return tokenizer.described.had_chance
    backend = getattr(tokenizer, "backend_tokenizer", None)
    return backend is not None and cut_by_text_alone(backend)


def _rows_of_table(model: Any) -> int:
    """How many ids the input embedding has rows for; what the config says where it is no table."""
    weight = getattr(model.get_input_embeddings(), "weight", None)
    return int(model.config.get_text_config().vocab_size if weight is None else weight.shape[0])


def _in_target_mode(tokenizer: Any) -> Any:
    """The tokenizer for target texts: a copy switched over once, where the class switches (Marian, NLLB, mBART).

    `tokenizer(text_target=...)` switches the shared one to and fro, under the eyes of everybody who uses it.
    """
    if not hasattr(tokenizer, "_switch_to_target_mode"):
        return tokenizer
    target = copy.deepcopy(tokenizer)
    target._switch_to_target_mode()
    return target
