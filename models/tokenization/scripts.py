"""In which script a text is written, by the names of its letters in Unicode."""

import unicodedata
from collections import Counter
from functools import lru_cache

# Where the first word of a letter's name is not its script: what it is called here ("" says that the next word tells).
_CALLED = {
    "CJK": "Han",
    "HIRAGANA": "Kana",
    "KATAKANA": "Kana",
    "KATAKANA-HIRAGANA": "Kana",
    "IDEOGRAPHIC": "Han",
    "NKO": "N’Ko",
    **dict.fromkeys(("FULLWIDTH", "HALFWIDTH", "SUPERSCRIPT", "SUBSCRIPT", "SMALL", "CIRCLED", "SQUARED"), ""),
}
_OF_NO_SCRIPT = frozenset(("COMBINING", "MODIFIER", "MATHEMATICAL", "FEMININE", "MASCULINE", "MICRO", "DOUBLE-STRUCK"))
DIGITS, SPACE, SIGNS = "digits", "white space", "signs"


def script_of(text: str) -> str:
    """The script of most letters, of equally many the one that comes first: Latin, Thai, Han; Kana for both of Japan.

    Of a text without letters: "digits" where it has some, "white space" where it has nothing else, else "signs".
    """
    found = Counter(script for script in map(_script, text) if script)
    if found:
        return found.most_common(1)[0][0]
    if any(each.isdecimal() for each in text):
        return DIGITS
    return SPACE if text.isspace() else SIGNS


@lru_cache(maxsize=65_536)
def _script(character: str) -> str:
    """The script of a letter or of a mark that only one script has; "" for everything else."""
    if unicodedata.category(character)[0] not in "LM":
        return ""
    for word in unicodedata.name(character, "").split()[:2]:
        if word in _OF_NO_SCRIPT:
            return ""
        if called := _CALLED.get(word, word.capitalize()):
            return called
    return ""
