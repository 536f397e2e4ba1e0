"""Where a word stands in a text, in characters and in tokens."""

import re
from collections.abc import Sequence

# These scripts write no spaces between words: a word there may have letters on either side.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_LETTER = f"[^\\W{_UNSPACED}]"


def word_spans(text: str, word: str) -> tuple[tuple[int, int], ...]:
    """Start and end of each time `word` stands in `text` as a whole word, whatever its case, in code points."""
    word = word.strip()
    if not word:
        return ()
    before = f"(?<!{_LETTER})" if re.match(_LETTER, word) else ""
    after = f"(?!{_LETTER})" if re.match(_LETTER, word[-1]) else ""
    found = re.finditer(before + re.escape(word) + after, text, re.IGNORECASE)
    return tuple(match.span() for match in found)


def word_tokens(text: str, spans: Sequence[tuple[int, int]], word: str) -> tuple[tuple[int, ...], ...]:
    """The tokens of each time `word` stands in `text`: those that share a character with it.

    spans: of the tokens, in code points; (0, 0) for one that is not in the text.
    """
    found = (
        tuple(token for token, (first, last) in enumerate(spans) if first < end and start < last)
        for start, end in word_spans(text, word)
    )
    return tuple(tokens for tokens in found if tokens)
