"""Whole texts written in one batch: from several settings, over temperatures, or two from common random numbers."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar, TypeVar

import torch

from models.decoding.generation_step import Ending, GenerationStep, diverges_at
from models.decoding.loop import Prompt, decode_batch
from models.decoding.prepared_generation import prompt_ids
from models.decoding.repetition_and_diversity import TextFigures, figures_of
from models.decoding.sampling import random_numbers
from models.decoding.settings import DecodingSettings, SettingsError
from models.decoding.stages import NextToken, NextTokenRequest, stages_after
from models.engine import Engine, Stepwise
from models.kv_cache import bytes_at, cache_shape
from models.loaded import LoadedModel

MOST_ROWS = 64
MOST_SETTINGS = 4
# A batch of this size reads its prompts within seconds on a CPU; all the others wait for each of its forwards.
MOST_CACHE_BYTES = 512 * 1024**2
_MIB = 1024**2


@dataclass(frozen=True)
class BatchText:
    """One text, token by token.

    seed: it alone gives this text again. ids, pieces: of every token that was drawn, an end token too. parts: what each
    adds to the text. probabilities, log_probabilities: of each, the model's own, the latter in nats.
    ends: why it ends.
    """

    seed: int
    ids: tuple[int, ...]
    pieces: tuple[str, ...]
    parts: tuple[str, ...]
    probabilities: tuple[float, ...]
    log_probabilities: tuple[float, ...]
    ends: Ending | None

    @property
    def text(self) -> str:
        """The whole of it."""
        return "".join(self.parts)

    @property
    def own_ids(self) -> tuple[int, ...]:
        """Those of the text, without an end token."""
        return self.ids[:-1] if self.ends == "end token" else self.ids


@dataclass(frozen=True)
class SettingTexts:
    """What one setting wrote. texts: text r draws with the first seed + r; greedily all are the same."""

    settings: DecodingSettings
    texts: tuple[BatchText, ...]
    figures: TextFigures


@dataclass(frozen=True)
class BatchTexts:
    """What each setting wrote, in the order in which they were asked for."""

    each: tuple[SettingTexts, ...]


@dataclass(frozen=True)
class CommonNumbers:
    """Two texts from common random numbers.

    steps: of the first and the second. diverges_at: the first step at which the tokens differ, or one has none any
        more; None where they are the same to the end.
    number: the random number in [0, 1) of that step. intervals: the interval of [0, 1) in which each one's token is
        drawn there, the model's likeliest tokens lying first; None where one of them has no token there.
    """

    steps: tuple[tuple[GenerationStep, ...], tuple[GenerationStep, ...]]
    diverges_at: int | None
    number: float | None
    intervals: tuple[tuple[float, float], tuple[float, float]] | None


@dataclass(frozen=True)
class BatchProgress:
    """How far it is: so many of at most so many tokens, and how many rows go on."""

    tokens: int
    most: int
    going_on: int


Found = TypeVar("Found")


@dataclass(frozen=True)
class _Batch(Stepwise[BatchProgress, Found]):
    """A text that is continued several times at once."""

    model: str
    text: Prompt
    # A batch takes many times what a single text does: whoever went away is not waited for long.
    patience: ClassVar[float] = 10.0


@dataclass(frozen=True)
class BatchRequest(_Batch[BatchTexts]):
    """`count` continuations of a text with each of up to four settings, in one batch.

    Text r of each setting has the seed `seed + r`, so that all of them draw with the same random numbers; a greedy one
    draws nothing, is written once and stands for all of its texts.
    """

    settings: tuple[DecodingSettings, ...]
    count: int

    def __post_init__(self) -> None:
        if not 1 <= len(self.settings) <= MOST_SETTINGS:
            raise SettingsError(f"1 to {MOST_SETTINGS} settings can be compared, not {len(self.settings)}.")
        _check(self.settings, self.count)

    def computed(self, engine: Engine) -> Generator[BatchProgress, None, BatchTexts]:
        """Raises what `load_model` and `decode_batch` raise, SettingsError where the batch would be too large."""
        return _batch_texts(engine, self.model, self.text, self.settings, self.count)


@dataclass(frozen=True)
class SweepRequest(_Batch[BatchTexts]):
    """`count` continuations at each of some temperatures, all else being equal, in one batch: the answer is BatchTexts.

    0 is greedy: one text, which stands for all of them.
    """

    settings: DecodingSettings
    temperatures: tuple[float | int, ...]
    count: int

    def __post_init__(self) -> None:
        if not self.temperatures or len(set(self.temperatures)) < len(self.temperatures):
            raise SettingsError("A sweep goes over at least one temperature, each of them once.")
        _check(self._each(), self.count)

    def _each(self) -> tuple[DecodingSettings, ...]:
        return tuple(replace(self.settings, temperature=each) for each in self.temperatures)

    def computed(self, engine: Engine) -> Generator[BatchProgress, None, BatchTexts]:
        """Raises what a BatchRequest raises."""
        return _batch_texts(engine, self.model, self.text, self._each(), self.count)


@dataclass(frozen=True)
class CommonNumbersRequest(_Batch[CommonNumbers]):
    """A text continued with two settings and one seed: what differs is due to the settings alone."""

    settings: tuple[DecodingSettings, DecodingSettings]

    def __post_init__(self) -> None:
        _check(self.settings, 1)

    def computed(self, engine: Engine) -> Generator[BatchProgress, None, CommonNumbers]:
        """Raises what a BatchRequest raises."""
        rows = yield from _write_rows(engine, self.model, self.text, self.settings)
        ids = [[step.token_id for step in steps] for steps in rows]
        at = diverges_at(*ids)
        number = None if at is None else float(random_numbers(self.settings[0].seed, 1, first=at)[0])
        intervals = None
        if at is not None and all(at < len(each) for each in ids):
            asked = engine.run(NextTokenRequest(self.model, self.text, tuple(ids[0][:at])))
            first, second = (
                _interval(engine.model(self.model), asked, one, each[at])
                for one, each in zip(self.settings, ids, strict=True)
            )
            intervals = (first, second)
        return CommonNumbers((tuple(rows[0]), tuple(rows[1])), at, number, intervals)


def _check(settings: Sequence[DecodingSettings], count: int) -> None:
    """What can be said before a model is loaded."""
    if count < 1:
        raise SettingsError(f"At least one text is written with each setting, not {count}.")
    if len({one.seed for one in settings}) > 1:
        raise SettingsError("Settings are compared with the same luck: give all of them one seed.")
    rows = sum(_rows_of(one, count) for one in settings)
    if rows > MOST_ROWS:
        raise SettingsError(
            f"These are {rows} texts at once, and {MOST_ROWS} can be written; ask for fewer texts or fewer settings."
        )
    # Raises where a seed goes beyond the last one.
    replace(settings[0], seed=settings[0].seed + count - 1)


def _rows_of(settings: DecodingSettings, count: int) -> int:
    return count if settings.temperature > 0 else 1


def _batch_texts(
    engine: Engine, model: str, text: Prompt, settings: Sequence[DecodingSettings], count: int
) -> Generator[BatchProgress, None, BatchTexts]:
    sizes = [_rows_of(one, count) for one in settings]
    each = [replace(one, seed=one.seed + row) for one, size in zip(settings, sizes, strict=True) for row in range(size)]
    rows = yield from _write_rows(engine, model, text, each)
    written = iter([_written(one.seed, steps) for one, steps in zip(each, rows, strict=True)])
    found = []
    for one, size in zip(settings, sizes, strict=True):
        own = [next(written) for _ in range(size)]
        # The greedy text, as it would be written with every seed.
        texts = own if size == count else [replace(own[0], seed=one.seed + row) for row in range(count)]
        figures = figures_of(
            [text.own_ids for text in texts], [text.text for text in texts], [text.log_probabilities for text in texts]
        )
        found.append(SettingTexts(one, tuple(texts), figures))
    return BatchTexts(tuple(found))


def _write_rows(
    engine: Engine, model: str, text: Prompt, settings: Sequence[DecodingSettings]
) -> Generator[BatchProgress, None, list[list[GenerationStep]]]:
    """Write all rows, telling after each forward how far it is; the steps of each row."""
    loaded = engine.model(model)
    each = [replace(one, with_stages=False, with_norms=False) for one in settings]
    most = max(one.max_new_tokens for one in each)
    rows: list[list[GenerationStep]] = [[] for _ in each]
    _check_memory(loaded, len(prompt_ids(loaded, text)), most, each)
    for tokens, steps in enumerate(decode_batch(loaded, [text], each, lock=partial(engine.forward, loaded)), start=1):
        for row, step in zip(rows, steps, strict=True):
            if step is not None:
                # What a whole batch's cache held is of no use to a row, and would be kept with each of its steps.
                row.append(replace(step, cache=None))
        going_on = sum(step is not None and step.ends is None for step in steps)
        yield BatchProgress(tokens, most, going_on)
    return rows


def _check_memory(loaded: LoadedModel, read: int, most: int, settings: Sequence[DecodingSettings]) -> None:
    """Raises SettingsError where the cache of all rows would be too large."""
    size = int(
        bytes_at(
            cache_shape(loaded.model.config, type(loaded.model)),
            [most if loaded.is_seq2seq else read + most - 1],
            rows=len(settings),
            dtype=loaded.model.dtype,
            source_positions=read if loaded.is_seq2seq else 0,
        )[0]
    )
    if size > MOST_CACHE_BYTES:
        raise SettingsError(
            f"{len(settings)} texts at once would keep {size / _MIB:,.0f} MiB of keys and values, and "
            f"{MOST_CACHE_BYTES // _MIB} MiB are allowed; ask for fewer texts, fewer settings or fewer tokens, or "
            "shorten the text."
        )


def _written(seed: int, steps: Sequence[GenerationStep]) -> BatchText:
    return BatchText(
        seed=seed,
        ids=tuple(step.token_id for step in steps),
        pieces=tuple(step.piece.text for step in steps),
        parts=tuple(step.text for step in steps),
        probabilities=tuple(step.probability for step in steps),
        log_probabilities=tuple(-step.surprisal for step in steps),
        ends=steps[-1].ends,
    )


def _interval(loaded: LoadedModel, asked: NextToken, settings: DecodingSettings, token: int) -> tuple[float, float]:
    """The interval of [0, 1) in which a token is drawn, the likeliest lying first; a greedy one has all of it."""
    if settings.temperature == 0:
        return 0.0, 1.0
    shares = stages_after(loaded, asked, settings)[-1].probabilities.double()
    order = asked.order.long()
    place = int(torch.nonzero(order == token)[0])
    before = float(shares[order[:place]].sum())
    return before, min(1.0, before + float(shares[token]))
