"""The tokenizer of a model of a folder or of the hub, which works in the sandbox; used as transformers' own is."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from models.loading import tokenizer_worker as worker
from models.sandbox import Pool, SandboxedFiles
from models.tokenization.pieces import Look, Looks, check_is_text

Given = TypeVar("Given")

POOL = Pool(modules=("models.loading.tokenizer_worker",))
_ADVICE = "take a shorter text, or another model"
# Of looks, which the vocabulary of a stranger's file may make large.
_MOST_LOOKED = 32_000_000


class _Looks(Looks):
    """Looks that are asked for, all that are missing at once, and kept as long as there is room."""

    def __init__(self, subject: SandboxedFiles, described: worker.Description) -> None:
        super().__init__(
            lambda _: None,
            described.notation,
            special=(number for _, number in described.special if number is not None),
            added=described.added,
            unknown=described.unknown,
        )
        self._subject = subject
        self._size = 0

    def __missing__(self, number: int) -> Look:
        return self._learnt([number])[number]

    def pieces(self, ids: Sequence[int], spans: Any = None, text: str | None = None) -> Any:
        missing = {*ids} - self.keys()
        if missing:
            self._learnt(sorted(missing))
        return super().pieces(ids, spans, text)

    def _learnt(self, ids: list[int]) -> dict[int, Look]:
        looks = dict(zip(ids, POOL.ask(worker.looked_up, ids, of=self._subject, advice=_ADVICE), strict=True))
        self._size += sum(len(each.text) + len(each.data) + len(each.token) for each in looks.values())
        if self._size > _MOST_LOOKED:
            self.clear()
            self._size = 0
        self.update(looks)
        return looks


@dataclass(frozen=True)
class _Encoding:
    ids: list[int]
    offsets: list[tuple[int, int]]

    def __len__(self) -> int:
        return len(self.ids)


class _Asking:
    """Whatever is asked of a tokenizer's files."""

    def __init__(self, subject: SandboxedFiles) -> None:
        self._subject = subject

    def _ask(self, task: Callable[..., Given], *arguments: Any) -> Given:
        return POOL.ask(task, *arguments, of=self._subject, advice=_ADVICE)


class _Normalizer(_Asking):
    def normalize_str(self, text: str) -> str:
        check_is_text(text)
        return self._ask(worker.normalized, text)


class _Backend(_Asking):
    """What is asked of the `tokenizers.Tokenizer` behind a fast tokenizer."""

    padding = truncation = None

    def __init__(self, subject: SandboxedFiles, described: worker.Description) -> None:
        super().__init__(subject)
        self.normalizer = _Normalizer(subject) if described.has_normalizer else None

    def encode(self, text: str, add_special_tokens: bool = True) -> _Encoding:
        check_is_text(text)
        cut = self._ask(worker.cut, text, add_special_tokens)
        return _Encoding(cut.ids.tolist(), [(start, end) for start, end in cut.spans.tolist()])

    def decode(self, ids: Sequence[int], skip_special_tokens: bool = True) -> str:
        numbers = [int(number) for number in ids]
        return self._ask(worker.decoded, numbers, skip_special_tokens)

    def token_to_id(self, token: str) -> int | None:
        check_is_text(token)
        return self._ask(worker.ids_of, [token])[0]


class _Stream(_Asking):
    """`tokenizers.decoders.DecodeStream`, each step of which is taken in the sandbox."""

    def __init__(self, subject: SandboxedFiles, ids: Iterable[int]) -> None:
        super().__init__(subject)
        self._reached = worker.Streamed(tuple(ids))

    def step(self, _: Any, number: int) -> str | None:
        now = self._reached
        self._reached = self._ask(worker.streamed, now.ids, now.prefix, now.prefix_index, int(number))
        return self._reached.text


class SandboxedTokenizer(_Asking):
    """What Headlight asks of a tokenizer of transformers'. Each question may raise SandboxError."""

    def __init__(self, title: str, files: Mapping[str, bytes], *, in_target_mode: bool = False) -> None:
        """Open it. Raises SandboxError, TokenizerFileError (the clause that says which file is at fault)."""
        subject = SandboxedFiles(f"The tokenizer of {title}", worker.held, files, made_with=(in_target_mode,))
        self.described: worker.Description = POOL.ask(worker.described, of=subject, advice="choose another model")
        super().__init__(subject)
        self._title = title
        self.looks = _Looks(subject, self.described)
        self.chat_template = self.described.chat_template
        self.all_special_tokens = [text for text, _ in self.described.special]
        self.all_special_ids = [number for _, number in self.described.special]
        self.special_tokens_map = {role: text for role, (text, _) in self.described.roles.items()}
        self.added_tokens_decoder = dict.fromkeys(self.described.added)
        self.backend_tokenizer = _Backend(subject, self.described) if self.described.is_fast else None

    def __getattr__(self, name: str) -> Any:
        """The special tokens by their roles: eos_token, eos_token_id, ... None where there is none, as transformers."""
        role = name.removesuffix("_id")
        if name.startswith("_") or not role.endswith("_token"):
            raise AttributeError(name)
        text, number = self.described.roles.get(role, (None, None))
        return number if name.endswith("_id") else text

    def __len__(self) -> int:
        return self.described.size

    def __call__(self, text: str, *, add_special_tokens: bool = True, return_tensors: str | None = None) -> Any:
        """A text as `input_ids` and `attention_mask`."""
        from transformers import BatchEncoding

        ids = self._cut(text, add_special_tokens).tolist()
        made = {"input_ids": ids, "attention_mask": [1] * len(ids)}
        return BatchEncoding(made, tensor_type=return_tensors, prepend_batch_axis=return_tensors is not None)

    def encode(self, text: str, *, add_special_tokens: bool = True) -> list[int]:
        """A text as ids."""
        return self._cut(text, add_special_tokens).tolist()

    def _cut(self, text: str, add_special_tokens: bool) -> Any:
        check_is_text(text)
        return self._ask(worker.cut, text, add_special_tokens).ids

    def decode(self, ids: Any, *, skip_special_tokens: bool = False) -> str:
        """The text that ids give back."""
        numbers = [int(number) for number in (ids if isinstance(ids, Iterable) else [ids])]
        return self._ask(worker.decoded, numbers, skip_special_tokens)

    def convert_ids_to_tokens(self, ids: Sequence[int]) -> list[str]:
        """The pieces as the vocabulary has them."""
        return [self.looks[int(number)].token for number in ids]

    def get_vocab(self) -> dict[str, int]:
        """Every piece as the vocabulary has it, and its id."""
        return self._ask(worker.vocabulary)

    def apply_chat_template(
        self, messages: Sequence[Mapping[str, str]], *, add_generation_prompt: bool = False, tokenize: bool = False
    ) -> str | None:
        """The chat as text, which is not cut here; None where the template does not take it. Raises SandboxError."""
        if tokenize:
            raise ValueError("cut the text with the tokenizer")
        chat = [dict(each) for each in messages]
        title = f"The chat template of {self._title}"
        return POOL.ask(worker.filled, chat, add_generation_prompt, of=self._subject, title=title, advice=_ADVICE)

    def stream(self, ids: Sequence[int]) -> _Stream:
        """The text that tokens add up to after these."""
        return _Stream(self._subject, ids)
