"""The text that tokens add up to, while they come."""

from collections.abc import Sequence
from typing import Any

from tokenizers.decoders import DecodeStream

_BROKEN = "\N{REPLACEMENT CHARACTER}"


class TextStream:
    """What each further token adds to the text, so that all of it together is the decoded text.

    A token may hold half a character: it adds nothing, and the token that completes the character adds it. Without a
    tokenizer there is no text.
    """

    def __init__(self, tokenizer: Any, prompt: Sequence[int] = ()) -> None:
        self._tokenizer = tokenizer
        self._backend = getattr(tokenizer, "backend_tokenizer", None)
        self._stream: Any = (
            tokenizer.stream(prompt)
            if hasattr(tokenizer, "stream")
            else DecodeStream(ids=list(prompt), skip_special_tokens=True)
        )
        self._prompt = list(prompt)
        self._ids: list[int] = []
        self._said = len(self._whole()) if prompt and self._backend is None and self._tokenizer is not None else 0

    def add(self, token_id: int, *, is_last: bool) -> str:
        """The text that this token adds. At the last one half a character that nothing completed comes as �."""
        self._ids.append(token_id)
        if self._tokenizer is None:
            return ""
        if self._backend is None:
            added = self._whole()[self._said :]
            added = "" if added.endswith(_BROKEN) and not is_last else added
            self._said += len(added)
            return added
        added = self._stream.step(self._backend, token_id) or ""
        if is_last and not added and self._whole().endswith(_BROKEN):
            return _BROKEN
        return added

    def _whole(self) -> str:
        return self._tokenizer.decode([*self._prompt, *self._ids], skip_special_tokens=True)
