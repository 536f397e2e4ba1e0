"""Beam search: several continuations kept side by side. transformers searches; we record what it kept at each step."""

from collections.abc import Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import LogitsProcessor

from models.decoding.loop import Prompt, Turn
from models.decoding.preparation import ending_ids, padded, prompt_ids, room_to_write
from models.decoding.sampling import NEUTRAL
from models.decoding.settings import SettingsError
from models.loaded import LoadedModel
from models.tokenization import Piece

MOST_BEAMS = 16


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
    """What was found, best first, and which beams were running before each step."""

    beams: tuple[Beam, ...]
    steps: tuple[tuple[Beam, ...], ...]


def beam_search(
    loaded: LoadedModel,
    prompt: Prompt,
    *,
    beams: int = 4,
    max_new_tokens: int = 32,
    length_penalty: float | int = 1.0,
    turn: Turn = nullcontext,
) -> BeamSearch:
    """Search with `generate(num_beams=...)`; nothing is drawn at random and no knob but these is turned.

    turn: entered for each step, and left between two, for whoever shares a device.

    Raises SettingsError, TextError, InputError, CannotWriteError.
    """
    if not 2 <= beams <= MOST_BEAMS:
        raise SettingsError(f"There can be 2 to {MOST_BEAMS} beams, not {beams}.")
    if max_new_tokens < 1:
        raise SettingsError(f"At least one token must be asked for, not {max_new_tokens}.")
    model: Any = loaded.model
    is_seq2seq = bool(model.config.is_encoder_decoder)
    ids = prompt_ids(loaded, prompt)
    longest, _ = room_to_write(loaded, 1 if is_seq2seq else len(ids), max_new_tokens)
    end_ids, padding = ending_ids(model)
    rows, mask = padded([ids], padding, left=not is_seq2seq, device=loaded.device)
    with ExitStack() as held:
        held.enter_context(turn())
        recorder = _Recorder(held, turn, begins=1 if is_seq2seq else len(ids))
        with torch.inference_mode():
            found: Any = model.generate(
                input_ids=rows,
                attention_mask=mask,
                max_new_tokens=longest,
                pad_token_id=padding,
                logits_processor=[recorder],
                **NEUTRAL
                | {
                    "num_beams": beams,
                    "num_return_sequences": beams,
                    "length_penalty": float(length_penalty),
                    "early_stopping": False,
                    "output_scores": True,
                    "return_dict_in_generate": True,
                },
            )
    finished = []
    for row, score in zip(found.sequences[:, recorder.begins :].tolist(), found.sequences_scores.tolist(), strict=True):
        end = next((place for place, token in enumerate(row) if token in end_ids), len(row) - 1)
        tokens = tuple(row[: end + 1])
        finished.append(_beam(loaded, ids, tokens, score * len(tokens) ** float(length_penalty), score))
    steps = tuple(
        tuple(_beam(loaded, ids, tokens, sum_, sum_) for tokens, sum_ in running) for running in recorder.steps
    )
    return BeamSearch(tuple(finished), steps)


class _Recorder(LogitsProcessor):
    """Sees the running beams and the log-probabilities of their next tokens at each step, and lets others compute."""

    def __init__(self, held: ExitStack, turn: Turn, *, begins: int) -> None:
        self.steps: list[list[tuple[tuple[int, ...], float]]] = []
        self.begins = begins
        self._held = held
        self._turn = turn
        self._sums: dict[tuple[int, ...], float] = {(): 0.0}
        self._before: dict[tuple[int, ...], Tensor] = {}

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        running = [tuple(row) for row in input_ids[:, self.begins :].tolist()]
        if self._before:
            self._sums = {
                row: self._sums[row[:-1]] + float(self._before[row[:-1]][row[-1]])
                for row in running
                if row[:-1] in self._before
            }
        self._before = dict(zip(running, scores, strict=True))
        self.steps.append(sorted(self._sums.items(), key=lambda each: -each[1]))
        self._held.close()
        self._held.enter_context(self._turn())
        return scores


def _beam(
    loaded: LoadedModel, prompt: Sequence[int], ids: tuple[int, ...], log_probability: float, score: float
) -> Beam:
    text = ""
    if loaded.tokenizer is not None:
        before = () if loaded.model.config.is_encoder_decoder else tuple(prompt)
        whole = loaded.tokenizer.decode([*before, *ids], skip_special_tokens=True)
        text = whole[len(loaded.tokenizer.decode(list(before), skip_special_tokens=True)) if before else 0 :]
    return Beam(ids, loaded.pieces(ids), text, log_probability, score)
