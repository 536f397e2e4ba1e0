"""How likely and how varied some texts are, in numbers; what is not defined is None, never NaN or a made-up 0."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sacrebleu import sentence_bleu

Ids = Sequence[int]


@dataclass(frozen=True)
class TextFigures:
    """Of several texts that were written from one beginning.

    count, distinct: how many texts, and how many different ones. distinct_1, distinct_2, distinct_3: `distinct_n`.
    self_bleu: `self_bleu`, from 0 (nothing in common) to 1 (all the same).
    log_probability: the mean of the model's own, per token, in nats; perplexity: e to the minus of it.
    length: the mean, in tokens. repetition: `repeated_share` of four tokens.
    """

    count: int
    distinct: int
    distinct_1: float | None
    distinct_2: float | None
    distinct_3: float | None
    self_bleu: float | None
    log_probability: float | None
    perplexity: float | None
    length: float | None
    repetition: float | None


def figures_of(
    ids: Sequence[Ids], texts: Sequence[str], log_probabilities: Sequence[Sequence[float | int]]
) -> TextFigures:
    """All figures of some texts, each of which comes as ids, as text, and with the log-probabilities of its tokens.

    An end token is no part of a text and not among the ids; its log-probability may be among the others, since to end
    was drawn too.
    """
    mean = mean_log_probability(log_probabilities)
    return TextFigures(
        count=len(ids),
        distinct=len({tuple(each) for each in ids}),
        distinct_1=distinct_n(ids, 1),
        distinct_2=distinct_n(ids, 2),
        distinct_3=distinct_n(ids, 3),
        self_bleu=self_bleu(texts),
        log_probability=mean,
        perplexity=None if mean is None else math.exp(-mean),
        length=sum(map(len, ids)) / len(ids) if ids else None,
        repetition=repeated_share(ids),
    )


def n_grams(ids: Ids, length: int) -> list[tuple[int, ...]]:
    """Every run of so many tokens, from the first on; [] where the text is shorter."""
    return [tuple(ids[start : start + length]) for start in range(len(ids) - length + 1)]


def distinct_n(ids: Sequence[Ids], length: int) -> float | None:
    """Distinct n-grams over all n-grams of all texts together, on token ids (Li et al. 2016, arXiv 1510.03055).

    From just above 0 to 1 (none comes twice). It falls as texts grow in length or number, so compare equal ones. None
    where no text is so long.
    """
    found = [gram for each in ids for gram in n_grams(each, length)]
    return len(set(found)) / len(found) if found else None


def repeated_share(ids: Sequence[Ids], length: int = 4) -> float | None:
    """The share of n-grams that stood in the same text before, the mean over the texts that are so long: seq-rep-n.

    From 0 (none) to below 1 (Welleck et al. 2019, arXiv 1908.04319). None where no text is so long.
    """
    shares = [1 - len(set(grams)) / len(grams) for each in ids if (grams := n_grams(each, length))]
    return sum(shares) / len(shares) if shares else None


def self_bleu(texts: Sequence[str]) -> float | None:
    """How alike the texts are: the mean BLEU-4 of each with all others as references, from 0 to 1.

    Zhu et al. 2018 (Texygen, arXiv 1802.01886); by sacrebleu's sentence BLEU as it comes: words cut as "13a" does, for
    languages that write spaces between them, exponential smoothing, effective order. Texts without a word have no BLEU
    and are left out. None where fewer than two are left.
    """
    worded = [text for text in texts if text.strip()]
    if len(worded) < 2:
        return None
    scores = [
        sentence_bleu(text, [*worded[:place], *worded[place + 1 :]]).score / 100 for place, text in enumerate(worded)
    ]
    return min(1.0, sum(scores) / len(scores))


def mean_log_probability(log_probabilities: Sequence[Sequence[float | int]]) -> float | None:
    """Over all tokens of all texts alike, in nats; None without a token."""
    count = sum(map(len, log_probabilities))
    return math.fsum(value for each in log_probabilities for value in each) / count if count else None
