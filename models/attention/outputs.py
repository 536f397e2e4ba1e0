"""What the outputs of a trace say: the tokens that may come next, and those that a seq2seq model writes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from models.attention.trace import AttentionTrace
from models.loaded import LoadedModel
from models.tokenization import TextStream, encode


@dataclass(frozen=True)
class TokenProbability:
    """A token as shown, and its probability (softmax of the logits, nothing cut)."""

    id: int
    text: str
    probability: float


def softmax(logits: Float[np.ndarray, "*rows vocabulary"]) -> Float[np.ndarray, "*rows vocabulary"]:
    """The softmax over the last axis, float64."""
    shares = np.exp(_below_zero(logits))
    return shares / shares.sum(axis=-1, keepdims=True)


def log_softmax(logits: Float[np.ndarray, "*rows vocabulary"]) -> Float[np.ndarray, "*rows vocabulary"]:
    """Its natural logarithm, float64."""
    shifted = _below_zero(logits)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def _below_zero(logits: Float[np.ndarray, "*rows vocabulary"]) -> Float[np.ndarray, "*rows vocabulary"]:
    wide = logits.astype(np.float64)
    return wide - wide.max(axis=-1, keepdims=True)


def likeliest(row: Float[np.ndarray, " token"], count: int) -> list[int]:
    """The tokens with the largest numbers of a row, best first, of equal ones that with the smaller id first.

    The others are not sorted: of a vocabulary that takes longer than all else here.
    """
    if count >= len(row):
        among = np.arange(len(row))
    else:
        least = np.partition(row, -count)[-count]
        # Not what is at least as large: of numbers that are none there would be nothing left.
        among = np.flatnonzero(~(row < least))
    return among[np.argsort(-row[among], kind="stable")][:count].tolist()


def next_tokens(trace: AttentionTrace, count: int) -> tuple[TokenProbability, ...]:
    """The likeliest tokens to come, best first; none for a model that is not a decoder."""
    if trace.kinds != ("decoder",):
        return ()
    probabilities = softmax(trace.last_output)
    return tuple(
        TokenProbability(piece.id, piece.text, float(probabilities[piece.id]))
        for piece in trace.loaded.pieces(likeliest(probabilities, count))
    )


@dataclass(frozen=True)
class OutputToken(TokenProbability):
    """A token that was written. adds: to the text; empty for special tokens and before a character is whole."""

    adds: str
    is_special: bool
    is_unknown: bool


def written_ids(loaded: LoadedModel, target: str | tuple[int, ...] | None) -> tuple[int, ...]:
    """The tokens that a seq2seq model writes with this target, its end token among them."""
    return encode(loaded.target_tokenizer, target).ids if isinstance(target, str) else target or ()


def written_tokens(trace: AttentionTrace, written: Sequence[int]) -> tuple[OutputToken, ...]:
    """What each row of the decoder writes: these tokens, which the decoder is given one row later."""
    shares = softmax(trace.outputs[: len(written)])
    each = zip(trace.loaded.pieces(written), shares, _streamed(trace.loaded, written), strict=True)
    return tuple(
        OutputToken(piece.id, piece.text, float(row[piece.id]), adds, piece.is_special, piece.is_unknown)
        for piece, row, adds in each
    )


def output_probability(trace: AttentionTrace, written: Sequence[int]) -> float:
    """The probability of all of `written`, the product over its tokens."""
    shares = softmax(trace.outputs[: len(written)])
    return float(shares[np.arange(len(written)), list(written)].prod())


def _streamed(loaded: LoadedModel, ids: Sequence[int]) -> tuple[str, ...]:
    """What each of these tokens adds to the text that they write."""
    stream = TextStream(loaded.tokenizer)
    return tuple(stream.add(token, is_last=place == len(ids) - 1) for place, token in enumerate(ids))
