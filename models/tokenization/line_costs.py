"""What lines cost with a tokenizer, each by itself."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int64

from models.engine import Engine
from models.tokenization.loaded_tokenizer import LoadedTokenizer
from models.tokenization.pieces import check_is_text
from models.tokenization.sandboxed import answered


@dataclass(frozen=True, eq=False)
class LineCosts:
    """Of each line: its tokens, how many of them are unknown, and whether its ids give it back."""

    tokens: Int64[np.ndarray, " line"]
    unknown: Int64[np.ndarray, " line"]
    is_exact: Bool[np.ndarray, " line"]

    def part(self, start: int, count: int) -> "LineCosts":
        """So many lines from `start` on."""
        where = slice(start, start + count)
        return LineCosts(self.tokens[where], self.unknown[where], self.is_exact[where])


def line_costs(loaded: LoadedTokenizer, lines: Sequence[str], split_special_tokens: bool) -> LineCosts:
    """What each line costs, without what a template adds. Raises TextError."""
    for line in lines:
        check_is_text(line)
    if loaded.backend_tokenizer is None:
        cuts = [loaded.tokenize(line) for line in lines]
        every_ids = [list(cut.ids) for cut in cuts]
        decoded = [loaded.decode(cut) for cut in cuts]
    else:
        every_ids = loaded.ids_of(lines, split_special_tokens=split_special_tokens)
        decoded = [loaded.decode_ids(ids) for ids in every_ids]
    lost = None if loaded.facts is None else loaded.facts.unknown
    return LineCosts(
        np.array([len(ids) for ids in every_ids], np.int64),
        np.array([0 if lost is None else ids.count(lost) for ids in every_ids], np.int64),
        np.array([back == line for back, line in zip(decoded, lines, strict=True)], np.bool_),
    )


@dataclass(frozen=True)
class LineCostsRequest:
    """What these lines cost with this tokenizer."""

    tokenizer: str
    lines: tuple[str, ...]
    split_special_tokens: bool = False

    def answer(self, engine: Engine) -> LineCosts:
        """Raises TextError, and what `engine.tokenizer` raises."""
        return answered(engine.tokenizer(self.tokenizer), line_costs, self.lines, self.split_special_tokens)
