"""Text that somebody else wrote, where Streamlit would read Markdown: it is shown as it stands, and links nowhere."""

import re

_JOINED = "\u2060"
# What stands for itself behind a backslash; an underscore inside a word does so without, and HTML everywhere.
_MARKS = re.compile(
    r"[\\`*\[\]$~^|]|<(?=[A-Za-z][\w+.-]*:)|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)|(?<=!)\[|:(?=[A-Za-z][\w-]*[\[{])"
)
_FIRST = re.compile(r"[#+=>-]|\d{1,9}(?=[.)])")
# What is made more of after the backslashes are gone: addresses, and names between colons. An invisible character
# keeps their parts apart.
_ADDRESS = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)|(?<=@)(?=[\w-]+\.)|(?<=mailto:)|(?<=xmpp:)", re.IGNORECASE)
_SYMBOL = re.compile(r":(?=[\w+/-]+:)")


def plain(text: str) -> str:
    """The text for a label, a line or a box of Streamlit, in which nothing is formatted, linked or fetched."""
    text = " ".join(text.split()) if any(each < " " or each in "\x7f\u2028\u2029" for each in text) else text
    text = _MARKS.sub(lambda found: "\\" + found[0], text)
    text = _FIRST.sub(_behind_a_backslash, text, count=1) if _FIRST.match(text) else text
    return _SYMBOL.sub(":" + _JOINED, _ADDRESS.sub(_JOINED, text))


def _behind_a_backslash(found: "re.Match[str]") -> str:
    # Of a numbered list it is the dot.
    return f"{found[0]}\\" if found[0].isdigit() else f"\\{found[0]}"
