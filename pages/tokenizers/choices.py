"""What can be chosen on the tokenizers page."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from models.catalog import DEFAULT_TOKENIZERS, TOKENIZERS, TokenizerCard
from pages.shared import thread
from pages.shared.link import Choice, NumberPair, NumberPairs, note, number_pair, number_pairs, one_of, whole_number
from pages.tokenizers import session_tokenizers
from pages.tokenizers.chat_choices import CHAT_CHOICES

MOST_COLUMNS = 8
# As many words of a stretch are replayed.
MOST_WORDS = 8


def _names(text: str) -> str:
    """Known names out of a link, each once; what is not here is said and left out."""
    named = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    known = [name for name in named if name in TOKENIZERS or session_tokenizers.has(name)]
    if any(name.startswith("own:") and not session_tokenizers.has(name) for name in named):
        note("The link names somebody's own tokenizer, which a link cannot carry; ask for its file and open it here.")
    elif len(known) < len(named):
        note("The link names a tokenizer that is not here; it is left out.")
    if len(known) > MOST_COLUMNS:
        note(f"At most {MOST_COLUMNS} tokenizers stand side by side; the others of the link are left out.")
    if not known:
        raise ValueError("The link names no tokenizer that is here; the default ones are shown.")
    return ",".join(known[:MOST_COLUMNS])


def _column(name: str) -> str:
    """One of the columns, which stand before it among the choices."""
    if name not in CHOSEN.value.split(","):
        raise ValueError("The link looks into a tokenizer that is not among its columns; the first column is taken.")
    return name


def _stretch(text: str) -> NumberPair:
    """Start and end in characters."""
    sentence = "The link's stretch is not two places in the text, as in 17-27; none is selected."
    start, end = number_pair(sentence)(text)
    if start >= end:
        raise ValueError(sentence)
    return NumberPair((start, end))


def _language(text: str) -> str:
    """A code; whether the package has it is known once that is read."""
    if not (text.replace("_", "").isalpha() and text.isascii() and len(text) <= 12):
        raise ValueError("The link names no language by its code, as in th or pt_BR; none is chosen.")
    return text


def _bounded(most: int, what: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if len(text) > most:
            raise ValueError(f"The link's {what} has {len(text):,} characters, and at most {most:,} are taken.")
        return text

    return parse


def _length(text: str) -> NumberPair:
    """The shortest and the longest piece, in characters."""
    sentence = f"The link's lengths of pieces are not two numbers up to {LONGEST_LENGTH}, as in 2-5; all are shown."
    shortest, longest = number_pair(sentence)(text)
    if not shortest <= longest <= LONGEST_LENGTH:
        raise ValueError(sentence)
    return NumberPair((shortest, longest))


CHOSEN: Choice[str] = Choice("tokenizers", ",".join(DEFAULT_TOKENIZERS), _names, is_always=True)
STRETCH: Choice[NumberPair | None] = Choice("stretch", None, _stretch, (thread.TEXT,))
START: Choice[int | None] = Choice("from", None, whole_number("place in the text"), (thread.TEXT,))
SPECIALS: Choice[str | None] = Choice("specials", None, one_of("way to read special tokens", ("text",)))
LOOKED_AT: Choice[str | None] = Choice("tokenizer", None, _column)
_OF_STRETCH = (thread.TEXT, thread.TOKEN, CHOSEN, STRETCH, SPECIALS, LOOKED_AT)
# Of each word of the stretch that is not shown as it comes: which word, and how many of its merges are done.
MERGES: Choice[NumberPairs] = Choice(
    "merges",
    NumberPairs(),
    number_pairs("The link's merges are not words and steps, as in 0.3-1.2; all are done.", MOST_WORDS),
    _OF_STRETCH,
)
# The same of a lattice: which of the likeliest ways is drawn.
WAYS: Choice[NumberPairs] = Choice(
    "ways",
    NumberPairs(),
    number_pairs("The link's ways are not words and ways, as in 0.1-1.2; the likeliest are drawn.", MOST_WORDS),
    _OF_STRETCH,
)

# What a language costs: what is counted, in which order the languages stand, which one is looked into, and own lines.
COUNTED_IN = {"messages": "Messages of a program", "pasted": "Lines of your own", "lines": "The text above, by line"}
COUNTED: Choice[str] = Choice("counted", "messages", one_of("text to count", tuple(COUNTED_IN)))
LANGUAGE_ORDERS = {"script": "By script", "price": "By price", "name": "By name"}
LANGUAGE_ORDER: Choice[str] = Choice("languages_by", "script", one_of("order of languages", tuple(LANGUAGE_ORDERS)))
LANGUAGE: Choice[str | None] = Choice("language", None, _language)
LONGEST_PASTED = 20_000
PASTED: Choice[str] = Choice("parallel", "", _bounded(LONGEST_PASTED, "lines"))
# What is in a vocabulary: what is sought, among which pieces, and which of them is looked at.
SEARCHES = {"text": "Text", "pattern": "Regular expression", "bytes": "Bytes"}
SEARCH_BY: Choice[str] = Choice("search_by", "text", one_of("way to search", tuple(SEARCHES)))
LONGEST_SOUGHT = 400
SOUGHT: Choice[str] = Choice("sought", "", _bounded(LONGEST_SOUGHT, "search"))
KINDS = {
    "all": "All pieces",
    "special": "Special",
    "byte": "Single bytes",
    "part": "Parts of characters",
    "unused": "Named unused or reserved",
    "unreachable": "Unreachable",
    "otherwise": "Cut otherwise by themselves",
    "glitch": "Known glitch candidates",
}
KIND: Choice[str] = Choice("pieces_of", "all", one_of("kind of piece", tuple(KINDS)))
SCRIPT: Choice[str] = Choice("pieces_in", "", _bounded(40, "script"))
LONGEST_LENGTH = 40
LENGTH: Choice[NumberPair] = Choice("piece_length", NumberPair((0, LONGEST_LENGTH)), _length)
_OF_SEARCH = (CHOSEN, LOOKED_AT, SEARCH_BY, SOUGHT, KIND, SCRIPT, LENGTH)
PIECES_FROM: Choice[int] = Choice("pieces_from", 0, whole_number("place in the list"), _OF_SEARCH)
PIECE: Choice[int | None] = Choice("piece_id", None, whole_number("piece"), (CHOSEN, LOOKED_AT))
BESIDE: Choice[str | None] = Choice("beside", None, _column)

CHOICES: tuple[Choice[Any], ...] = (
    *(CHOSEN, STRETCH, START, SPECIALS, LOOKED_AT, MERGES, WAYS),
    *(COUNTED, LANGUAGE_ORDER, LANGUAGE, PASTED),
    *(SEARCH_BY, SOUGHT, KIND, SCRIPT, LENGTH, PIECES_FROM, PIECE, BESIDE),
    *CHAT_CHOICES,
)


@dataclass(frozen=True)
class ShownTokenizers:
    """What is shown now: the text, the tokenizers by name and card, and how special tokens in the text are read."""

    text: str
    cards: tuple[TokenizerCard, ...]
    split_special_tokens: bool

    @property
    def names(self) -> tuple[str, ...]:
        """Of the tokenizers, in the order of the columns."""
        return tuple(card.name for card in self.cards)


def shown() -> ShownTokenizers:
    """What is chosen, as far as it is here."""
    names = [name for name in CHOSEN.value.split(",") if name in TOKENIZERS or session_tokenizers.has(name)]
    return ShownTokenizers(thread.TEXT.value, tuple(tokenizer_card(name) for name in names), SPECIALS.value == "text")


def tokenizer_card(name: str) -> TokenizerCard:
    """The card of a tokenizer of the shelf or of this session's own ones."""
    return TOKENIZERS[name] if name in TOKENIZERS else session_tokenizers.card(name)


def every_name() -> list[str]:
    """All tokenizers that this session can choose from, its own last."""
    return [*TOKENIZERS, *session_tokenizers.names()]


def chosen_columns(names: list[str]) -> str:
    """These tokenizers as columns, as the choice has them."""
    return ",".join(names[:MOST_COLUMNS])


def add(name: str) -> None:
    """One more column; where there is no room, in place of the last one."""
    names = [each for each in CHOSEN.value.split(",") if each and each != name]
    CHOSEN.choose(chosen_columns([*names[: MOST_COLUMNS - 1], name]))


def hide(name: str) -> None:
    """One column less."""
    CHOSEN.choose(chosen_columns([each for each in CHOSEN.value.split(",") if each != name]))


def choose_stretch(start: int, end: int) -> None:
    """Select a stretch; the thread's token goes with it, so that other pages light the token that stands there.

    Where it is not in the window, the window goes to it.
    """
    from models.tokenization import WINDOW

    if START.value is not None and not START.value <= start < end <= START.value + WINDOW:
        START.choose(None)
    STRETCH.choose(NumberPair((start, end)))
    thread.choose_place(start)


def keep_inside(length: int) -> None:
    """Drop places that a text of this length does not have, and say so; and a tokenizer that is no column any more."""
    if LOOKED_AT.value not in CHOSEN.value.split(","):
        LOOKED_AT.choose(None)
    if length and STRETCH.value is not None and STRETCH.value[0] >= length:
        note(f"The stretch {STRETCH.value} lies beyond the text, which has {length:,} characters; none is selected.")
        STRETCH.choose(None)
    if length and START.value is not None and START.value >= length:
        note(f"The text has {length:,} characters, so it cannot be shown from {START.value:,} on; it is shown anew.")
        START.choose(None)


def looked_at_card(cards: tuple[TokenizerCard, ...]) -> TokenizerCard:
    """The tokenizer that the tabs about one of them are about: the chosen one, else the first column."""
    return next((card for card in cards if card.name == LOOKED_AT.value), cards[0])


def of_word(choice: Choice[NumberPairs], word: int, most: int, at_first: int) -> int:
    """What is chosen for a word of the stretch, from 0 to `most`; what goes beyond is said and not taken."""
    number = dict(choice.value).get(word, at_first)
    if number > most:
        note(f"The link goes to step {number} of pre-token {word + 1}, which has {most}; it is shown as it comes.")
        choice.choose(with_word(choice, word, at_first, at_first))
        return at_first
    return number


def with_word(choice: Choice[NumberPairs], word: int, number: int, at_first: int) -> NumberPairs:
    """What is chosen, with another number for one word; what is as it comes has no place in a link."""
    chosen = {**dict(choice.value), word: number}
    if number == at_first:
        del chosen[word]
    return NumberPairs(sorted(chosen.items()))
