"""The vectors of a text: where they start in the table, and what each layer makes of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from models.embeddings.hidden_states import anatomy_of, hidden_of, run_hidden
from models.engine import Engine
from models.forward.inputs import Inputs, model_inputs, shifted_right
from models.forward.recorded_run import to_numpy
from models.forward.shadow_modules import shadow_of
from models.loaded import LoadedModel
from models.tokenization.pieces import TextPieces, columns_of


@dataclass(frozen=True, eq=False)
class Embedding(TextPieces):
    """The vectors of one text.

    hidden_states: as transformers returns them, float32: before the first layer, and after each; of the encoder, for an
        encoder-decoder. Where there is a final norm the last one has passed it, and the last layer's output itself is
        not among them.
    target_hidden_states: of the decoder of an encoder-decoder; [0, 0, 0] for all others.
    static: the rows of the input embedding matrix, float32, the same whatever stands around a token.
    target_pieces: as shown.
    first, last: what the hidden states at index 0 and at the last index are, as measured
        (`models.embeddings.hidden_states`): for example "static vectors, positions and a norm", "after the final norm".
    scale: what the static vectors are multiplied with on their way there, 1 for nothing.
    target_first, target_last: the same for the decoder, "" where there is none.
    """

    hidden_states: Float[np.ndarray, "state token width"]
    target_hidden_states: Float[np.ndarray, "target_state target target_width"]
    static: Float[np.ndarray, "token table_width"]
    target_ids: tuple[int, ...]
    target_pieces: tuple[str, ...]
    first: str
    last: str
    scale: float | int
    target_first: str
    target_last: str


@dataclass(frozen=True)
class EmbedRequest:
    """The vectors of one text, one forward.

    text: or token ids, as they go to the model.
    target_text: for seq2seq models, what is written: a text, or the tokens that were generated. Row t of the decoder
        is then the step that writes token t.
    """

    model: str
    text: str | tuple[int, ...]
    target_text: str | tuple[int, ...] | None = None

    def answer(self, engine: Engine) -> Embedding:
        """Raises what `load_model` and `embed` raise."""
        loaded = engine.model(self.model)
        target = self.target_text
        if isinstance(target, tuple):
            target = shifted_right(loaded, target)
        with engine.forward(loaded):
            return embed(loaded, self.text, target)


def embed(loaded: LoadedModel, text: str | Sequence[int], target_text: str | Sequence[int] | None = None) -> Embedding:
    """Run the model once over `text` and keep what each layer makes of it.

    text: a text, or token ids that go to the model as they are.
    target_text: for seq2seq models, what the decoder is given: a text, shifted right as in training, or the decoder's
        input ids as they are; None gives it its start token alone.

    Takes the device: call it while holding its lock. The shared model is left as it was, transformers' hooks included.

    Raises TextError, InputError, NoHiddenStatesError.
    """
    inputs = model_inputs(loaded, text, target_text)
    anatomy = anatomy_of(loaded)
    result = hidden_forward(loaded, inputs)
    is_seq2seq = anatomy.encoder is not None
    of_text = anatomy.encoder or anatomy.reader
    states = hidden_of(loaded, result, "encoder_hidden_states" if is_seq2seq else "hidden_states")[:, 0]
    targets = (
        to_numpy(hidden_of(loaded, result, "decoder_hidden_states")[:, 0])
        if is_seq2seq
        else np.empty((0, 0, 0), dtype=np.float32)
    )
    ids = torch.tensor(inputs.ids, device=loaded.device)
    table: Any = loaded.model.get_input_embeddings()
    with torch.inference_mode():
        static = table.weight[ids]
    return Embedding(
        hidden_states=to_numpy(states),
        target_hidden_states=targets,
        static=to_numpy(static),
        **columns_of(inputs.pieces),
        target_ids=inputs.target_ids,
        target_pieces=tuple(piece.text for piece in inputs.target_pieces),
        first=of_text.first,
        last=of_text.last,
        scale=of_text.scale,
        target_first=anatomy.reader.first if is_seq2seq else "",
        target_last=anatomy.reader.last if is_seq2seq else "",
    )


def hidden_forward(loaded: LoadedModel, inputs: Inputs, **more: Any) -> Any:
    """One forward without the head, on a shadow of the model: what transformers returns for it.

    more: further keyword arguments of the forward, such as `position_ids`.
    """
    arguments = inputs.arguments(loaded, 1, last_only=False) | more
    return run_hidden(loaded, shadow_of(loaded.model)[loaded.model], arguments)
