"""What transformers prepares before its own loop, prepared for ours.

`generate(custom_generate=...)` is its public way to hand over the decoder's first ids, the encoder's output, the cache
that fits the architecture, and the processors that the model itself asks for (a forced first or last token).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import EncoderDecoderCache, QuantizedCache, StaticCache

from models.attention.inputs import InputError, model_inputs
from models.decoding.settings import CacheName
from models.errors import HeadlightError
from models.kv_cache import cache_shape
from models.loaded import LoadedModel


class CannotWriteError(HeadlightError):
    """A model that has no next token, or none in this way."""


# Each knob that a page may turn is set to "does nothing" here, so that no checkpoint's generation_config turns it.
NEUTRAL: dict[str, Any] = {
    "do_sample": False,
    "num_beams": 1,
    "num_return_sequences": 1,
    "temperature": 1.0,
    "top_k": None,
    "top_p": 1.0,
    "min_p": None,
    "typical_p": 1.0,
    "epsilon_cutoff": 0.0,
    "eta_cutoff": 0.0,
    "repetition_penalty": 1.0,
    "no_repeat_ngram_size": 0,
    "encoder_no_repeat_ngram_size": 0,
    "encoder_repetition_penalty": 1.0,
    "min_length": 0,
    "min_new_tokens": None,
    "max_length": None,
    "output_scores": False,
    "return_dict_in_generate": False,
    "trust_remote_code": False,
}


@dataclass
class Prepared:
    """The state of a run: what it was asked (fixed) and what the forward takes next (changes with every step).

    ids: [row, token]: the prompt, or what the decoder of a seq2seq model begins with, then what was generated.
    prompts: each row's own tokens, without padding.
    end_ids: the tokens that end a text. padding: what finished rows go on with.
    longest: how many tokens may be generated, bounded by the model's positions where `is_bounded`.
    """

    ids: Tensor
    prompts: tuple[tuple[int, ...], ...]
    processors: Any
    arguments: dict[str, Any]
    end_ids: frozenset[int]
    padding: int
    longest: int
    is_bounded: bool


def prompt_ids(loaded: LoadedModel, prompt: str | Sequence[int]) -> tuple[int, ...]:
    """The prompt's tokens. Raises CannotWriteError for a model without a next token, TextError, InputError."""
    if not loaded.model.can_generate():
        raise CannotWriteError(
            f"{loaded.card.title} reads a text and writes none: it has no next token. "
            "Choose a decoder or a seq2seq model."
        )
    return model_inputs(loaded, prompt).ids


def prepare(loaded: LoadedModel, prompts: Sequence[tuple[int, ...]], max_new_tokens: int, cache: CacheName) -> Prepared:
    """Pad the prompts to one length, run the encoder if there is one, and make the cache.

    Takes the device: call it inside a turn. Raises InputError where no position is left to write to, CannotWriteError
    where the architecture has no such cache.
    """
    model: Any = loaded.model
    is_seq2seq = bool(model.config.is_encoder_decoder)
    end_ids, padding = ending_ids(model)
    rows, mask = padded(prompts, padding, left=not is_seq2seq, device=loaded.device)
    taken = 1 if is_seq2seq else rows.shape[1]
    longest, is_bounded = room_to_write(loaded, taken, max_new_tokens)
    more: dict[str, Any] = {}
    if cache == "static":
        more = {"past_key_values": _static(model, rows, taken + longest)}
    elif cache == "fp8":
        more = {"past_key_values": _fp8(loaded)}
    with torch.inference_mode():
        ids, processors, arguments = model.generate(
            input_ids=rows,
            attention_mask=mask,
            max_new_tokens=longest,
            use_cache=cache != "none",
            pad_token_id=padding,
            custom_generate=_hand_over,
            **NEUTRAL,
            **more,
        )
    return Prepared(
        ids=ids,
        prompts=tuple(prompts),
        processors=processors,
        arguments=arguments,
        end_ids=end_ids,
        padding=padding,
        longest=longest,
        is_bounded=is_bounded,
    )


def room_to_write(loaded: LoadedModel, taken: int, max_new_tokens: int) -> tuple[int, bool]:
    """How many tokens may be written after `taken` positions, and whether the model's positions bound it.

    Raises InputError where no position is left.
    """
    longest = max_new_tokens if loaded.positions is None else min(max_new_tokens, loaded.positions - taken)
    if longest < 1:
        raise InputError(
            f"This text fills all {loaded.positions:,} positions of {loaded.card.title}; shorten it, so that there is "
            "room to write."
        )
    return longest, longest < max_new_tokens


def ending_ids(model: Any) -> tuple[frozenset[int], int]:
    """The tokens that end a text, and the one with which rows are filled up."""
    config = model.generation_config
    end_ids = _as_list(config.eos_token_id)
    return frozenset(end_ids), next(iter([*_as_list(config.pad_token_id), *end_ids]), 0)


def _hand_over(
    model: Any,  # noqa: ARG001 - transformers passes it
    input_ids: Tensor,
    logits_processor: Any,
    stopping_criteria: Any,  # noqa: ARG001
    generation_config: Any,  # noqa: ARG001
    **arguments: Any,
) -> tuple[Tensor, Any, dict[str, Any]]:
    arguments.pop("synced_gpus", None)
    return input_ids, logits_processor, arguments


def _as_list(ids: int | Sequence[int] | None) -> list[int]:
    if ids is None:
        return []
    return [ids] if isinstance(ids, int) else list(ids)


def padded(
    prompts: Sequence[tuple[int, ...]], padding: int, *, left: bool, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Ids and mask [row, token]; a decoder's rows end together, so that each goes on at the same place."""
    widest = max(map(len, prompts))
    rows = torch.full((len(prompts), widest), padding, device=device)
    mask = torch.zeros((len(prompts), widest), dtype=torch.long, device=device)
    for row, prompt in enumerate(prompts):
        place = slice(widest - len(prompt), widest) if left else slice(len(prompt))
        rows[row, place] = torch.tensor(prompt, device=device)
        mask[row, place] = 1
    return rows, mask


def _static(model: Any, rows: Tensor, positions: int) -> StaticCache | EncoderDecoderCache:
    """A cache that is allocated once. Not through `cache_implementation`: that would leave a length on the model."""
    config = model.config.get_text_config(decoder=True)
    own = StaticCache(config=config, max_cache_len=positions)
    if not model.config.is_encoder_decoder:
        return own
    return EncoderDecoderCache(own, StaticCache(config=config, max_cache_len=rows.shape[1]))


def _fp8(loaded: LoadedModel) -> QuantizedCache:
    """A growing cache of 8-bit floating-point numbers. Raises CannotWriteError where the architecture has none."""
    config: Any = loaded.model.config
    if config.is_encoder_decoder:
        raise CannotWriteError(
            f"The 8-bit cache of transformers is for decoders: {loaded.card.title} reads the keys and values of its "
            "source past the cache, which would stay as they are."
        )
    kinds = sorted({layer.kind for layer in cache_shape(config)} - {"full", "latent"})
    if kinds:
        raise CannotWriteError(
            f"{loaded.card.title} has layers of the kind {' and '.join(kinds)}; the 8-bit cache of transformers is for "
            "models in which every layer keeps every position."
        )
    return QuantizedCache(backend="fp8", config=config)
