"""Beam search: several continuations kept side by side. transformers searches; we record what it kept and dropped."""

import math
from collections.abc import Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from typing import Any, Literal

import torch

from models.decoder_start import decoder_start
from models.decoding.beam_tree import BeamRecorder, Candidate, CandidateRecorder, Ids, Outcomes, RecordedCandidate
from models.decoding.loop import Lock, Prompt
from models.decoding.prepared_generation import ending_ids, padded, prompt_ids, room_to_write
from models.decoding.sampling import DISABLED
from models.decoding.settings import SettingsError
from models.kv_cache import fresh_cache
from models.loaded import LoadedModel
from models.tokenization import Piece

MOST_BEAMS = 16
EarlyStopping = bool | Literal["never"]
# length ** penalty is a number of every kind of float up to here, for as many tokens as a model has positions.
_LARGEST_PENALTY = 5.0
# How many tokens before the first new one tell how it is joined to them: a space, half a character.
_JOINT = 32


@dataclass(frozen=True)
class Beam:
    """One continuation.

    ids, pieces: its tokens after the prompt, or after the decoder's start token; an end token is among them.
    log_probability: the sum of the tokens' log-probabilities (natural logarithm).
    score: what finished beams are ranked by: log_probability / length ** length_penalty, the end token counted; of a
        running beam, log_probability.
    """

    ids: tuple[int, ...]
    pieces: tuple[Piece, ...]
    text: str
    log_probability: float
    score: float


@dataclass(frozen=True)
class BeamSearch:
    """What was found, and how it came about.

    beams: what was found, best first. steps: which beams were running before each step, likeliest first.
    candidates: what was considered at each step, by rank: the best continuations of all running beams together, twice
        as many as there are beams (more for a model with several end tokens), fewer where fewer are possible.
    """

    beams: tuple[Beam, ...]
    steps: tuple[tuple[Beam, ...], ...]
    candidates: tuple[tuple[Candidate, ...], ...]


def beam_search(
    loaded: LoadedModel,
    prompt: Prompt,
    *,
    beams: int = 4,
    max_new_tokens: int = 32,
    length_penalty: float | int = 1.0,
    early_stopping: EarlyStopping = False,
    lock: Lock = nullcontext,
) -> BeamSearch:
    """Search with `generate(num_beams=...)`; nothing is drawn at random and no knob but these is turned.

    length_penalty: finished beams are ranked by log_probability / length ** length_penalty: 0 by their probability
        alone; above it longer ones gain, below it they lose (Wu et al. 2016, arXiv 1609.08144, have a like one).
    early_stopping: as in transformers: True stops as soon as `beams` have finished; False when the best running one,
        were it to end now, is no better than the worst finished one; "never" when none that runs can become better.
    lock: entered for each step, and left between two, for whoever shares a device.

    Raises SettingsError, TextError, InputError, CannotWriteError.
    """
    _check(beams, max_new_tokens, length_penalty, early_stopping)
    model: Any = loaded.model
    ids = prompt_ids(loaded, prompt)
    longest, _ = room_to_write(loaded, 1 if loaded.is_seq2seq else len(ids), max_new_tokens)
    end_ids, padding = ending_ids(model)
    rows, mask = padded([ids], padding, left=not loaded.is_seq2seq, device=loaded.device)
    cache = fresh_cache(model)
    more: dict[str, Any] = {} if cache is None else {"past_key_values": cache}
    if loaded.is_seq2seq:
        more["decoder_start_token_id"] = decoder_start(model)
    with ExitStack() as held:
        held.enter_context(lock())
        recorder = BeamRecorder(held, lock, begins=1 if loaded.is_seq2seq else len(ids), end_ids=end_ids)
        with torch.inference_mode():
            # Not with `output_scores`: it keeps every step's scores over the whole vocabulary.
            found: Any = model.generate(
                input_ids=rows,
                attention_mask=mask,
                max_new_tokens=longest,
                pad_token_id=padding,
                logits_processor=[recorder],
                stopping_criteria=[CandidateRecorder(recorder)],
                **DISABLED
                | {
                    "num_beams": beams,
                    "num_return_sequences": beams,
                    "length_penalty": float(length_penalty),
                    "early_stopping": early_stopping,
                },
                **more,
            )
    sums = {each.ids: each.log_probability for step in recorder.candidates for each in step}
    returned = [_until_the_end(row, end_ids) for row in found[:, recorder.begins :].tolist()]
    # Where fewer finished than there are beams, the library returns rows that are none.
    returned = [each for each in returned if each in sums]
    if not returned:
        raise SettingsError(
            f"With a length penalty of {length_penalty:g} nothing finished that could be ranked: choose one nearer 0."
        )

    def score(tokens: Ids) -> float:
        return sums[tokens] / len(tokens) ** float(length_penalty)

    texts = _Texts(loaded, ids)
    outcomes = Outcomes(recorder, beams, longest, end_ids, returned)

    def candidate(step: int, each: RecordedCandidate) -> Candidate:
        outcome = outcomes.of(step, each)
        return Candidate(
            rank=each.rank,
            parent=each.ids[:-1],
            token_id=each.ids[-1],
            piece=loaded.pieces(each.ids[-1:])[0],
            text=texts.text(each.ids),
            is_end=each.ids[-1] in end_ids,
            token_log_probability=each.token_log_probability,
            log_probability=each.log_probability,
            score=score(each.ids) if outcome == "finished" else None,
            outcome=outcome,
            place=outcomes.place(each.ids) if outcome == "finished" else None,
            leads_to=outcomes.leads_to(each.ids),
        )

    return BeamSearch(
        beams=tuple(texts.beam(tokens, sums[tokens], score(tokens)) for tokens in returned),
        steps=tuple(
            tuple(
                texts.beam(tokens, whole, whole) for tokens, whole in sorted(running.items(), key=lambda each: -each[1])
            )
            for running in recorder.running
        ),
        candidates=tuple(
            tuple(candidate(step, each) for each in considered) for step, considered in enumerate(recorder.candidates)
        ),
    )


def _check(beams: int, max_new_tokens: int, length_penalty: float | int, early_stopping: EarlyStopping) -> None:
    if not 2 <= beams <= MOST_BEAMS:
        raise SettingsError(f"There can be 2 to {MOST_BEAMS} beams, not {beams}.")
    if max_new_tokens < 1:
        raise SettingsError(f"At least one token must be asked for, not {max_new_tokens}.")
    if not (math.isfinite(length_penalty) and abs(length_penalty) <= _LARGEST_PENALTY):
        raise SettingsError(
            f"The length penalty must be between -{_LARGEST_PENALTY:g} and {_LARGEST_PENALTY:g}, not {length_penalty}."
        )
    if early_stopping not in (True, False, "never"):
        raise SettingsError(f'Early stopping must be True, False or "never", not {early_stopping!r}.')


def _until_the_end(row: Sequence[int], end_ids: frozenset[int]) -> Ids:
    """The row without what it was filled up with."""
    end = next((place for place, token in enumerate(row) if token in end_ids), len(row) - 1)
    return tuple(row[: end + 1])


@dataclass(frozen=True)
class _Texts:
    """Tokens as people read them."""

    loaded: LoadedModel
    prompt: Ids

    def beam(self, ids: Ids, log_probability: float, score: float) -> Beam:
        return Beam(ids, self.loaded.pieces(ids), self.text(ids), log_probability, score)

    def text(self, ids: Ids) -> str:
        tokenizer = self.loaded.tokenizer
        if tokenizer is None:
            return ""
        before = [] if self.loaded.is_seq2seq else list(self.prompt[-_JOINT:])
        whole = tokenizer.decode([*before, *ids], skip_special_tokens=True)
        return whole[len(tokenizer.decode(before, skip_special_tokens=True)) if before else 0 :]
