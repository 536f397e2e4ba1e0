"""What transformers prepares before its own loop, prepared for ours.

`generate(custom_generate=...)` is its public way to hand over the decoder's first ids, the encoder's output, the cache
that fits the architecture, and the processors that the model itself asks for (a forced first or last token).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from transformers import Cache, EncoderDecoderCache, QuantizedCache, StaticCache
from transformers.modeling_outputs import BaseModelOutput

from models.decoder_start import decoder_start
from models.decoding.sampling import DISABLED, Processors, generation_arguments, ordered
from models.decoding.settings import DecodingSettings
from models.errors import HeadlightError
from models.forward.inputs import InputError, model_inputs
from models.kv_cache import cache_shape, open_ended
from models.loaded import LoadedModel


class CannotWriteError(HeadlightError):
    """A model that has no next token, or none in this way."""


@dataclass(frozen=True)
class RowProcessors:
    """Transformers' processors for some rows of a batch: `processors(ids [row, token], logits)` changes the logits."""

    rows: tuple[int, ...]
    processors: Processors


@dataclass
class Prepared:
    """The state of a run: what it was asked (fixed) and what the forward takes next (changes with every step).

    ids: [row, token]: the prompt, or what the decoder of a seq2seq model begins with, then what was generated.
    prompts: each row's own tokens, without padding.
    processors: what changes the logits, for each group of rows with the same settings.
    end_ids: the tokens that end a text. padding: what finished rows go on with.
    longest: how many tokens may be generated, bounded by the model's positions where `is_bounded`.
    """

    ids: Tensor
    prompts: tuple[tuple[int, ...], ...]
    processors: tuple[RowProcessors, ...]
    arguments: dict[str, Any]
    end_ids: frozenset[int]
    padding: int
    longest: int
    is_bounded: bool


def prompt_ids(loaded: LoadedModel, prompt: str | Sequence[int]) -> tuple[int, ...]:
    """The prompt's tokens.

    Raises CannotWriteError for a model without a next token, NoDecoderStartError, TextError and InputError.
    """
    if not loaded.model.can_generate():
        raise CannotWriteError(
            f"{loaded.card.title} reads a text and writes none: it has no next token. "
            "Choose a decoder or a seq2seq model."
        )
    target = (decoder_start(loaded.model),) if loaded.is_seq2seq else None
    return model_inputs(loaded, prompt, target).ids


def prepare(
    loaded: LoadedModel,
    prompts: Sequence[tuple[int, ...]],
    settings: Sequence[DecodingSettings],
    written: Sequence[int] = (),
) -> Prepared:
    """Pad the prompts to one length, run the encoder if there is one, and make the cache.

    One prompt and one settings for each row; all settings name the same cache. written: what every row has written
    already, of which `max_new_tokens` and `min_new_tokens` of the settings do not speak.

    Takes the device: call it while holding its lock. Raises InputError where no position is left to write to,
    CannotWriteError where the architecture has no such cache.
    """
    model: Any = loaded.model
    end_ids, padding = ending_ids(model)
    given = prompts if loaded.is_seq2seq else [(*prompt, *written) for prompt in prompts]
    rows, mask = padded(given, padding, left=not loaded.is_seq2seq, device=loaded.device)
    more: dict[str, Any] = {}
    taken = rows.shape[1]
    if loaded.is_seq2seq:
        start = decoder_start(model)
        more = {"decoder_start_token_id": start}
        if written:
            more["decoder_input_ids"] = torch.tensor([[start, *written]] * len(rows), device=loaded.device)
        taken = 1 + len(written)
    longest, is_bounded = room_to_write(loaded, taken, max(one.max_new_tokens for one in settings))
    cache = settings[0].cache
    if cache == "static":
        more |= {"past_key_values": _static(model, rows, taken + longest)}
    elif cache == "fp8":
        more |= {"past_key_values": _fp8(loaded)}
    with torch.inference_mode():
        ids, _, arguments = model.generate(
            input_ids=rows,
            attention_mask=mask,
            max_new_tokens=longest,
            use_cache=cache != "none",
            pad_token_id=padding,
            custom_generate=_hand_over,
            **DISABLED,
            **more,
        )
        processors = tuple(_processors(loaded, rows, mask, settings, longest, arguments.get("encoder_outputs")))
    if isinstance(arguments.get("past_key_values"), Cache):
        open_ended(arguments["past_key_values"])
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


def _processors(
    loaded: LoadedModel, rows: Tensor, mask: Tensor, settings: Sequence[DecodingSettings], longest: int, encoded: Any
) -> Iterator[RowProcessors]:
    """Those that `generate` itself would use, in its order, for each group of rows with the same knobs."""
    groups: dict[DecodingSettings, list[int]] = {}
    for row, one in enumerate(settings):
        groups.setdefault(replace(one, seed=0, stop=()), []).append(row)
    for knobs, places in groups.items():
        # What the encoder made is not made again; whose rows it has is of no matter to a processor.
        given: dict[str, Any] = {}
        if encoded is not None:
            given = {"encoder_outputs": encoded, "decoder_start_token_id": decoder_start(loaded.model)}
        which = slice(None) if encoded is not None else places
        found = _processor_list(loaded, rows[which], mask[which], longest, generation_arguments(knobs), given)
        yield RowProcessors(tuple(places), ordered(found, knobs.order))


def processors_for(loaded: LoadedModel, prompt: Tensor, settings: DecodingSettings) -> Processors:
    """Transformers' processors for one row that goes on from `prompt` [1, token], in transformers' order.

    For a seq2seq model `prompt` is what its decoder begins with. Nothing is computed.
    """
    knobs, given = generation_arguments(settings), {}
    if loaded.is_seq2seq:
        # The decoder's own beginning; a source that is one token long stands for any.
        width = int(loaded.model.config.get_text_config().hidden_size)
        given = {
            "encoder_outputs": BaseModelOutput(torch.zeros((1, 1, width), device=prompt.device)),
            "decoder_input_ids": prompt,
            "decoder_start_token_id": int(prompt[0, 0]),
        }
        prompt = prompt[:, :1]
    with torch.inference_mode():
        mask = torch.ones_like(prompt)
        found = _processor_list(loaded, prompt, mask, settings.max_new_tokens, knobs, given)
    return ordered(found, settings.order)


def _processor_list(
    loaded: LoadedModel, ids: Tensor, mask: Tensor, longest: int, knobs: dict[str, Any], given: dict[str, Any]
) -> Any:
    model: Any = loaded.model
    return model.generate(
        input_ids=ids,
        attention_mask=mask,
        max_new_tokens=longest,
        use_cache=False,
        pad_token_id=0,
        custom_generate=_hand_over,
        **DISABLED | knobs,
        **given,
    )[1]


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


def settings_left_out(loaded: LoadedModel, settings: DecodingSettings) -> str:
    """What transformers leaves out of these settings without a word, in a sentence; "" where it does all of them."""
    end_ids, _ = ending_ids(loaded.model)
    ends = [word[0] for word in settings.bad_words if len(word) == 1 and word[0] in end_ids]
    if ends:
        named = " and ".join(piece.text for piece in loaded.pieces(ends))
        return (
            f"{named} ends a text and may still come: transformers leaves an end token out of the words that must not "
            "come. The minimum length forbids it."
        )
    if settings.min_new_tokens and not end_ids:
        return f"{loaded.card.title} has no end token, so that the minimum length changes nothing."
    return ""


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
    side = "left" if left else "right"
    rows = [torch.tensor(prompt, device=device) for prompt in prompts]
    ids = pad_sequence(rows, batch_first=True, padding_value=padding, padding_side=side)
    return ids, pad_sequence([torch.ones_like(row) for row in rows], batch_first=True, padding_side=side)


def _static(model: Any, rows: Tensor, positions: int) -> StaticCache | EncoderDecoderCache:
    """A cache that is allocated once. Not through `cache_implementation`: that would leave a length on the model.

    Raises CannotWriteError where the architecture has none.
    """
    config = model.config.get_text_config(decoder=True)
    try:
        own = StaticCache(config=config, max_cache_len=positions)
        if not model.config.is_encoder_decoder:
            return own
        return EncoderDecoderCache(own, StaticCache(config=config, max_cache_len=rows.shape[1]))
    except KeyError as error:
        raise CannotWriteError(
            f"transformers allocates no cache beforehand for layers of the kind {error} ({type(model).__name__}); "
            "choose the growing cache."
        ) from error


def _fp8(loaded: LoadedModel) -> QuantizedCache:
    """A growing cache of 8-bit floating-point numbers. Raises CannotWriteError where the architecture has none."""
    config: Any = loaded.model.config
    if config.is_encoder_decoder:
        raise CannotWriteError(
            f"The 8-bit cache of transformers is for decoders. {loaded.card.title} keeps the keys and values of its "
            "source as well, which its layers read directly, so that they cannot be rounded there."
        )
    kinds = sorted({layer.kind for layer in cache_shape(config, type(loaded.model))} - {"full", "latent"})
    if kinds:
        raise CannotWriteError(
            f"{loaded.card.title} has layers of the kind {' and '.join(kinds)}; the 8-bit cache of transformers is for "
            "models in which every layer keeps every position."
        )
    return QuantizedCache(backend="fp8", config=config)
