"""Which words stand in a text, as they are spoken of one by one."""

import unicodedata

from models.tokenization.piece_counts import is_without_spaces


def words_of(text: str) -> list[str]:
    """What stands between white space, without the punctuation at its ends: "strawberry" of "(strawberry,".

    What is nothing but punctuation is no word. What is written in a script without spaces is left out: there white
    space ends sentences.
    """
    stripped = map(_without_punctuation, text.split())
    return [word for word in stripped if word and not is_without_spaces(word)]


def _without_punctuation(word: str) -> str:
    start, end = 0, len(word)
    while start < end and _is_punctuation(word[start]):
        start += 1
    while start < end and _is_punctuation(word[end - 1]):
        end -= 1
    return word[start:end]


def _is_punctuation(character: str) -> bool:
    # The sign that joins, as in _name, is a part of what it joins.
    category = unicodedata.category(character)
    return category[0] == "P" and category != "Pc"
