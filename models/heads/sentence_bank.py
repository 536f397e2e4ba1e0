"""The sentences on which heads are judged: words, and for each word the one that it depends on."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from models.errors import HeadlightError

MOST_SENTENCES = 500
FEWEST_WORDS, MOST_WORDS = 3, 60
# Of one word: what stands between two spaces in a script without spaces may be a sentence.
MOST_CHARACTERS = 200
_LONGEST_LABEL = 40
_LONGEST_TEXT = 400_000
_WORD = re.compile(r"\w+(?:['’-]\w+)*|[^\w\s]")


class BankError(HeadlightError):
    """Sentences or a treebank that cannot be read."""


@dataclass(frozen=True)
class Sentence:
    """One sentence, as it goes to a model.

    words: with punctuation marks as words of their own. spans: where each stands in `text`, in code points.
    heads: for each word the index of the word that it depends on, -1 for the root; empty where no grammar is known.
    relations: for each word what it is to its head ("dobj", in other treebanks "obj"), without what stands behind a
        colon; empty where no grammar is known.
    """

    text: str
    words: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]
    heads: tuple[int, ...] = ()
    relations: tuple[str, ...] = ()


class Word(NamedTuple):
    """One word as it is read: whether a space follows, the index of its head (-1: the root), its relation to it; None
    and "" where no grammar is known.
    """

    form: str
    has_space: bool
    head: int | None = None
    relation: str = ""


@dataclass(frozen=True)
class Bank:
    """Sentences under one title. It is small (a text), hashable, and goes into requests as it is.

    title: what people call it. rows: the sentences as text, a word a line, an empty line after each sentence.
    note: what was left out or changed when it was read, in sentences for people; "" where nothing was.
    """

    title: str
    rows: str
    note: str = ""

    @cached_property
    def sentences(self) -> tuple[Sentence, ...]:
        """Its sentences, in order."""
        return tuple(map(_sentence, self.rows.split("\n\n")))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the rows, in hexadecimal: the same sentences have the same one."""
        return hashlib.sha256(self.rows.encode()).hexdigest()

    @property
    def has_grammar(self) -> bool:
        """Whether its words have heads and relations."""
        return bool(self.sentences[0].heads)


def plain_bank(text: str) -> Bank:
    """A person's own sentences, one a line, without grammar. Raises BankError."""
    if len(text) > _LONGEST_TEXT:
        raise BankError(f"These are {len(text):,} characters, and at most {_LONGEST_TEXT:,} are read; take fewer.")
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    if not lines:
        raise BankError("There is no sentence yet: type some, one a line.")
    rows, left_out = [], 0
    for line in lines:
        found = list(_WORD.finditer(line))
        words = sum(each[0][0].isalnum() for each in found)
        is_sentence = words >= FEWEST_WORDS and len(found) <= MOST_WORDS
        if not is_sentence or any(len(each[0]) > MOST_CHARACTERS for each in found):
            left_out += 1
        elif len(rows) < MOST_SENTENCES:
            rows.append([Word(each[0], line[each.end() : each.end() + 1] == " ") for each in found])
    if not rows:
        raise BankError(f"None of these lines has {FEWEST_WORDS} to {MOST_WORDS} words; type whole sentences.")
    over = len(lines) - left_out > MOST_SENTENCES
    said = [
        f"Lines left out, as no sentence of {FEWEST_WORDS} to {MOST_WORDS} words: {left_out:,}." if left_out else "",
        f"The first {MOST_SENTENCES} sentences are read." if over else "",
    ]
    return bank_of("your sentences", rows, " ".join(filter(None, said)))


def bank_of(title: str, sentences: Sequence[Sequence[Word]], note: str = "") -> Bank:
    """A bank of sentences as they were read. Raises BankError for a word that is none."""
    parts = []
    for number, words in enumerate(sentences, 1):
        for word in words:
            if not word.form.strip() or len(word.form) > MOST_CHARACTERS or "\0" in word.form:
                raise BankError(
                    f"Sentence {number} has a word of {len(word.form):,} characters or a NUL, which is none; mend it."
                )
        parts.append("\n".join(_row(word) for word in words))
    return Bank(title, "\n\n".join(parts), note)


def check_label(relation: str, where: str) -> str:
    """The name of a relation, where it can be one. Raises BankError."""
    if not relation.strip() or len(relation) > _LONGEST_LABEL or not relation.isprintable():
        raise BankError(f"{where} names a relation {relation[:20]!r}, which is no name; mend it.")
    return relation


def _row(word: Word) -> str:
    form = " ".join(word.form.split())
    return f"{form}\t{int(word.has_space)}" + ("" if word.head is None else f"\t{word.head}\t{word.relation}")


def _sentence(rows: str) -> Sentence:
    text, words, spans, heads, relations = "", [], [], [], []
    for row in rows.split("\n"):
        form, space, *grammar = row.split("\t")
        words.append(form)
        spans.append((len(text), len(text) + len(form)))
        text += form + " " * int(space)
        if grammar:
            heads.append(int(grammar[0]))
            relations.append(grammar[1])
    return Sentence(text.rstrip(" "), tuple(words), tuple(spans), tuple(heads), tuple(relations))
