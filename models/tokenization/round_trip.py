"""Whether the ids of a text give it back."""

from dataclasses import dataclass

from models.tokenization.loaded_tokenizer import LoadedTokenizer

_SHOWN = 24


@dataclass(frozen=True)
class Difference:
    """Where a text and what its ids give back part for the first time, with what stands before."""

    before: str
    text: str
    decoded: str


def round_trip(loaded: LoadedTokenizer, ids: list[int], text: str) -> Difference | None:
    """Where a text and what its ids give back part; None where they do not."""
    has_ids = loaded.backend_tokenizer is not None
    decoded = loaded.decode_ids(ids) if has_ids else loaded.decode(loaded.tokenize(text))
    if decoded == text:
        return None
    pairs = enumerate(zip(text, decoded, strict=False))
    same = next((place for place, (one, other) in pairs if one != other), min(len(text), len(decoded)))
    before = text[max(0, same - _SHOWN // 2) : same]
    return Difference(before, text[same : same + _SHOWN], decoded[same : same + _SHOWN])
