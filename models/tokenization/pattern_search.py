"""Which of many texts a person's regular expression fits: in a process of its own, since it may never end."""

import re
import warnings
from collections.abc import Mapping

import msgspec
import numpy as np
from jaxtyping import Int32

from models.errors import HeadlightError
from models.sandbox import Pool, SandboxedFiles

_LONGEST = 300
_SECONDS = 2
# One process: it is asked by people who type, and each question is short.
POOL = Pool(1, seconds=_SECONDS, modules=("models.tokenization.pattern_search",))
_FILE = "texts"


class PatternError(HeadlightError):
    """What is no regular expression, or more than can be worked out."""


def packed_texts(texts: tuple[str, ...]) -> bytes:
    """Texts as the process takes them."""
    return msgspec.msgpack.encode(texts)


def unpacked_texts(files: Mapping[str, bytes]) -> tuple[str, ...]:
    """The same texts, there."""
    return msgspec.msgpack.decode(files[_FILE], type=tuple[str, ...])


def fitting(texts: tuple[str, ...], pattern: str) -> Int32[np.ndarray, " text"]:
    """The places of the texts in which a Python regular expression is found. Raises PatternError."""
    try:
        # What a pattern may mean in a later Python is no fault of it.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            find = re.compile(pattern).search
    except (re.error, OverflowError, RecursionError) as error:
        raise PatternError(
            f"This is no regular expression of Python: {error}. Change it, or search by text."
        ) from error
    return np.array([place for place, text in enumerate(texts) if find(text)], dtype=np.int32)


def found_by_pattern(texts: bytes, pattern: str) -> Int32[np.ndarray, " text"]:
    """The same from here, within two seconds. texts: of `packed_texts`. Raises PatternError, SandboxError."""
    if len(pattern) > _LONGEST:
        raise PatternError(f"This expression has {len(pattern):,} characters; at most {_LONGEST} are tried.")
    of = SandboxedFiles("The vocabulary", unpacked_texts, {_FILE: texts})
    return POOL.ask(fitting, pattern, of=of, title="This expression", advice="write one that does less")
