"""What is asked of tokenizers that strangers brought: in the sandbox, by whole questions, each answered in one go."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from models.catalog import TokenizerCard, TokenizerFormat
from models.sandbox import Pool
from models.tokenization.file_recognition import guarded
from models.tokenization.loaded_tokenizer import LoadedTokenizer
from models.tokenization.loading import loaded_from_json
from models.tokenization.pieces import Tokenization
from models.tokenization.tokenizer_facts import TokenizerFacts

Given = TypeVar("Given")

POOL = Pool(modules=("models.tokenization",))


def answered(loaded: Any, task: Callable[..., Given], *arguments: Any) -> Given:
    """What `task` gives for a tokenizer: here for one of ours, in the sandbox for somebody's own.

    Raises SandboxError, and what the task raises.
    """
    if isinstance(loaded, LoadedTokenizer):
        return task(loaded, *arguments)
    return POOL.ask(task, *arguments, of=loaded.subject)


def own_from_json(files: Mapping[str, bytes], title: str, kind: TokenizerFormat) -> LoadedTokenizer:
    """Somebody's own tokenizer, made in the sandbox. Raises TokenizerFileError."""
    card = TokenizerCard(name="own", title=title, family="BPE", format=kind, vocabulary=0, licence="", source="")
    return guarded(lambda: loaded_from_json(card, files["tokenizer.json"]))


def facts_in_sandbox(loaded: LoadedTokenizer) -> TokenizerFacts:
    """What its file says of it."""
    if loaded.facts is None:
        raise TypeError(f"{loaded.card.name} is a baseline: it has no file")
    return loaded.facts


def tokenized(loaded: LoadedTokenizer, text: str, add_special_tokens: bool, split_special_tokens: bool) -> Tokenization:
    """A text as pieces."""
    return loaded.tokenize(text, add_special_tokens=add_special_tokens, split_special_tokens=split_special_tokens)


def decoded(loaded: LoadedTokenizer, ids: Sequence[int]) -> str:
    """The text that ids give back."""
    return loaded.decode_ids(ids)
