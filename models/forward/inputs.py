"""From texts or token ids to what a model's forward takes."""

import inspect
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from models.decoder_start import decoder_start
from models.errors import HeadlightError
from models.forward.interventions import HideToken, Rows
from models.loaded import LoadedModel
from models.tokenization import Piece, encode

# Of a machine's memory that one forward may take; up to three have begun at the same time.
_SHARE = 3
# Of each pair of tokens: the mask, in a few forms. Of each head besides, where distances are added to its scores (T5),
# or where the weights are worked out and kept for a moment (eager).
_BYTES_OF_PAIR, _BYTES_OF_HEAD = 12, 14
_BYTES_OF_NUMBER = 4


class InputError(HeadlightError):
    """An input that this model cannot take: nothing, too much, or ids it does not know."""


@dataclass(frozen=True)
class Inputs:
    """What goes into one forward; `target_ids` is empty unless the model is seq2seq."""

    ids: tuple[int, ...]
    pieces: tuple[Piece, ...]
    target_ids: tuple[int, ...]
    target_pieces: tuple[Piece, ...]

    def arguments(self, loaded: LoadedModel, batch: int, *, last_only: bool, rows: Rows = ()) -> dict[str, Any]:
        """The forward's keyword arguments, the same text in each of `batch` rows.

        last_only: compute logits for the last position alone, where the model can. rows: what is changed in each row;
            a hidden token is a 0 in the model's own mask, which layers without attention read too.
        """
        ids = torch.tensor([self.ids] * batch, device=loaded.device)
        arguments: dict[str, Any] = {
            "input_ids": ids,
            "attention_mask": _mask(ids, rows, in_target=False),
            "return_dict": True,
        }
        taken = inspect.signature(loaded.model.forward).parameters
        settings = loaded.model.config.get_text_config()
        takes_more = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in taken.values())
        if self.target_ids:
            target = torch.tensor([self.target_ids] * batch, device=loaded.device)
            arguments["decoder_input_ids"] = target
            if any(isinstance(each, HideToken) and each.in_target for row in rows for each in row):
                arguments["decoder_attention_mask"] = _mask(target, rows, in_target=True)
        if "use_cache" in taken or (takes_more and getattr(settings, "use_cache", False)):
            arguments["use_cache"] = False
        # Layers that share keys and values (Gemma 4) run for these positions alone, and would have maps of one row.
        if last_only and "logits_to_keep" in taken and not getattr(settings, "num_kv_shared_layers", 0):
            arguments["logits_to_keep"] = 1
        return arguments


def _mask(ids: torch.Tensor, rows: Rows, *, in_target: bool) -> torch.Tensor:
    """1 everywhere but for the hidden tokens; one that is not there is an error of the run (`hidden_keys`)."""
    mask = torch.ones_like(ids)
    for row, interventions in enumerate(rows):
        for each in interventions:
            if isinstance(each, HideToken) and each.in_target == in_target and 0 <= each.position < ids.shape[1]:
                mask[row, each.position] = 0
    return mask


def plain_ids(loaded: LoadedModel, count: int) -> tuple[int, ...]:
    """So many different ids that mean nothing special to the model (padding, whose position RoBERTa skips, an image)
    where it has as many; no more than it has positions for.
    """
    special = set(special_ids(loaded.model.config.to_dict()))
    middle = loaded.vocabulary // 2
    order = (*range(middle, loaded.vocabulary), *range(middle))
    usable = [each for each in order if each not in special][:count] or [0]
    length = count if loaded.positions is None else min(count, loaded.positions)
    return tuple(usable[place % len(usable)] for place in range(length))


def bare_inputs(loaded: LoadedModel, ids: tuple[int, ...]) -> Inputs:
    """These ids without their pieces, for a look at the model; of an encoder-decoder they are source and target."""
    return Inputs(ids, (), ids if loaded.is_seq2seq else (), ())


def special_ids(settings: Any) -> Iterator[int]:
    """The ids that a config, as a dictionary, gives a meaning of their own: padding, start, end, an image."""
    for name, value in settings.items():
        if isinstance(value, dict):
            yield from special_ids(value)
        elif isinstance(name, str) and name.endswith(("token_id", "token_index")):
            yield from value if isinstance(value, list) else [value]


def model_inputs(
    loaded: LoadedModel, text: str | Sequence[int], target_text: str | Sequence[int] | None = None
) -> Inputs:
    """Cut the texts, add what the model's decoder starts with, and check that the model can take it.

    Raises TextError, InputError.
    """
    ids, pieces = _ids_and_pieces(loaded, loaded.tokenizer, text)
    _check(loaded, ids)
    if not loaded.is_seq2seq:
        if target_text is not None:
            raise InputError(f"{loaded.card.title} has no decoder of its own to give a target text to; leave it out.")
        return Inputs(ids, pieces, (), ())
    target = _target_ids(loaded, target_text)
    _check(loaded, target)
    return Inputs(ids, pieces, target, loaded.pieces(target))


def _ids_and_pieces(
    loaded: LoadedModel, tokenizer: Any, text: str | Sequence[int]
) -> tuple[tuple[int, ...], tuple[Piece, ...]]:
    vocabulary = loaded.vocabulary
    if not isinstance(text, str):
        ids = tuple(int(number) for number in text)
        bad = next((number for number in ids if not 0 <= number < vocabulary), None)
        if bad is not None:
            raise InputError(f"There is no token with the id {bad}: the ids go from 0 to {vocabulary - 1}.")
        return ids, loaded.pieces(ids)
    if not text.strip():
        raise InputError("There is no text yet: type a sentence, or choose an example.")
    if tokenizer is None:
        raise InputError("This model came without a tokenizer; give it token ids instead of text.")
    cut = encode(tokenizer, text)
    check_in_table(loaded, cut.pieces)
    return cut.ids, cut.pieces


def check_in_table(loaded: LoadedModel, pieces: Iterable[Piece]) -> None:
    """Raise InputError for a piece that the tokenizer has and the model's table has not."""
    for piece in pieces:
        if piece.id >= loaded.vocabulary:
            raise InputError(
                f"The tokenizer of {loaded.card.title} has a token, {piece.text!r} with the id {piece.id:,}, which is "
                f"beyond the {loaded.vocabulary:,} rows of the model's table: the two do not belong together. Leave it "
                "out, or give the model its own."
            )


def _target_ids(loaded: LoadedModel, target_text: str | Sequence[int] | None) -> tuple[int, ...]:
    if target_text is None:
        return (decoder_start(loaded.model),)
    if isinstance(target_text, str) and not target_text.strip():
        raise InputError("The output is empty: type what the model should have written.")
    ids, _ = _ids_and_pieces(loaded, loaded.target_tokenizer, target_text)
    return shifted_right(loaded, ids) if isinstance(target_text, str) else ids


def shifted_right(loaded: LoadedModel, written: Sequence[int]) -> tuple[int, ...]:
    """What the decoder of a seq2seq model is given to write these tokens: each of them one position later, as in
    training, and its start token first. The last one is not among them.
    """
    shift_right = getattr(loaded.model, "prepare_decoder_input_ids_from_labels", None)
    if not callable(shift_right):
        return (decoder_start(loaded.model), *written[:-1])
    try:
        shifted = shift_right(labels=torch.tensor([list(written)], device=loaded.device))
    except (AttributeError, TypeError, ValueError, RuntimeError):
        # A config may lack the token that its class shifts by, and have it where `generate` looks.
        return (decoder_start(loaded.model), *written[:-1])
    return tuple(shifted[0].tolist())


def _check(loaded: LoadedModel, ids: Sequence[int]) -> None:
    if not ids:
        raise InputError("There is no token in this text; type a sentence, or choose an example.")
    beyond = next((each for each in ids if not 0 <= each < loaded.vocabulary), None)
    if beyond is not None:
        raise InputError(
            f"{loaded.card.title} begins or pads with the token {beyond}, and has ids from 0 to "
            f"{loaded.vocabulary - 1:,}: its config.json is damaged. Get its files anew."
        )
    limit = loaded.positions
    if limit is not None and len(ids) > limit:
        raise InputError(
            f"This text has {len(ids):,} tokens and {loaded.card.title} has positions for {limit:,}; "
            "shorten it or choose another model."
        )
    most = most_tokens(loaded)
    if most is not None and len(ids) > most:
        raise InputError(
            f"This text has {len(ids):,} tokens, and this machine has memory for {most:,} in {loaded.card.title}; "
            "shorten it or choose a smaller model."
        )


def most_tokens(loaded: LoadedModel) -> int | None:
    """The longest text for which there is memory on the CPU; None on other devices, which say where there is none.

    The system gives memory that there is none of, and ends the process when that is used: no error says so in time.
    """
    if loaded.device.type != "cpu":
        return None
    from models.loading.model_memory import device_memory

    card = loaded.card
    # Queries, keys and values of each layer are recorded, and what goes through it is kept.
    recorded = 2 + 2 * card.key_value_heads / max(1, card.heads)
    of_token = _BYTES_OF_NUMBER * (card.layers + (card.decoder_layers or 0)) * card.width * recorded
    works_out = "eager" in str(loaded.model.config._attn_implementation) or loaded.positions is None
    of_pair = _BYTES_OF_PAIR + (_BYTES_OF_HEAD * card.heads if works_out else 0)
    room = device_memory(torch.device("cpu")) / _SHARE
    return int((math.sqrt(of_token**2 + 4 * of_pair * room) - of_token) / (2 * of_pair))
