"""English texts of an exact number of tokens. The words: Abraham Lincoln, Gettysburg, 1863 (public domain)."""

import bisect
import itertools
from collections.abc import Iterator

from models.loaded import LoadedModel
from models.tokenization import encode

_TEXT = """Four score and seven years ago our fathers brought forth on this continent, a new nation, conceived in
Liberty, and dedicated to the proposition that all men are created equal. Now we are engaged in a great civil war,
testing whether that nation, or any nation so conceived and so dedicated, can long endure. We are met on a great
battle-field of that war. We have come to dedicate a portion of that field, as a final resting place for those who
here gave their lives that that nation might live. It is altogether fitting and proper that we should do this. But, in
a larger sense, we can not dedicate, we can not consecrate, we can not hallow this ground. The brave men, living and
dead, who struggled here, have consecrated it, far above our poor power to add or detract. The world will little note,
nor long remember what we say here, but it can never forget what they did here."""
_WORDS = tuple(_TEXT.split())


def words(start: int = 0) -> Iterator[str]:
    """The words of the text from this one on, over and over."""
    return itertools.islice(itertools.cycle(_WORDS), start % len(_WORDS), None)


def passage(loaded: LoadedModel, tokens: int, start: int = 0) -> str:
    """A text of exactly so many tokens, special ones included; another `start` gives other words."""
    some = tuple(itertools.islice(words(start), tokens))

    def count(text: str) -> int:
        return len(loaded.tokenizer.backend_tokenizer.encode(text).ids)

    enough = bisect.bisect_left(range(len(some)), tokens, key=lambda number: count(" ".join(some[:number])))
    text = " ".join(some[:enough])
    while count(text) > tokens:
        text = text[:-1].rstrip()
    if count(text) != tokens:
        raise ValueError(f"The passage from word {start} has no beginning of exactly {tokens} tokens.")
    return text


def passage_ids(loaded: LoadedModel, tokens: int) -> tuple[int, ...]:
    """The ids of such a text."""
    return encode(loaded.tokenizer, passage(loaded, tokens)).ids
