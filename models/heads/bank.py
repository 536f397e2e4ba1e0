"""The sentences on which heads are judged: words, and for each word the one that it depends on."""

import hashlib
from dataclasses import dataclass
from functools import cache, cached_property

from models.errors import HeadlightError


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


@dataclass(frozen=True)
class Bank:
    """Sentences under one title. It is small (a text), hashable, and goes into requests as it is.

    title: what people call it. rows: the sentences as text, a word a line.
    note: what was left out or changed when it was read, in sentences for people; "" where nothing was.
    """

    title: str
    rows: str
    note: str = ""

    @cached_property
    def sentences(self) -> tuple[Sentence, ...]:
        """Its sentences, in order."""
        raise NotImplementedError

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the rows, in hexadecimal: the same sentences have the same one."""
        return hashlib.sha256(self.rows.encode()).hexdigest()

    @property
    def has_grammar(self) -> bool:
        """Whether its words have heads and relations."""
        return bool(self.sentences[0].heads)


@cache
def bundled_bank() -> Bank:
    """English examples of WordNet with the grammar that spaCy found (`models/bundled/grammar_bank`)."""
    raise NotImplementedError


def plain_bank(text: str) -> Bank:
    """A person's own sentences, one a line, without grammar. Raises BankError."""
    raise NotImplementedError


def treebank(data: bytes, title: str = "your treebank") -> Bank:
    """A treebank in CoNLL-U, UTF-8, as `st.file_uploader` hands it over. Raises BankError."""
    raise NotImplementedError
