"""A stranger's treebank in CoNLL-U, read within bounds (https://universaldependencies.org/format.html)."""

import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import conllu
from conllu.exceptions import ParseException
from conllu.models import Token

from models.heads.sentence_bank import (
    FEWEST_WORDS,
    MOST_SENTENCES,
    MOST_WORDS,
    Bank,
    BankError,
    Word,
    bank_of,
    check_label,
)

MOST_BYTES = 8_000_000
_COLUMNS = 10
_LONGEST_LINE = 20_000


def treebank(data: bytes, title: str = "your treebank") -> Bank:
    """A treebank in CoNLL-U, UTF-8, as `st.file_uploader` hands it over; its first `MOST_SENTENCES` sentences of
    `FEWEST_WORDS` to `MOST_WORDS` words.

    A multiword token ("du", which is "de le") is one word, with the head of that part of it which hangs on a word
    outside; an empty node is left out. What stands behind the colon of a relation is left out.

    Raises BankError, with the sentence at which it fails.
    """
    if len(data) > MOST_BYTES:
        raise BankError(
            f"This treebank has {len(data) / 1e6:,.0f} MB, and at most {MOST_BYTES // 1_000_000} are read; take a "
            "part of it."
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BankError("This treebank is not UTF-8 text; save it as such.") from error
    rows: list[list[Word]] = []
    left_out = joined = empty = 0
    for number, sentence in enumerate(_sentences(text), 1):
        where = f"Sentence {number} of this treebank"
        words, tokens_joined, nodes_empty = _words(sentence, where)
        if not FEWEST_WORDS <= len(words) <= MOST_WORDS:
            left_out += 1
            continue
        rows.append(words)
        joined, empty = joined + tokens_joined, empty + nodes_empty
        if len(rows) == MOST_SENTENCES:
            break
    if not rows:
        raise BankError(
            f"This treebank has no sentence of {FEWEST_WORDS} to {MOST_WORDS} words; choose another file in CoNLL-U."
        )
    said = [
        f"{left_out:,} shorter or longer sentences are left out." if left_out else "",
        f"Of this treebank the first {MOST_SENTENCES} sentences are read." if len(rows) == MOST_SENTENCES else "",
        f"{joined:,} multiword tokens are one word each." if joined else "",
        f"{empty:,} empty nodes are left out." if empty else "",
    ]
    return bank_of(title, rows, " ".join(filter(None, said)))


def _sentences(text: str) -> Iterator[Sequence[Token]]:
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > _LONGEST_LINE:
            raise BankError(f"Line {number} of this treebank has {len(line):,} characters, and no word is that long.")
        columns = line.count("\t") + 1
        if line.strip() and not line.startswith("#") and columns != _COLUMNS:
            raise BankError(
                f"Line {number} of this treebank has {columns} columns, and CoNLL-U has {_COLUMNS}, with a tab between "
                "each two; save it in that format."
            )

    def as_it_is(columns: list[str], place: int) -> str:
        return columns[place]

    unread: dict[str, Callable[[list[str], int], Any]] = dict.fromkeys(("xpos", "feats", "deps", "misc"), as_it_is)
    found = iter(conllu.parse_incr(io.StringIO(text), field_parsers=unread))
    number = 0
    while True:
        number += 1
        try:
            yield next(found)
        except StopIteration:
            return
        # A number of 5,000 digits is a ValueError.
        except (ParseException, ValueError) as error:
            raise BankError(
                f"Sentence {number} of this treebank cannot be read ({str(error)[:80]}); mend it, or leave it out."
            ) from error


def _words(sentence: Sequence[Token], where: str) -> tuple[list[Word], int, int]:
    """The words of a sentence, how many multiword tokens are joined in it, and how many empty nodes are left out."""
    single = [each for each in sentence if isinstance(each["id"], int)]
    ranges = [each for each in sentence if isinstance(each["id"], tuple) and each["id"][1] == "-"]
    empty = len(sentence) - len(single) - len(ranges)
    if [each["id"] for each in single] != list(range(1, len(single) + 1)):
        raise BankError(f"{where} does not count its words 1, 2, 3 and so on; mend it, or leave it out.")
    heads = [_head(each, len(single), where) for each in single]
    _check_tree(heads, where)
    # Of each word the token in which it is written.
    written: list[Token] = list(single)
    for each in ranges:
        first, _, last = each["id"]
        if last > len(single):
            raise BankError(f"{where} has a multiword token {first}-{last} beyond its last word, {len(single)}.")
        written[first - 1 : last] = [each] * (last - first + 1)
    places: list[int] = []
    for word, token in enumerate(written):
        places.append(places[-1] + (token is not written[word - 1]) if word else 0)
    words: list[Word] = []
    for word, token in enumerate(written):
        is_outermost = heads[word] < 0 or places[heads[word]] != places[word]
        known = len(words) == places[word] + 1
        if known and (not is_outermost or words[-1].head is not None):
            continue
        relation = check_label(str(single[word]["deprel"]).partition(":")[0], where)
        made = Word(
            str(token["form"]),
            "SpaceAfter=No" not in str(token["misc"]).split("|"),
            (-1 if heads[word] < 0 else places[heads[word]]) if is_outermost else None,
            relation,
        )
        words[places[word] : places[word] + 1] = [made]
    return words, len(ranges), empty


def _head(token: Token, count: int, where: str) -> int:
    """The index of the word that it hangs on, -1 for the root."""
    head = token["head"]
    if not isinstance(head, int) or not 0 <= head <= count:
        raise BankError(
            f"{where}: word {token['id']} hangs on word {str(head)[:20]}, which is not there; its words are 1 to "
            f"{count}, and 0 is the root."
        )
    return head - 1


def _check_tree(heads: list[int], where: str) -> None:
    """Raise BankError for a word from which no way leads to the root."""
    reaches: set[int] = {-1}
    for start in range(len(heads)):
        way: list[int] = []
        place = start
        while place not in reaches:
            if place in way:
                circle = " → ".join(str(each + 1) for each in [*way[way.index(place) :], place][:6])
                raise BankError(f"{where}: its words hang on each other in a circle ({circle}); mend it.")
            way.append(place)
            place = heads[place]
        reaches.update(way)
