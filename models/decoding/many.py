"""Many whole texts at once: from several settings, over a sweep of temperatures, or two with the same luck."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import zip_longest
from typing import Any, ClassVar

import torch

from models.decoding.figures import TextFigures, figures_of
from models.decoding.loop import Prompt, decode_batch
from models.decoding.preparation import prompt_ids
from models.decoding.sampling import luck_of
from models.decoding.settings import DecodingSettings, SettingsError
from models.decoding.stages import NextToken, NextTokenRequest, stages_after
from models.decoding.steps import Ending, GenerationStep
from models.engine import Engine
from models.kv_cache import bytes_at, cache_shape

MOST_ROWS = 64
MOST_SETTINGS = 4
# A batch of this size reads its prompts within seconds on a CPU; all the others wait for each of its forwards.
MOST_CACHE_BYTES = 512 * 1024**2
_MIB = 1024**2


@dataclass(frozen=True)
class WrittenText:
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
    """What one setting wrote. texts: text r has the luck of the first seed + r; greedily all are the same."""

    settings: DecodingSettings
    texts: tuple[WrittenText, ...]
    figures: TextFigures


@dataclass(frozen=True)
class ManyTexts:
    """What each setting wrote, in the order in which they were asked for."""

    each: tuple[SettingTexts, ...]


@dataclass(frozen=True)
class SameLuck:
    """Two texts from the same numbers.

    steps: of the first and the second. parts_at: the first step at which the tokens differ, or one has none any more;
        None where they are the same to the end.
    luck: the number in [0, 1) of that step. reaches: from where to where the token of each lies in [0, 1) there, the
        model's likeliest tokens lying first; None where one of them has no token there.
    """

    steps: tuple[tuple[GenerationStep, ...], tuple[GenerationStep, ...]]
    parts_at: int | None
    luck: float | None
    reaches: tuple[tuple[float, float], tuple[float, float]] | None


@dataclass(frozen=True)
class ManyProgress:
    """How far it is: so many of at most so many tokens, and how many rows go on. `found` is there at the end."""

    tokens: int
    most: int
    going_on: int
    found: ManyTexts | SameLuck | None = None


@dataclass(frozen=True)
class ManyRequest:
    """`count` continuations of a text with each of up to four settings, in one batch.

    Text r of each setting has the seed `seed + r`, so that it has the same luck in all of them; a greedy one has no
    luck, is written once and stands for all of its texts.
    """

    model: str
    text: Prompt
    settings: tuple[DecodingSettings, ...]
    count: int
    # A batch takes many times what a single text does: whoever went away is not waited for long.
    patience: ClassVar[float] = 10.0

    def __post_init__(self) -> None:
        if not 1 <= len(self.settings) <= MOST_SETTINGS:
            raise SettingsError(f"1 to {MOST_SETTINGS} settings can be compared, not {len(self.settings)}.")
        _check(self.settings, self.count)

    def steps(self, engine: Engine) -> Iterator[ManyProgress]:
        """The last step has the ManyTexts, which are then kept as the answer. Raises what `answer` raises."""
        return _kept(self, engine, _many(engine, self.model, self.text, self.settings, self.count))

    def answer(self, engine: Engine) -> ManyTexts:
        """Raises what `load_model` and `decode_batch` raise, SettingsError where the batch would be too large."""
        return _last(_many(engine, self.model, self.text, self.settings, self.count))


@dataclass(frozen=True)
class SweepRequest:
    """`count` continuations at each of some temperatures, all else being equal, in one batch: the answer is ManyTexts.

    0 is greedy: one text, which stands for all of them.
    """

    model: str
    text: Prompt
    settings: DecodingSettings
    temperatures: tuple[float | int, ...]
    count: int
    patience: ClassVar[float] = 10.0

    def __post_init__(self) -> None:
        if not self.temperatures or len(set(self.temperatures)) < len(self.temperatures):
            raise SettingsError("A sweep goes over at least one temperature, each of them once.")
        _check(self._each(), self.count)

    def _each(self) -> tuple[DecodingSettings, ...]:
        return tuple(replace(self.settings, temperature=each) for each in self.temperatures)

    def steps(self, engine: Engine) -> Iterator[ManyProgress]:
        """The last step has the ManyTexts, which are then kept as the answer. Raises what `answer` raises."""
        return _kept(self, engine, _many(engine, self.model, self.text, self._each(), self.count))

    def answer(self, engine: Engine) -> ManyTexts:
        """Raises what a ManyRequest raises."""
        return _last(_many(engine, self.model, self.text, self._each(), self.count))


@dataclass(frozen=True)
class SameLuckRequest:
    """A text continued with two settings and one seed: what differs is due to the settings alone."""

    model: str
    text: Prompt
    settings: tuple[DecodingSettings, DecodingSettings]
    patience: ClassVar[float] = 10.0

    def __post_init__(self) -> None:
        _check(self.settings, 1)

    def steps(self, engine: Engine) -> Iterator[ManyProgress]:
        """The last step has the SameLuck, which is then kept as the answer. Raises what `answer` raises."""
        return _kept(self, engine, self._steps(engine))

    def answer(self, engine: Engine) -> SameLuck:
        """Raises what a ManyRequest raises."""
        return _last(self._steps(engine))

    def _steps(self, engine: Engine) -> Iterator[ManyProgress]:
        rows: list[list[GenerationStep]] = [[], []]
        progress = None
        for progress in _batch(engine, self.model, self.text, self.settings, rows):
            yield progress
        ids = [[step.token_id for step in steps] for steps in rows]
        at = next((at for at, pair in enumerate(zip_longest(*ids)) if pair[0] != pair[1]), None)
        luck = None if at is None else float(luck_of(self.settings[0].seed, 1, first=at)[0])
        reaches = None
        if at is not None and all(at < len(each) for each in ids):
            asked = engine.run(NextTokenRequest(self.model, self.text, tuple(ids[0][:at])))
            first, second = (
                _reach(engine, self.model, asked, one, each[at]) for one, each in zip(self.settings, ids, strict=True)
            )
            reaches = (first, second)
        found = SameLuck(steps=(tuple(rows[0]), tuple(rows[1])), parts_at=at, luck=luck, reaches=reaches)
        yield _at_the_end(progress, found)


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


def _many(
    engine: Engine, model: str, text: Prompt, settings: Sequence[DecodingSettings], count: int
) -> Iterator[ManyProgress]:
    sizes = [_rows_of(one, count) for one in settings]
    each = [replace(one, seed=one.seed + row) for one, size in zip(settings, sizes, strict=True) for row in range(size)]
    rows: list[list[GenerationStep]] = [[] for _ in each]
    progress = None
    for progress in _batch(engine, model, text, each, rows):
        yield progress
    written = iter([_written(one.seed, steps) for one, steps in zip(each, rows, strict=True)])
    found = []
    for one, size in zip(settings, sizes, strict=True):
        own = [next(written) for _ in range(size)]
        # The greedy text, as it would be written with every seed.
        texts = own if size == count else [replace(own[0], seed=one.seed + row) for row in range(count)]
        figures = figures_of(
            [text.own_ids for text in texts],
            [text.text for text in texts],
            [text.log_probabilities for text in texts],
        )
        found.append(SettingTexts(one, tuple(texts), figures))
    yield _at_the_end(progress, ManyTexts(tuple(found)))


def _batch(
    engine: Engine,
    model: str,
    text: Prompt,
    settings: Sequence[DecodingSettings],
    rows: Sequence[list[GenerationStep]],
) -> Iterator[ManyProgress]:
    """Write all rows, put each one's steps into `rows`, and tell after each forward how far it is."""
    loaded = engine.model(model)
    each = [replace(one, with_stages=False, with_norms=False) for one in settings]
    most = max(one.max_new_tokens for one in each)
    _check_memory(loaded, len(prompt_ids(loaded, text)), most, each)
    for tokens, steps in enumerate(decode_batch(loaded, [text], each, turn=partial(engine.forward, loaded)), start=1):
        for row, step in zip(rows, steps, strict=True):
            if step is not None:
                # What a whole batch's cache held is of no use to a row, and would be kept with each of its steps.
                row.append(replace(step, cache=None))
        going_on = sum(step is not None and step.ends is None for step in steps)
        yield ManyProgress(tokens, most, going_on)


def _check_memory(loaded: Any, read: int, most: int, settings: Sequence[DecodingSettings]) -> None:
    """Raises SettingsError where the cache of all rows would be too large."""
    is_seq2seq = bool(loaded.model.config.is_encoder_decoder)
    size = int(
        bytes_at(
            cache_shape(loaded.model.config, type(loaded.model)),
            [most if is_seq2seq else read + most - 1],
            rows=len(settings),
            dtype=loaded.model.dtype,
            source_positions=read if is_seq2seq else 0,
        )[0]
    )
    if size > MOST_CACHE_BYTES:
        raise SettingsError(
            f"{len(settings)} texts at once would keep {size / _MIB:,.0f} MiB of keys and values, and "
            f"{MOST_CACHE_BYTES // _MIB} MiB are allowed; ask for fewer texts, fewer settings or fewer tokens, or "
            "shorten the text."
        )


def _written(seed: int, steps: Sequence[GenerationStep]) -> WrittenText:
    return WrittenText(
        seed=seed,
        ids=tuple(step.token_id for step in steps),
        pieces=tuple(step.piece.text for step in steps),
        parts=tuple(step.text for step in steps),
        probabilities=tuple(step.probability for step in steps),
        log_probabilities=tuple(-step.surprisal for step in steps),
        ends=steps[-1].ends,
    )


def _reach(engine: Engine, model: str, asked: NextToken, settings: DecodingSettings, token: int) -> tuple[float, float]:
    """From where to where a token lies in [0, 1), the model's likeliest lying first; the greedy one fills all of it."""
    if settings.temperature == 0:
        return 0.0, 1.0
    shares = stages_after(engine.model(model), asked, settings)[-1].probabilities.double()
    order = asked.order.long()
    place = int(torch.nonzero(order == token)[0])
    before = float(shares[order[:place]].sum())
    return before, min(1.0, before + float(shares[token]))


def _at_the_end(progress: ManyProgress | None, found: ManyTexts | SameLuck) -> ManyProgress:
    if progress is None:
        raise RuntimeError("nothing was written")
    return replace(progress, found=found)


def _last(steps: Iterator[ManyProgress]) -> Any:
    *_, last = steps
    return last.found


def _kept(request: Any, engine: Engine, steps: Iterator[ManyProgress]) -> Iterator[ManyProgress]:
    """The steps; the answer at their end is kept, and where it is kept already it is the only step."""
    if request in engine.answers:
        yield ManyProgress(1, 1, 0, engine.run(request))
        return
    for step in steps:
        yield step
        if step.found is not None:
            engine.answers.get(request, lambda found=step.found: found)
