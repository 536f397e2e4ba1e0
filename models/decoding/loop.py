"""The one decoding loop of this project: token by token, for decoders and seq2seq models, in batches."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from transformers import Cache

from models.decoding.generation_step import Ending, GenerationStep, TextEnd
from models.decoding.prepared_generation import Prepared, prepare, prompt_ids
from models.decoding.sampling import Stage, draw, random_numbers, staged
from models.decoding.settings import DecodingSettings, SettingsError
from models.kv_cache import CacheMeasurement, CacheNorms, measure_cache, newest_norms
from models.loaded import LoadedModel
from models.tokenization import TextStream

Lock = Callable[[], AbstractContextManager[None]]
Prompt = str | Sequence[int]


def decode(
    loaded: LoadedModel,
    prompt: Prompt,
    settings: DecodingSettings | None = None,
    *,
    written: Sequence[int] = (),
    first: int | None = None,
    lock: Lock = nullcontext,
) -> Iterator[GenerationStep]:
    """Go on from `prompt`, one step at a time; greedily, it gives the tokens of `model.generate`.

    prompt: a text, or token ids that go to the model as they are. For a seq2seq model it is the source, and the
        decoder begins with its start token.
    settings: None is `DecodingSettings()`.
    written: tokens that were written before, with these settings and this seed; it goes on where they end, with the
        random numbers of the steps that follow.
    first: a token that is taken at the first step instead of a drawn one; the step's random number is passed over.
    lock: entered round each forward, for whoever shares a device.

    Nothing is computed before the first step is asked for, and nothing after the last one that was.

    Raises TextError, InputError (empty, too long), CannotWriteError (an encoder), SettingsError.
    """
    each = settings or DecodingSettings()
    for (step,) in decode_batch(loaded, [prompt], each, written=written, first=first, lock=lock):
        if step is not None:
            yield step


def decode_batch(
    loaded: LoadedModel,
    prompts: Sequence[Prompt],
    settings: DecodingSettings | Sequence[DecodingSettings],
    *,
    written: Sequence[int] = (),
    first: int | None = None,
    lock: Lock = nullcontext,
) -> Iterator[tuple[GenerationStep | None, ...]]:
    """Several prompts, or one prompt with several settings, in one batch; each item has one step per row.

    A row that has ended gives None while others go on. Settings may differ between rows in everything but the cache.
    Each row draws with its own seed's random numbers: it says what it would say alone.

    Raises what `decode` raises.
    """
    each = [settings] * len(prompts) if isinstance(settings, DecodingSettings) else list(settings)
    texts = list(prompts) * len(each) if len(prompts) == 1 else list(prompts)
    if not each or len(each) != len(texts):
        raise SettingsError(f"There are {len(texts)} prompts and {len(each)} settings; give one of both, or as many.")
    if len({one.cache for one in each}) > 1:
        raise SettingsError("All rows of a batch share one cache; give them settings with the same one.")
    if len(written) >= min(one.max_new_tokens for one in each):
        raise SettingsError(
            f"{len(written)} tokens are written already; ask for more than {len(written)} in all to go on from there."
        )
    ids = [prompt_ids(loaded, text) for text in texts]
    left = [
        replace(
            one,
            max_new_tokens=one.max_new_tokens - len(written),
            min_new_tokens=max(0, one.min_new_tokens - len(written)),
        )
        for one in each
    ]
    with lock():
        state = prepare(loaded, ids, left, written)
    yield from _steps(loaded, state, left, tuple(written), first, lock)


def _steps(
    loaded: LoadedModel,
    state: Prepared,
    settings: Sequence[DecodingSettings],
    written: tuple[int, ...],
    first: int | None,
    lock: Lock,
) -> Iterator[tuple[GenerationStep | None, ...]]:
    streams = [
        TextStream(loaded.tokenizer, (*(() if loaded.is_seq2seq else prompt), *written)) for prompt in state.prompts
    ]
    before = loaded.tokenizer.decode(list(written), skip_special_tokens=True) if written and loaded.tokenizer else ""
    ends_of = [TextEnd(one.stop, before) for one in settings]
    numbers = [random_numbers(one.seed, state.longest, len(written)) for one in settings]
    open_rows = set(range(len(settings)))
    for index in range(state.longest):
        with lock(), torch.inference_mode():
            logits = next_logits(loaded, state, is_first=index == 0)
            held, norms = _held(state, settings, is_first=index == 0)
        scores = _scores(state, logits)
        taken = first if index == 0 else None
        chosen = [
            _choose(scores[row], logits[row], one, numbers[row][index : index + 1], taken)
            if row in open_rows
            else state.padding
            for row, one in enumerate(settings)
        ]
        stages = _stages(state, settings, logits)
        told = _told(logits, scores, chosen)
        pieces = loaded.pieces(chosen)
        made: list[GenerationStep | None] = [None] * len(chosen)
        for row in sorted(open_rows):
            ends = _ending(state, settings[row], chosen[row], index)
            text = streams[row].add(chosen[row], is_last=ends is not None)
            if ends_of[row].comes_with(text) and ends != "end token":
                ends = "stop text"
            made[row] = GenerationStep(
                index=len(written) + index,
                token_id=chosen[row],
                text=text,
                piece=pieces[row],
                **told[row],
                ends=ends,
                cache=held,
                norms=norms,
                stages=stages.get(row, ()),
            )
            if ends is not None:
                open_rows.discard(row)
        state.ids = torch.cat([state.ids, torch.tensor(chosen, device=state.ids.device)[:, None]], dim=1)
        yield tuple(made)
        if not open_rows:
            return


def _choose(
    scores: Float[Tensor, " vocabulary"],
    logits: Float[Tensor, " vocabulary"],
    settings: DecodingSettings,
    numbers: Float[Tensor, " draw"],
    taken: int | None,
) -> int:
    if taken is not None:
        if not 0 <= taken < len(logits):
            raise SettingsError(f"There is no token {taken}; the vocabulary has {len(logits):,}.")
        return taken
    if settings.temperature == 0 and torch.isfinite(scores).any():
        return int(scores.argmax())
    return draw(scores, logits, numbers)[0]


def _told(
    logits: Float[Tensor, "row vocabulary"], scores: Float[Tensor, "row vocabulary"], chosen: Sequence[int]
) -> list[dict[str, Any]]:
    """What each row's step tells of its token's probability."""
    rows = torch.arange(len(chosen))
    ids = torch.tensor(chosen, device=logits.device)
    logs = torch.log_softmax(logits, dim=-1)
    own = logits[rows, ids][:, None]
    before = torch.arange(logits.shape[1], device=logits.device) < ids[:, None]
    rank = ((logits > own) | ((logits == own) & before)).sum(dim=-1)
    columns = {
        "probability": logs[rows, ids].exp(),
        "rank": rank,
        "drawn_probability": torch.softmax(scores, dim=-1)[rows, ids],
        "entropy": -torch.where(logs.isfinite(), logs.exp() * logs, 0).sum(dim=-1),
    }
    values = {name: column.tolist() for name, column in columns.items()}
    return [{name: column[row] for name, column in values.items()} for row in range(len(chosen))]


def next_logits(loaded: LoadedModel, state: Prepared, *, is_first: bool) -> Float[Tensor, "row vocabulary"]:
    """One forward: the logits of the next token of each row, float32; the state's cache and masks grow by one."""
    model: Any = loaded.model
    newest = 1 if state.arguments["use_cache"] and not is_first else None
    inputs = model.prepare_inputs_for_generation(
        state.ids, next_sequence_length=newest, is_first_iteration=is_first, **state.arguments
    )
    outputs = model(**inputs, return_dict=True)
    state.arguments = model._update_model_kwargs_for_generation(
        outputs, state.arguments, is_encoder_decoder=bool(model.config.is_encoder_decoder)
    )
    return outputs.logits[:, -1].to(torch.float32, copy=True)


def _held(
    state: Prepared, settings: Sequence[DecodingSettings], *, is_first: bool
) -> tuple[CacheMeasurement | None, CacheNorms | None]:
    """What the cache holds after a forward, and the norms of what is new in it, where a row asks for them."""
    cache = state.arguments.get("past_key_values") if state.arguments["use_cache"] else None
    # XLNet and Reformer keep something of their own.
    if not isinstance(cache, Cache):
        return None, None
    norms = None
    if settings[0].cache != "fp8" and any(one.with_norms for one in settings):
        norms = newest_norms(cache, state.ids.shape[1] if is_first else 1, with_cross=is_first)
    return measure_cache(cache), norms


def _scores(state: Prepared, logits: Float[Tensor, "row vocabulary"]) -> Float[Tensor, "row vocabulary"]:
    """What is drawn from, for each row: its logits after its own processors."""
    if len(state.processors) == 1:
        return state.processors[0].processors(state.ids, logits)
    scores = torch.empty_like(logits)
    for group in state.processors:
        places = list(group.rows)
        scores[places] = group.processors(state.ids[places], logits[places])
    return scores


def _stages(
    state: Prepared, settings: Sequence[DecodingSettings], logits: Float[Tensor, "row vocabulary"]
) -> dict[int, tuple[Stage, ...]]:
    """Every stage, for the rows that ask for it."""
    found = {}
    for group in state.processors:
        places = list(group.rows)
        if any(settings[row].with_stages for row in places):
            found |= dict(zip(places, staged(group.processors, state.ids[places], logits[places]), strict=True))
    return found


def _ending(state: Prepared, settings: DecodingSettings, token: int, index: int) -> Ending | None:
    if token in state.end_ids:
        return "end token"
    if index + 1 == settings.max_new_tokens:
        return "length"
    return "positions" if index + 1 == state.longest and state.is_bounded else None
