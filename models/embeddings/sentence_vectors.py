"""One vector for each of many sentences, in batches of about the same length."""

import itertools
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Literal, cast

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from models.embeddings.similarity import Pooling, unit_vectors
from models.engine import Engine, HowFar, Stepwise, on_one_thread
from models.errors import HeadlightError
from models.forward.inputs import InputError, check_in_table
from models.loaded import LoadedModel
from models.tokenization import TextError, encode

MOST_SENTENCES = 5_000
# Padding included. No more, so that those who wait for the device between two forwards do not wait long.
_TOKENS_AT_ONCE = 512
_ROWS_AT_ONCE = 64


class SentencesError(HeadlightError):
    """Too many sentences, or none that a vector can be made of."""


@dataclass(frozen=True, eq=False)
class SentenceVectors:
    """The vectors of the sentences that have one, in their order; not brought to length 1.

    lines: where each stands in the request, from 0. empty: how many lines were empty and left out.
    too_long: the lines that were left out since the model has no positions for so many tokens.
    computed: how many different sentences went through the model; equal ones are computed once.
    """

    vectors: Float[np.ndarray, "sentence width"]
    lines: tuple[int, ...]
    empty: int
    too_long: tuple[int, ...]
    computed: int


@dataclass(frozen=True)
class SentencesRequest(Stepwise[HowFar, SentenceVectors]):
    """A vector for each sentence, from the last layer: as a job, or at once with `Engine.run`, which keeps it.

    pooling: "mean" of all tokens, special ones included, "cls" the first, "max" the largest of each number, "last"
        the last token; "own" as the model was trained to, as far as that is known, else the mean.

    Raises SentencesError for more than MOST_SENTENCES.
    """

    model: str
    sentences: tuple[str, ...]
    pooling: Pooling | Literal["own"] = "mean"
    # They are cut into tokens a few at a time.
    most_characters = 2_000_000

    def __post_init__(self) -> None:
        if len(self.sentences) > MOST_SENTENCES:
            raise SentencesError(
                f"At most {MOST_SENTENCES:,} sentences are read at a time, and these are {len(self.sentences):,}; "
                "take a part of them."
            )

    def computed(self, engine: Engine) -> Generator[HowFar, None, SentenceVectors]:
        """HowFar after each forward.

        Raises what `load_model` raises, InputError for a model without a tokenizer, SentencesError where no sentence is
        left or one holds what is not text.
        """
        loaded = engine.model(self.model)
        if loaded.tokenizer is None:
            raise InputError("This model came without a tokenizer: it cannot read sentences.")
        ids_of = _cut(loaded, self.sentences)
        limit = loaded.positions
        too_long = tuple(line for line, ids in ids_of.items() if limit is not None and len(ids) > limit)
        kept = {line: ids for line, ids in ids_of.items() if line not in set(too_long)}
        if not kept:
            raise SentencesError(
                f"Every sentence has more than the {limit:,} tokens that the model has positions for; shorten them."
                if too_long
                else "There is no sentence yet: type one on each line."
            )
        sharers: dict[tuple[int, ...], list[int]] = {}
        for row, ids in enumerate(kept.values()):
            sharers.setdefault(ids, []).append(row)
        vectors: Float[np.ndarray, "sentence width"] | None = None
        pooling = self.pooling if self.pooling != "own" else cast(Pooling, loaded.card.pooling or "mean")
        done = 0
        yield HowFar(0, len(kept))
        batches = _batches(list(sharers))
        at_once = torch.get_num_threads() if loaded.device.type == "cpu" else 1
        with ThreadPoolExecutor(at_once) as threads:
            while some := list(itertools.islice(batches, at_once)):
                with engine.forward(loaded):
                    if len(some) == 1:
                        found = [_forward(loaded, pooling, some[0])]
                    else:
                        found = list(threads.map(partial(_alone, loaded, pooling), some))
                for ids, vector in zip(itertools.chain(*some), itertools.chain(*found), strict=True):
                    if vectors is None:
                        vectors = np.empty((len(kept), len(vector)), dtype=np.float32)
                    vectors[sharers[ids]] = vector
                    done += len(sharers[ids])
                yield HowFar(done, len(kept))
        assert vectors is not None
        if self.pooling == "own" and loaded.card.is_unit:
            vectors = unit_vectors(vectors).astype(np.float32)
        return SentenceVectors(vectors, tuple(kept), len(self.sentences) - len(ids_of), too_long, len(sharers))


def _cut(loaded: LoadedModel, sentences: tuple[str, ...]) -> dict[int, tuple[int, ...]]:
    """The token ids of each line that is not empty. Raises SentencesError, which names the line."""
    found = {}
    for line, sentence in enumerate(sentences):
        if not sentence.strip():
            continue
        try:
            cut = encode(loaded.tokenizer, sentence)
            check_in_table(loaded, cut.pieces)
        except (TextError, InputError) as error:
            raise SentencesError(f"Line {line + 1}: {error}") from error
        if cut.ids:
            found[line] = cut.ids
    return found


def _batches(rows: list[tuple[int, ...]]) -> Iterator[list[tuple[int, ...]]]:
    """The rows from the longest on, so that little is padded, and the slowest forward comes first."""
    batch: list[tuple[int, ...]] = []
    for ids in sorted(rows, key=len, reverse=True):
        longest = len(batch[0]) if batch else len(ids)
        if len(batch) == _ROWS_AT_ONCE or (len(batch) + 1) * longest > _TOKENS_AT_ONCE:
            if batch:
                yield batch
            batch = []
        batch.append(ids)
    if batch:
        yield batch


def _forward(loaded: LoadedModel, pooling: Pooling, batch: list[tuple[int, ...]]) -> Float[np.ndarray, "row width"]:
    with torch.inference_mode():
        return _vectors(loaded, batch, pooling).numpy()


def _alone(loaded: LoadedModel, pooling: Pooling, batch: list[tuple[int, ...]]) -> Float[np.ndarray, "row width"]:
    """On one thread: several batches at once wait for each other less than the threads of one do."""
    with on_one_thread():
        return _forward(loaded, pooling, batch)


def _vectors(loaded: LoadedModel, batch: list[tuple[int, ...]], pooling: Pooling) -> Float[Tensor, "row width"]:
    """One forward over rows that are padded on the right."""
    model = loaded.model
    padding = getattr(loaded.tokenizer, "pad_token_id", None)
    lengths = torch.tensor([len(ids) for ids in batch], device=loaded.device)
    rows = [torch.tensor(each) for each in batch]
    ids = pad_sequence(rows, batch_first=True, padding_value=padding or 0).to(loaded.device)
    attended = torch.arange(ids.shape[1], device=loaded.device)[None] < lengths[:, None]
    # What reads the text, without a head: the logits of a batch are a thousand times larger than its vectors.
    reader = model.get_encoder() if model.config.is_encoder_decoder else model.base_model
    states = reader(input_ids=ids, attention_mask=attended.long(), return_dict=True).last_hidden_state.float()
    if pooling == "mean":
        pooled = (states * attended[:, :, None]).sum(dim=1) / lengths[:, None]
    elif pooling == "cls":
        pooled = states[:, 0]
    elif pooling == "max":
        pooled = states.masked_fill(~attended[:, :, None], -torch.inf).amax(dim=1)
    else:
        pooled = states[torch.arange(len(batch), device=loaded.device), lengths - 1]
    return pooled.cpu()
