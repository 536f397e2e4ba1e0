"""What a masked language model says of a hidden token, and the same stages that a decoder's next token goes through."""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedModel
from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES

from models.decoding.prepared_generation import processors_for
from models.decoding.sampling import Processors, Stage, staged
from models.decoding.settings import DecodingSettings
from models.engine import Engine, TextRequest
from models.errors import HeadlightError
from models.forward.inputs import InputError, model_inputs
from models.loaded import LoadedModel
from models.tokenization import encode


class CannotFillError(HeadlightError):
    """A model that cannot say what stands in a hidden place, or a text without one."""


@dataclass(frozen=True, eq=False)
class MaskedToken:
    """What a model says of the first hidden token of a text; kept on the engine's side, as knobs need no new forward.

    ids: of the whole input, special tokens included. position: of the mask among them. masks: how many there are.
    history: the ids that are no special tokens, in their order, on which repetition is counted.
    """

    logits: Float[Tensor, " vocabulary"]
    ids: tuple[int, ...]
    position: int
    masks: int
    history: tuple[int, ...]

    @property
    def nbytes(self) -> int:
        """Bytes that it holds."""
        return self.logits.nbytes + 8 * (len(self.ids) + len(self.history))

    @property
    def note(self) -> str:
        """What has to be said of the answer, or nothing."""
        if self.masks == 1:
            return ""
        return (
            f"There are {self.masks} masks in this text. This is what stands in the first of them, while the others "
            "are hidden too: the model fills each by itself, and knows nothing of what it says for the others."
        )


@dataclass(frozen=True)
class MaskedTokenRequest(TextRequest):
    """One forward over a text with a mask."""

    def answer(self, engine: Engine) -> MaskedToken:
        """Raises what `load_model` and `masked_logits` raise."""
        loaded = engine.model(self.model)
        with engine.forward(loaded):
            return masked_logits(loaded, self.text)


def has_masked_head(loaded: LoadedModel) -> bool:
    """Whether the model says what stands in a hidden place: one of transformers' classes for that, or made from one,
    and none that writes.
    """
    known = set(MODEL_FOR_MASKED_LM_MAPPING_NAMES.values())
    model = loaded.model
    return (
        not model.can_generate()
        and not model.config.is_encoder_decoder
        and any(each.__name__ in known for each in type(model).__mro__)
    )


def masked_logits(loaded: LoadedModel, text: str) -> MaskedToken:
    """The logits (float32, on the CPU) at the first mask of `text`; the mask is typed as the tokenizer writes it.

    Takes the device: call it while holding its lock.

    Raises CannotFillError where the model has no such head, or the text no mask; TextError, InputError.
    """
    if not has_masked_head(loaded):
        raise CannotFillError(why_not_filled(loaded))
    tokenizer: Any = loaded.tokenizer
    if tokenizer is None:
        raise InputError("This model came without a tokenizer, so that no mask can be typed; give it one.")
    if tokenizer.mask_token_id is None:
        raise CannotFillError(f"The tokenizer of {loaded.card.title} has no mask, so that nothing can be hidden.")
    inputs = model_inputs(loaded, masked_ids(loaded, text))
    mask = int(tokenizer.mask_token_id)
    if mask not in inputs.ids:
        raise CannotFillError(
            f"Nothing is hidden in this text: type {tokenizer.mask_token} where a word is to be found."
        )
    position = inputs.ids.index(mask)
    with torch.inference_mode():
        outputs = loaded.model(**inputs.arguments(loaded, 1, last_only=False))
    special = {*tokenizer.all_special_ids}
    return MaskedToken(
        logits=outputs.logits[0, position].to("cpu", torch.float32, copy=True),
        ids=inputs.ids,
        position=position,
        masks=inputs.ids.count(mask),
        history=tuple(each for each in inputs.ids if each not in special),
    )


def masked_ids(loaded: LoadedModel, text: str) -> tuple[int, ...]:
    """The ids of a text in which the mask, wherever it is typed, is the mask.

    Most tokenizers see to that. One that is set to read special tokens as text (`split_special_tokens`) is given what
    stands between the masks, each part by itself.

    Raises TextError, InputError.
    """
    if not text.strip():
        raise InputError("There is no text yet: type a sentence, or choose an example.")
    tokenizer = loaded.tokenizer
    cut = encode(tokenizer, text)
    parts = text.split(tokenizer.mask_token)
    if len(parts) == 1 or tokenizer.mask_token_id in cut.ids or loaded.backend is None:
        return cut.ids
    added = [piece.is_special and piece.span == (0, 0) for piece in cut.pieces]
    own = added.index(False) if False in added else len(added)
    ids = list(cut.ids[:own])
    for place, part in enumerate(parts):
        ids += [int(tokenizer.mask_token_id)] if place else []
        ids += loaded.backend.encode(part, add_special_tokens=False).ids
    return (*ids, *(number for number, is_added in zip(cut.ids[own:], added[own:], strict=True) if is_added))


def masked_stages(loaded: LoadedModel, masked: MaskedToken, settings: DecodingSettings) -> tuple[Stage, ...]:
    """How the distribution over the hidden token changes, stage by stage, over the whole vocabulary.

    As `sampling_stages`; repetition is counted on the input's tokens without the special ones, on both sides of the
    mask. A minimum length is of no matter here. NaN where the settings forbid every token.
    """
    processors, history = masked_processors(loaded, masked, settings)
    return staged(processors, history, masked.logits[None])[0]


def masked_processors(
    loaded: LoadedModel, masked: MaskedToken, settings: DecodingSettings
) -> tuple[Processors, Int64[Tensor, "row token"]]:
    """What makes these stages, and the tokens on which it counts repetition."""
    writer = replace(loaded, model=stub_writer(len(masked.logits)))
    # `generate` wants a prompt; which one, its processors do not ask.
    prompt = torch.tensor([masked.history or (0,)])
    history = torch.tensor([masked.history], dtype=torch.long)
    return processors_for(writer, prompt, settings), history


@lru_cache(maxsize=8)
def stub_writer(vocabulary: int) -> PreTrainedModel:
    """A model with as many tokens, whose `generate` hands over transformers' processors for models that have none.

    Its weights are whatever the memory held: it never computes, and nothing is drawn to make it.
    """
    config = GPT2Config(
        vocab_size=vocabulary, n_positions=1, n_embd=2, n_layer=1, n_head=1, bos_token_id=None, eos_token_id=None
    )
    with torch.device("meta"):
        model = GPT2LMHeadModel(config)
    return model.to_empty(device="cpu").eval()


def why_not_filled(loaded: LoadedModel) -> str:
    """Why a model without a masked-language head says nothing of a hidden place, and which ones do."""
    title = loaded.card.title
    if loaded.model.can_generate():
        return f"{title} writes the next token and fills no hidden place: it has no masked-language head."
    return (
        f"{title} has no masked-language head: it turns a text into vectors, as models for comparing sentences do, and "
        "cannot say what a hidden word would be. Choose a decoder, or a model for masked language such as BERT."
    )
