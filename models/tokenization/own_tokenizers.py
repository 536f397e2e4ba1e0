"""Tokenizers that somebody brings along: opened and used in the sandbox, and kept for that person only."""

import uuid
from dataclasses import dataclass, replace

from models.catalog import TokenizerCard, TokenizerFormat
from models.engine import Engine
from models.sandbox import SandboxedFiles, SandboxError
from models.tokenization.file_recognition import DO_NOT_FIT, OpenedFile, open_here
from models.tokenization.pieces import Tokenization, check_is_text
from models.tokenization.sandboxed import POOL, decoded, facts_in_sandbox, own_from_json, tokenized
from models.tokenization.tokenizer_facts import TokenizerFacts
from models.tokenization.vocabulary_conversion import TokenizerFileError

LARGEST_TOKENIZER_FILE = 40_000_000
_OWN = "own:"


@dataclass(frozen=True, eq=False)
class UserTokenizer:
    """A tokenizer of somebody's own: its file, and what is asked of it in the sandbox, where it is kept.

    `models.tokenization.sandboxed.answered` asks it.
    """

    card: TokenizerCard
    subject: SandboxedFiles
    facts: TokenizerFacts

    @property
    def nbytes(self) -> int:
        """Bytes that it holds here."""
        return self.subject.nbytes

    def tokenize(
        self, text: str, *, add_special_tokens: bool = False, split_special_tokens: bool = False
    ) -> Tokenization:
        """Cut a text; see `models.tokenization.tokenize`."""
        check_is_text(text)
        return POOL.ask(tokenized, text, add_special_tokens, split_special_tokens, of=self.subject)

    def decode(self, tokenization: Tokenization) -> str:
        """The text that the ids give back, special tokens included."""
        return POOL.ask(decoded, tokenization.ids, of=self.subject)


def is_own(name: str) -> bool:
    """Whether this is the name of somebody's own tokenizer and not of one of the catalog."""
    return name.startswith(_OWN)


def new_own_name() -> str:
    """A name that nobody else can guess."""
    return _OWN + uuid.uuid4().hex


def open_tokenizer_file(data: bytes, pattern: str = "GPT-2") -> OpenedFile:
    """Open a tokenizer.json, tekken.json, .tiktoken, SentencePiece .model or vocab.txt, whatever it is called.

    pattern: for a .tiktoken, which does not say how a text is cut before the merges: one of PATTERNS.

    Raises TokenizerFileError.
    """
    if len(data) > LARGEST_TOKENIZER_FILE:
        raise TokenizerFileError(
            f"This file has {len(data) / 1e6:,.0f} MB; one of at most {LARGEST_TOKENIZER_FILE // 1_000_000} MB can be "
            "opened."
        )
    try:
        return POOL.ask(open_here, data, pattern, advice="open another file")
    except SandboxError as error:
        raise _refused(error) from error


def keep_own(engine: Engine, name: str, tokenizer_json: bytes, title: str, kind: TokenizerFormat) -> TokenizerCard:
    """Have the engine know a tokenizer of somebody's own by `name`, as long as there is room; returns its card.

    Raises TokenizerFileError.
    """
    card = TokenizerCard(
        name=name, title=title, family="BPE", format=kind, vocabulary=0, licence="", source="your own file"
    )
    facts = engine.own_tokenizer(name, lambda: _own(card, tokenizer_json)).facts
    return replace(card, family=facts.algorithm, vocabulary=facts.vocabulary)


def _own(card: TokenizerCard, tokenizer_json: bytes) -> UserTokenizer:
    subject = SandboxedFiles(card.title, own_from_json, {"tokenizer.json": tokenizer_json}, (card.title, card.format))
    try:
        facts = POOL.ask(facts_in_sandbox, of=subject, advice="open another file")
    except SandboxError as error:
        raise _refused(error) from error
    return UserTokenizer(card, subject, facts)


def _refused(error: SandboxError) -> TokenizerFileError:
    return TokenizerFileError(DO_NOT_FIT if error.why == "failure" else str(error))
