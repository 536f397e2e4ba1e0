"""What a beam search looked at, step by step, as transformers handed it out while it searched.

A logits processor is shown the running beams and the log-probabilities of their next tokens; a stopping criterion is
shown the continuations that were taken from them, in the library's order. Nothing is ranked here a second time.
"""

import math
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from transformers import LogitsProcessor, StoppingCriteria

from models.decoding.loop import Lock
from models.tokenization import Piece

Outcome = Literal["kept", "finished", "dropped"]
Ids = tuple[int, ...]
# Transformers marks what is no beam (yet) with a sum of -1e9; no text gets near it.
_NO_SUM = -1e8


@dataclass(frozen=True)
class Candidate:
    """One continuation of a running beam that transformers considered at a step.

    rank: its place among the step's candidates by `log_probability`, from 0, as the library put them.
    parent: the tokens of the running beam that it goes on from; () for the beginning.
    text: what parent and token say; special tokens say nothing. is_end: whether the token ends a text.
    token_log_probability: of this token after `parent`. log_probability: the sum over parent and token (natural
        logarithms).
    score: what finished ones are ranked by, log_probability / length ** length_penalty; None for the others.
    outcome: "kept" ran on into the next step; "finished" ended, with an end token while it was among the first `beams`,
        or at the last token that was asked for; "dropped" did neither.
    place: of a finished one, its place in `BeamSearch.beams`, 0 for the winner; None where better ones left it none.
    leads_to: the places of the returned beams that begin with it (or are it), best first.
    """

    rank: int
    parent: Ids
    token_id: int
    piece: Piece
    text: str
    is_end: bool
    token_log_probability: float
    log_probability: float
    score: float | None
    outcome: Outcome
    place: int | None
    leads_to: tuple[int, ...]

    @property
    def ids(self) -> Ids:
        """Its tokens after the prompt, or after the decoder's start token."""
        return (*self.parent, self.token_id)

    @property
    def is_on_the_winners_way(self) -> bool:
        """Whether the winner begins with it, or is it."""
        return 0 in self.leads_to

    @property
    def is_beaten(self) -> bool:
        """Whether it finished and is not returned, because there were as many better ones."""
        return self.outcome == "finished" and self.place is None


@dataclass(frozen=True)
class RecordedCandidate:
    """A candidate as it was recorded: rank from 0, tokens, log-probability of the last one, and their sum."""

    rank: int
    ids: Ids
    token_log_probability: float
    log_probability: float


class BeamRecorder(LogitsProcessor):
    """Sees the running beams and the log-probabilities of their next tokens at each step, and lets others compute.

    running: at each step, the beams with their sums, as they stand in the library's rows.
    candidates: at each step, what was considered; filled by `CandidateRecorder`.
    begins: how many tokens stand before the first generated one.
    """

    def __init__(self, held: ExitStack, lock: Lock, *, begins: int, end_ids: Collection[int]) -> None:
        self.begins = begins
        self.running: list[dict[Ids, float]] = []
        self.candidates: list[list[RecordedCandidate]] = []
        self._held = held
        self._lock = lock
        self._end_ids = frozenset(end_ids)
        self._rows: dict[Ids, int] = {}
        self._scores = torch.empty(0)

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Note who runs; the scores stay as they are."""
        rows = [tuple(row) for row in input_ids[:, self.begins :].tolist()]
        # At the first step all rows are the same beam. Later, where fewer continuations are possible than there are
        # beams, the library fills up with copies and with beams that have ended; they do not count.
        self._rows = {}
        for place, ids in enumerate(rows):
            self._rows.setdefault(ids, place)
        sums = {(): 0.0} if not self.candidates else {each.ids: each.log_probability for each in self.candidates[-1]}
        self.running.append({ids: sums[ids] for ids in self._rows if ids in sums and not self._has_ended(ids)})
        self._scores = scores
        self._held.close()
        self._held.enter_context(self._lock())
        return scores

    def consider(self, sequences: Tensor) -> None:
        """Note what goes on from the running beams: the library's candidates, best first."""
        rows = [tuple(row) for row in sequences[:, self.begins :].tolist()]
        places = torch.tensor([self._rows[ids[:-1]] for ids in rows], device=self._scores.device)
        tokens = torch.tensor([ids[-1] for ids in rows], device=self._scores.device)
        running = self.running[-1]
        seen: dict[Ids, RecordedCandidate] = {}
        for rank, (ids, log_probability) in enumerate(zip(rows, self._scores[places, tokens].tolist(), strict=True)):
            if ids[:-1] not in running or ids in seen:
                continue
            # In single precision, as the library adds them up.
            whole = float(np.float32(running[ids[:-1]]) + np.float32(log_probability))
            if math.isfinite(whole) and whole > _NO_SUM:
                seen[ids] = RecordedCandidate(rank, ids, log_probability, whole)
        self.candidates.append(list(seen.values()))

    def _has_ended(self, ids: Ids) -> bool:
        return not self._end_ids.isdisjoint(ids)


class CandidateRecorder(StoppingCriteria):
    """Is asked of all candidates at once whether they end; says no, and shows them to the recorder."""

    def __init__(self, recorder: BeamRecorder) -> None:
        self._recorder = recorder

    def __call__(self, input_ids: Tensor, scores: object, **_: object) -> Tensor:  # noqa: ARG002 - none are kept
        """Stop nothing."""
        self._recorder.consider(input_ids)
        return torch.zeros(len(input_ids), dtype=torch.bool, device=input_ids.device)


@dataclass(frozen=True)
class Outcomes:
    """What became of the candidates of a search, from what was recorded.

    beams: how many ran side by side. longest: how many tokens were asked for. returned: tokens of what the library
    gave back, best first.
    """

    recorder: BeamRecorder
    beams: int
    longest: int
    end_ids: frozenset[int]
    returned: Sequence[Ids]

    def of(self, step: int, seen: RecordedCandidate) -> Outcome:
        """Of one candidate of a step."""
        ends = seen.ids[-1] in self.end_ids or len(seen.ids) == self.longest
        # Those behind the first `beams` are there so that enough go on where many end: they may run, not finish.
        if ends and (seen.rank < self.beams or self.place(seen.ids) is not None):
            return "finished"
        running = self.recorder.running
        return "kept" if step + 1 < len(running) and seen.ids in running[step + 1] else "dropped"

    def place(self, ids: Ids) -> int | None:
        """Among what was returned."""
        return next((place for place, each in enumerate(self.returned) if each == ids), None)

    def leads_to(self, ids: Ids) -> tuple[int, ...]:
        """The returned ones that begin with these tokens."""
        return tuple(place for place, each in enumerate(self.returned) if each[: len(ids)] == ids)
