"""A chat as one tokenizer's model reads it: pieces, each of one turn or of the template, and what each turn costs."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int16, Int64

from models.engine import Engine
from models.errors import HeadlightError
from models.sandbox import Pool
from models.tokenization.chat_templates import LONGEST_TEMPLATE, ChatTemplate, pasted, template_of
from models.tokenization.chat_worker import TOOLS, Rendered, Spoken, rendered
from models.tokenization.chats import Chat, chat_of
from models.tokenization.loaded_tokenizer import LoadedTokenizer
from models.tokenization.pieces import Piece, check_is_text
from models.tokenization.sandboxed import answered

POOL = Pool(modules=("models.tokenization.chat_worker", "transformers.utils.chat_template_utils"))
TEMPLATE = -1
# In which a special token of a turn is plain text, transformers encodes after a line break, which it takes off again.
_BREAK = "\n"


class ChatTemplateError(HeadlightError):
    """A tokenizer without a template, or a template that does not take a chat."""


@dataclass(frozen=True, eq=False)
class ReadTurn:
    """What became of one turn.

    state: "as it is", "trimmed" (white space at its ends is gone), "changed", "repeated", "left out", "empty".
    tokens: pieces of its own text. costs: tokens that the chat has more with this turn than before it, the template's
    round it among them. upto: tokens of the chat up to here. kept: of those the chat had before this turn, how many
    stand unchanged at its beginning, so that their keys and values are still right. None: not to be had, since the
    template does not take the chat up to here, or up to the turn before.
    specials: its pieces that are special tokens, though somebody typed them.
    """

    role: str
    content: str
    state: str
    tokens: int
    costs: int | None
    upto: int | None
    kept: int | None
    specials: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class ReadChat:
    """A chat, rendered and cut.

    text: what the template made of it. owners: of each piece its turn, TEMPLATE, or TOOLS for a tool's definition.
    prompt: so many pieces at the end are there for the answer to begin with.
    is_seen: whether the places of the turns were seen exactly, by marks; else they were found by their text.
    added: what the template wrote itself, longest stretches first. takes_tools: whether it asks for tools.
    is_own: whether the template lies in the tokenizer's own files; source: where it is from.
    """

    text: str
    pieces: tuple[Piece, ...]
    owners: Int16[np.ndarray, " piece"]
    turns: tuple[ReadTurn, ...]
    prompt: int
    is_seen: bool
    added: tuple[str, ...]
    takes_tools: bool
    is_own: bool
    source: str

    @property
    def ids(self) -> tuple[int, ...]:
        """Of the pieces."""
        return tuple(piece.id for piece in self.pieces)

    @property
    def of_template(self) -> int:
        """How many pieces are the template's."""
        return int((self.owners == TEMPLATE).sum())

    @property
    def of_tools(self) -> int:
        """How many pieces define tools."""
        return int((self.owners == TOOLS).sum())


@dataclass(frozen=True)
class ChatRequest:
    """A chat, written as `chat_of` reads it, through a tokenizer's template.

    template: somebody's own in Jinja; "" is the one that comes with the tokenizer. add_generation_prompt: whether the
    beginning of an answer stands at the end. split_special_tokens: whether special tokens in the turns are plain text
    (`sanitize_control_tokens` of transformers).
    """

    tokenizer: str
    chat: str
    template: str = ""
    add_generation_prompt: bool = True
    split_special_tokens: bool = False

    def answer(self, engine: Engine) -> ReadChat:
        """Raises ChatError, TextError, ChatTemplateError (with the template's own word), SandboxError."""
        loaded = engine.tokenizer(self.tokenizer)
        template = self._template(loaded)
        chat = chat_of(self.chat)
        made = _through(template, chat, loaded.card.title, add_generation_prompt=self.add_generation_prompt)
        return _read(loaded, template, chat, made, is_split=self.split_special_tokens)

    def _template(self, loaded: Any) -> ChatTemplate:
        own = template_of(loaded.card)
        if self.template:
            check_is_text(self.template)
            if len(self.template) > LONGEST_TEMPLATE:
                raise ChatTemplateError(
                    f"This template has {len(self.template):,} characters, and at most {LONGEST_TEMPLATE:,} are taken."
                )
            return pasted(self.template, own)
        if own is None:
            raise ChatTemplateError(
                f"{loaded.card.title} comes without a chat template: its model goes on with a text and knows no turns. "
                "Choose another tokenizer, or paste a template."
            )
        return own


def _through(template: ChatTemplate, chat: Chat, title: str, *, add_generation_prompt: bool) -> Rendered:
    messages = json.dumps(chat.messages, ensure_ascii=False)
    named = f"The chat template of {title}" if not template.source.startswith("pasted") else "The pasted template"
    made = POOL.ask(
        rendered,
        template.jinja,
        dict(template.special),
        messages,
        chat.tools,
        add_generation_prompt,
        title=named,
        advice="mend it, or take a shorter chat",
    )
    if made.text is None:
        said = {
            "syntax": f"{named} is no template that can be read: “{made.error}”.",
            "sandbox": f"{named} asks for what a template may not have, and was stopped: “{made.error}”.",
        }
        raise ChatTemplateError(
            said.get(made.error_kind, f"{named} does not take this chat. It says: “{made.error.rstrip('.')}”.")
        )
    return made


def _read(loaded: Any, template: ChatTemplate, chat: Chat, made: Rendered, *, is_split: bool) -> ReadChat:
    text = made.text or ""
    spoken = found_by_text(chat, text) if made.spoken is None else made.spoken
    texts = [widened(each, chat, text) for each in spoken]
    pieces = answered(loaded, cut_chat, text, [(each.start, each.end) for each in texts] if is_split else [])
    owners = owners_of(pieces, texts, len(text))
    counted = _ids_upto(loaded, made.upto, chat, is_split=is_split)
    turns = []
    for place, turn in enumerate(chat.turns):
        own = [each for each in texts if each.turn == place]
        before = np.zeros(0, np.int64) if place == 0 else counted[place - 1]
        now = counted[place]
        turns.append(
            ReadTurn(
                role=turn.role,
                content=turn.content,
                state=_state(turn.content, [text[each.start : each.end] for each in own]),
                tokens=int((owners == place).sum()),
                costs=None if now is None or before is None else len(now) - len(before),
                upto=None if now is None else len(now),
                kept=None if now is None or before is None else _common(before, now),
                specials=tuple(
                    piece.text
                    for piece, owner in zip(pieces, owners.tolist(), strict=True)
                    if owner == place and piece.is_special
                ),
            )
        )
    ends = len(text) - made.prompt
    return ReadChat(
        text=text,
        pieces=pieces,
        owners=owners,
        turns=tuple(turns),
        prompt=sum(piece.span[0] >= ends for piece in pieces) if made.prompt else 0,
        is_seen=made.spoken is not None,
        added=_added(text, texts),
        takes_tools=made.takes_tools,
        is_own=template.is_own,
        source=template.source,
    )


def cut_chat(loaded: LoadedTokenizer, text: str, plain: Sequence[tuple[int, int]]) -> tuple[Piece, ...]:
    """The pieces of a rendered chat, to which nothing is added: a template writes its special tokens itself.

    plain: stretches in which a special token is plain text; each such token is encoded by itself, as transformers does.
    """
    marked = [
        (start, end)
        for start, end in (loaded.added_in(text) if plain else ())
        if end > start and any(low <= start and end <= high for low, high in plain)
    ]
    if not marked:
        return loaded.tokenize(text).pieces
    found: list[Piece] = []
    at = 0
    for start, end in [*marked, (len(text), len(text))]:
        for low, high, is_plain in ((at, start, False), (start, end, True)):
            if high > low:
                found += _part(loaded, text[low:high], low, is_plain=is_plain, is_first=low == 0)
        at = end
    return tuple(found)


def _part(loaded: LoadedTokenizer, text: str, at: int, *, is_plain: bool, is_first: bool) -> list[Piece]:
    pieces = loaded.tokenize(text, split_special_tokens=is_plain).pieces
    moved = at
    if not is_first:
        ahead = [piece.id for piece in loaded.tokenize(_BREAK).pieces]
        after = loaded.tokenize(_BREAK + text, split_special_tokens=is_plain).pieces
        if [piece.id for piece in after[: len(ahead)]] == ahead:
            pieces, moved = after[len(ahead) :], at - len(_BREAK)
    return [
        Piece(
            each.id,
            each.text,
            each.data,
            (each.span[0] + moved, each.span[1] + moved),
            is_special=each.is_special,
            is_unknown=each.is_unknown,
        )
        for each in pieces
    ]


def owners_of(pieces: Sequence[Piece], texts: Sequence[Spoken], length: int) -> Int16[np.ndarray, " piece"]:
    """Of each piece the one turn in which most of its characters stand, the first of equals; else TEMPLATE."""
    of_character = np.full(length + 1, TEMPLATE, dtype=np.int16)
    for each in texts:
        of_character[each.start : each.end] = each.turn
    found = np.full(len(pieces), TEMPLATE, dtype=np.int16)
    for place, piece in enumerate(pieces):
        stretch = of_character[slice(*piece.span)]
        if len(stretch):
            values, first, counts = np.unique(stretch, return_index=True, return_counts=True)
            best = np.flatnonzero(counts == counts.max())
            found[place] = values[best[np.argmin(first[best])]]
    return found


def widened(spoken: Spoken, chat: Chat, text: str) -> Spoken:
    """With the white space at its ends that is the turn's own, as far as the template left it there."""
    if spoken.turn < 0:
        return spoken
    content, inner = chat.turns[spoken.turn].content, text[spoken.start : spoken.end]
    if content.strip() != inner or not inner:
        return spoken
    before, _, after = content.partition(inner)
    start = spoken.start - len(before) if before and text[: spoken.start].endswith(before) else spoken.start
    end = spoken.end + len(after) if after and text.startswith(after, spoken.end) else spoken.end
    return Spoken(spoken.turn, start, end)


def found_by_text(chat: Chat, text: str) -> tuple[Spoken, ...]:
    """Where the turns' texts stand in a text, each behind the one before it; those that do not are left out."""
    found, at = [], 0
    for place, turn in enumerate(chat.turns):
        inner = turn.content.strip()
        start = text.find(inner, at) if inner else -1
        if start >= 0:
            at = start + len(inner)
            found.append(Spoken(place, start, at))
    return tuple(found)


def _ids_upto(loaded: Any, parts: Sequence[str | None], chat: Chat, *, is_split: bool) -> list[np.ndarray | None]:
    """The ids of each part of a chat, all asked for at once; None where there is no such part."""
    texts = [part for part in parts if part is not None]
    plain = [[(each.start, each.end) for each in found_by_text(chat, text)] if is_split else [] for text in texts]
    found = iter(answered(loaded, ids_of_chats, texts, plain).ids)
    return [None if part is None else next(found) for part in parts]


@dataclass(frozen=True, eq=False)
class ChatIds:
    """The ids of several chats."""

    ids: tuple[Int64[np.ndarray, " _"], ...]


def ids_of_chats(loaded: LoadedTokenizer, texts: Sequence[str], plain: Sequence[Sequence[tuple[int, int]]]) -> ChatIds:
    """The ids of rendered chats, as `cut_chat` cuts them."""
    if not any(plain):
        found = loaded.ids_of(texts)
    else:
        found = [[piece.id for piece in cut_chat(loaded, text, some)] for text, some in zip(texts, plain, strict=True)]
    return ChatIds(tuple(np.array(ids, dtype=np.int64) for ids in found))


def _common(before: Int64[np.ndarray, " before"], now: Int64[np.ndarray, " now"]) -> int:
    most = min(len(before), len(now))
    differs = np.flatnonzero(before[:most] != now[:most])
    return int(differs[0]) if len(differs) else most


def _state(content: str, written: Sequence[str]) -> str:
    if not content.strip():
        return "as it is" if written or not content else "empty"
    if not written:
        return "left out"
    if written.count(content) > 1:
        return "repeated"
    if content in written:
        return "as it is"
    return "trimmed" if content.strip() in written else "changed"


def _added(text: str, texts: Sequence[Spoken]) -> tuple[str, ...]:
    """What stands between the turns' texts, each once, the longest first."""
    parts, at = [], 0
    for each in sorted(texts, key=lambda one: one.start):
        parts.append(text[at : each.start])
        at = max(at, each.end)
    parts.append(text[at:])
    return tuple(sorted({part for part in parts if part.strip()}, key=lambda part: (-len(part), part)))
