"""One question as several prompts: without, with one, and with all examples; plain, and as a message in a chat."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from jinja2 import TemplateError

from models.decoding.prepared_generation import CannotWriteError
from models.decoding.stages import NextToken, NextTokenRequest
from models.engine import Engine
from models.forward.inputs import InputError, model_inputs
from models.loaded import LoadedModel
from models.sandbox import SandboxError
from models.tokenization import Piece, encode, pieces_of_ids
from models.tokenization.pieces import TextPieces, check_is_text, columns_of

# Stands where the message goes, to see what a template puts round it; private use, so that no template writes it.
_MARK = "\U000f4a11\U000f4a12"


@dataclass(frozen=True)
class PromptVariant(TextPieces):
    """A question as one prompt.

    name: "zero-shot", "one-shot" or "few-shot". is_chat: whether it goes through the model's chat template.
    typed: what the person wrote of it. text: what the model reads, special tokens as text.
    is_added: where a piece of what the model reads is not the person's but the template's or the tokenizer's. A special
        piece that is not added was typed as text and taken as special.
    """

    name: str
    is_chat: bool
    typed: str
    text: str
    is_added: tuple[bool, ...]


class PromptToken(NamedTuple):
    """One token that may come next: its raw probability, and its place in their order, 0 being the likeliest."""

    id: int
    text: str
    probability: float
    rank: int


@dataclass(frozen=True)
class PromptAnswer:
    """What a model says next to one prompt.

    top: the likeliest tokens, best first. entropy: of the raw distribution, in nats. followed: the token that was
        asked for, as it would go on with this prompt.
    """

    variant: PromptVariant
    top: tuple[PromptToken, ...]
    entropy: float
    followed: PromptToken | None


@dataclass(frozen=True)
class Prompts:
    """Every prompt's answer, the plain ones first; and, as sentences, what has to be said of them."""

    answers: tuple[PromptAnswer, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class PromptsRequest:
    """The next token after a question with 0, 1 and all examples.

    settings_top: how many of the likeliest tokens are told. follow: a text whose first token is followed.
    """

    model: str
    examples: tuple[str, ...]
    question: str
    settings_top: int = 10
    follow: str | None = None

    def answer(self, engine: Engine) -> Prompts:
        """Raises what `load_model` and `prompt_variants` raise; InputError where the model has no token to follow."""
        loaded = engine.model(self.model)
        variants, stopped = _variants(loaded, self.examples, self.question)
        answers = []
        for variant in variants:
            followed = followed_token(loaded, variant, self.follow) if self.follow else None
            asked: NextToken = engine.run(NextTokenRequest(self.model, variant.ids))
            answers.append(_answer(loaded, variant, asked, self.settings_top, followed))
        return Prompts(tuple(answers), _notes(loaded, variants, stopped))


def prompt_variants(loaded: LoadedModel, examples: tuple[str, ...], question: str) -> tuple[PromptVariant, ...]:
    """The question alone, after one example (the last, as it stands next to it), and after all of them.

    Lines are joined with line breaks; blank examples are none. Where the tokenizer has a chat template that takes one
    message, each comes as such a message too, after the plain ones.

    Raises CannotWriteError for a model that does not go on with a text, TextError, InputError (no question, too long).
    """
    return _variants(loaded, examples, question)[0]


def _variants(loaded: LoadedModel, examples: tuple[str, ...], question: str) -> tuple[tuple[PromptVariant, ...], str]:
    """The prompts, and why there are none as messages where the template asked for more than a stranger's may have."""
    if loaded.is_seq2seq or not loaded.model.can_generate():
        reads = "one text and writes another" if loaded.is_seq2seq else "a text and writes none"
        raise CannotWriteError(
            f"{loaded.card.title} reads {reads}: there is no prompt that it goes on with. Choose a decoder."
        )
    if not question.strip():
        raise InputError("There is no question yet: type a last line that the model goes on with.")
    shown = tuple(each for each in examples if each.strip())
    chosen = {"zero-shot": (), "one-shot": shown[-1:], "few-shot": shown}
    typed = {
        name: "\n".join((*some, question)) for place, (name, some) in enumerate(chosen.items()) if len(shown) >= place
    }
    plain = tuple(_plain(loaded, name, text) for name, text in typed.items())
    try:
        chats = [_chat(loaded, name, text) for name, text in typed.items()]
    except SandboxError as error:
        return plain, str(error)
    return plain + tuple(chat for chat in chats if chat is not None), ""


def followed_token(loaded: LoadedModel, variant: PromptVariant, follow: str) -> int | None:
    """The first token of `follow` as it would go on with this prompt, or None where it has none.

    After a line break (as templates end) no word begins with a space, so the spaces before it are left out there.
    Where `follow` would melt into the prompt's last token, it is cut by itself.

    Raises TextError.
    """
    check_is_text(follow)
    after = follow.lstrip() or follow if variant.text[-1:].isspace() else follow
    if variant.is_chat:
        whole = tuple(piece.id for piece in _cut(loaded, variant.text + after))
    else:
        whole = encode(loaded.tokenizer, variant.typed + after).ids
    read = len(variant.ids)
    if len(whole) > read and whole[:read] == variant.ids:
        return whole[read]
    return next((piece.id for piece in _cut(loaded, after)), None)


def _plain(loaded: LoadedModel, name: str, typed: str) -> PromptVariant:
    pieces = model_inputs(loaded, typed).pieces
    is_added = tuple(piece.is_special and piece.span == (0, 0) for piece in pieces)
    # Nothing is added within a text: what comes before its first own piece stands before it.
    own = is_added.index(False) if False in is_added else len(pieces)
    before, after = (
        "".join(piece.data.decode() for piece, added in zip(pieces[part], is_added[part], strict=True) if added)
        for part in (slice(own), slice(own, None))
    )
    return _variant(name, pieces, is_added, typed=typed, text=before + typed + after, is_chat=False)


def _chat(loaded: LoadedModel, name: str, typed: str) -> PromptVariant | None:
    text, frame = _rendered(loaded.tokenizer, typed), _rendered(loaded.tokenizer, _MARK)
    if text is None or frame is None:
        return None
    before, _, after = frame.partition(_MARK)
    own = range(len(before), len(text) - len(after))
    pieces = _cut(loaded, text)
    # Where a template changes the message, or a tokenizer tells no spans, only what is special is known to be added.
    is_framed = loaded.backend is not None and _MARK in frame and text.startswith(before) and text.endswith(after)
    is_added = tuple(
        piece.span[1] <= own.start or piece.span[0] >= own.stop if is_framed else piece.is_special for piece in pieces
    )
    return _variant(name, pieces, is_added, typed=typed, text=text, is_chat=True)


def _variant(
    name: str, pieces: Sequence[Piece], is_added: tuple[bool, ...], *, typed: str, text: str, is_chat: bool
) -> PromptVariant:
    return PromptVariant(
        name=name,
        is_chat=is_chat,
        typed=typed,
        text=text,
        is_added=is_added,
        **columns_of(pieces),
    )


def _rendered(tokenizer: Any, message: str) -> str | None:
    """The chat as text, up to where the model's answer begins; None where there is no template that takes this.

    As text, because transformers would cut it with settings of the shared tokenizer.
    """
    if not getattr(tokenizer, "chat_template", None):
        return None
    try:
        return tokenizer.apply_chat_template(
            [{"role": "user", "content": message}], add_generation_prompt=True, tokenize=False
        )
    except (TemplateError, TypeError, ValueError):
        return None


def _cut(loaded: LoadedModel, text: str) -> tuple[Piece, ...]:
    """The pieces of a text to which nothing is added: a template writes its special tokens itself."""
    if loaded.backend is None:
        return pieces_of_ids(loaded.tokenizer, loaded.tokenizer(text, add_special_tokens=False)["input_ids"])
    encoding = loaded.backend.encode(text, add_special_tokens=False)
    return pieces_of_ids(loaded.tokenizer, encoding.ids, encoding.offsets)


def _answer(
    loaded: LoadedModel, variant: PromptVariant, asked: NextToken, top: int, followed: int | None
) -> PromptAnswer:
    if followed is not None and followed >= len(asked.logits):
        raise InputError(
            f"The tokenizer of {loaded.card.title} has a token {followed:,} that the model has not: it knows "
            f"{len(asked.logits):,}. This tokenizer belongs to another model; load the one that was saved with it."
        )
    shares = torch.softmax(asked.logits.double(), dim=-1)
    # Of equal ones the first comes first, as `argmax` has it.
    order = torch.sort(asked.logits, descending=True, stable=True).indices

    def token(number: int, rank: int) -> PromptToken:
        return PromptToken(number, loaded.pieces([number])[0].text, float(shares[number]), rank)

    return PromptAnswer(
        variant=variant,
        top=tuple(token(number, rank) for rank, number in enumerate(order[:top].tolist())),
        entropy=float(-torch.special.xlogy(shares, shares).sum()),
        followed=None if followed is None else token(followed, int((order == followed).nonzero()[0, 0])),
    )


def _notes(loaded: LoadedModel, variants: Sequence[PromptVariant], stopped: str) -> tuple[str, ...]:
    notes = []
    if stopped:
        notes.append(f"{stopped} There are only the plain prompts.")
    elif not any(variant.is_chat for variant in variants):
        why = (
            "cannot be filled with one message"
            if getattr(loaded.tokenizer, "chat_template", None)
            else "is not there: this model has none"
        )
        notes.append(f"The chat template of {loaded.card.title} {why}, so there are only the plain prompts.")
    typed = dict.fromkeys(
        piece
        for variant in variants
        for piece, special, added in zip(variant.pieces, variant.is_special, variant.is_added, strict=True)
        if special and not added
    )
    if typed:
        several = len(typed) > 1
        notes.append(
            f"The text holds {' and '.join(typed)}. The tokenizer takes {'them' if several else 'it'} as "
            f"{'special tokens' if several else 'a special token'}, not as letters: whoever types "
            f"{'them' if several else 'it'} can speak for the template."
        )
    return tuple(notes)
