"""The logit lens: the model's own head on the hidden states of every layer.

After nostalgebraist, "interpreting GPT: the logit lens" (LessWrong, 2020). The last layer's reader, applied early: what
it says of an inner layer is what the model would write if the layers above did nothing.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor
from transformers.utils import ModelOutput

from models.decoding.masked_token import has_masked_head
from models.embeddings.hidden_states import anatomy_of
from models.embeddings.largest_values import best_first, rank_of
from models.embeddings.token_vectors import Embedding, EmbedRequest
from models.engine import Engine
from models.errors import HeadlightError
from models.forward.inputs import bare_inputs, model_inputs
from models.forward.recorded_run import to_numpy
from models.forward.shadow_modules import answering, shadow_of
from models.loaded import LoadedModel

# SmolLM2 on two cores reads 30 positions a second after each of its layers: more than this nobody waits for.
MOST_POSITIONS = 256
# 16 MB of logits: they stay near the processor, and a class waits for no turn longer than a short forward.
_LOGITS_AT_ONCE = 2**22


class LensError(HeadlightError):
    """A model, a text, a place or a token that the logit lens cannot read."""


@dataclass(frozen=True, eq=False)
class LensTable:
    """What the head says after each layer at each position.

    The rows are those of the hidden states: before the first layer, and after each; the last one is the model's output.

    ids: the likeliest token. probabilities: its own. divergences: KL(model's output || this layer's), in nats.
    pieces: of the likeliest tokens, as shown. read: what is read at each position, as shown.
    """

    ids: Int64[np.ndarray, "state position"]
    probabilities: Float[np.ndarray, "state position"]
    divergences: Float[np.ndarray, "state position"]
    pieces: tuple[tuple[str, ...], ...]
    read: tuple[str, ...]
    first: str
    last: str


@dataclass(frozen=True, eq=False)
class Lens:
    """A table, and one column of it from the table's first row to the last.

    position, token, piece: the column, and the token that is followed through it.
    ranks: its rank after each layer, 0 being the likeliest; of equally likely ones the smaller id comes first.
    shares: its probability there.
    """

    table: LensTable
    position: int
    token: int
    piece: str
    ranks: Int64[np.ndarray, " state"]
    shares: Float[np.ndarray, " state"]


@dataclass(frozen=True, eq=False)
class Top:
    """The likeliest tokens at one place of the table, best first, and their probabilities."""

    ids: Int64[np.ndarray, " top"]
    probabilities: Float[np.ndarray, " top"]
    pieces: tuple[str, ...]


@dataclass(frozen=True)
class LensTableRequest:
    """The likeliest token and the divergence everywhere; text and target as in `EmbedRequest`."""

    model: str
    text: str | tuple[int, ...]
    target_text: str | tuple[int, ...] | None = None

    def answer(self, engine: Engine) -> LensTable:
        """Raises what `EmbedRequest` raises; LensError for a model without a head, or over `MOST_POSITIONS`."""
        loaded, embedding = _embedded(engine, self.model, self.text, self.target_text)
        states = _read_states(embedding)
        layers, positions, _ = states.shape
        ids = np.empty((layers, positions), dtype=np.int64)
        shares, divergences = (np.zeros((layers, positions), dtype=np.float32) for _ in range(2))
        step = max(1, _LOGITS_AT_ONCE // loaded.vocabulary)
        for start in range(0, positions, step):
            place = slice(start, start + step)
            with engine.forward(loaded), torch.inference_mode():
                final = _log_shares(loaded, states, layers - 1, place)
            weights = final.exp()
            # Where the model forbids a token, both logarithms are endless and the token weighs nothing.
            finite = final.nan_to_num(neginf=0)
            for layer in range(layers):
                with engine.forward(loaded), torch.inference_mode():
                    own = final if layer == layers - 1 else _log_shares(loaded, states, layer, place)
                    best = own.argmax(dim=-1)
                    ids[layer, place] = best.cpu().numpy()
                    shares[layer, place] = to_numpy(own.gather(1, best[:, None])[:, 0].exp())
                    if layer < layers - 1:
                        apart = weights * (finite - own.nan_to_num(neginf=0))
                        divergences[layer, place] = to_numpy(apart.sum(dim=-1).clamp(min=0))
        pieces = loaded.pieces(ids.ravel().tolist())
        return LensTable(
            ids=ids,
            probabilities=shares,
            divergences=divergences,
            pieces=tuple(
                tuple(piece.text for piece in pieces[row * positions : (row + 1) * positions]) for row in range(layers)
            ),
            read=embedding.target_pieces or embedding.pieces,
            first=embedding.target_first or embedding.first,
            last=embedding.target_last or embedding.last,
        )


@dataclass(frozen=True)
class LensRequest:
    """The table, and one token followed through one column.

    token: an id; None follows the token that the model itself finds likeliest there. position: the column, None for
    the last one.
    """

    model: str
    text: str | tuple[int, ...]
    target_text: str | tuple[int, ...] | None = None
    token: int | None = None
    position: int | None = None

    def answer(self, engine: Engine) -> Lens:
        """Raises what `LensTableRequest` raises, and LensError for a place or a token that is not there."""
        table = engine.run(LensTableRequest(self.model, self.text, self.target_text))
        loaded, embedding = _embedded(engine, self.model, self.text, self.target_text)
        states = _read_states(embedding)
        layers, positions, _ = states.shape
        position = positions - 1 if self.position is None else self.position
        _check_place(table, layers - 1, position)
        column = slice(position, position + 1)
        with engine.forward(loaded), torch.inference_mode():
            logs = np.concatenate([to_numpy(_log_shares(loaded, states, each, column)) for each in range(layers)])
        token = int(table.ids[-1, position]) if self.token is None else self.token
        if not 0 <= token < logs.shape[1]:
            raise LensError(f"There is no token {token}: this model writes those from 0 to {logs.shape[1] - 1:,}.")
        return Lens(
            table=table,
            position=position,
            token=token,
            piece=loaded.pieces([token])[0].text,
            ranks=np.array([rank_of(row, token) for row in logs], dtype=np.int64),
            shares=np.exp(logs[:, token]),
        )


@dataclass(frozen=True)
class TopRequest:
    """The likeliest tokens at one place of the table. layer: its row, 0 being before the first layer."""

    model: str
    text: str | tuple[int, ...]
    layer: int
    position: int
    count: int = 10
    target_text: str | tuple[int, ...] | None = None

    def answer(self, engine: Engine) -> Top:
        """Raises what `LensTableRequest` raises, and LensError for a place that is not there."""
        loaded, embedding = _embedded(engine, self.model, self.text, self.target_text)
        states = _read_states(embedding)
        _check_place(states, self.layer, self.position)
        with engine.forward(loaded), torch.inference_mode():
            place = slice(self.position, self.position + 1)
            logs = to_numpy(_log_shares(loaded, states, self.layer, place))[0]
        best = best_first(logs, self.count)
        return Top(best, np.exp(logs[best]), tuple(piece.text for piece in loaded.pieces(best.tolist())))


def can_read_out(loaded: LoadedModel) -> bool:
    """Whether the model has a head over its vocabulary: it writes, or fills hidden places."""
    return loaded.model.can_generate() or has_masked_head(loaded)


def read_out(loaded: LoadedModel, vectors: Float[Tensor, "vector width"]) -> Float[Tensor, "vector vocabulary"]:
    """What the model's own head makes of these vectors, as if its layers had ended with them: logits, float32.

    They are taken as they are: a hidden state that has not passed the final norm goes through it first
    (`normed`). The head is the model's own forward, with whatever it does between the last hidden state and the
    logits (BERT's transform, Gemma's softcap, T5's scaling, Marian's bias), on a shadow of the model in which the stack
    of layers answers with the vectors at once.

    Takes the device: call it while holding its lock. Raises LensError for a model without a head, NoHiddenStatesError.
    """
    _check_head(loaded)
    anatomy = anatomy_of(loaded)
    if not anatomy.answers:
        raise LensError(
            f"{type(loaded.model).__name__} does not run its layers as one stack that its head reads, so that nothing "
            "else can be read with it; choose another model."
        )
    model = loaded.model
    given = vectors.to(loaded.device, model.dtype)[None]
    (reader, output), *others = anatomy.answers
    stubs = {reader: answering(reader, lambda: _with_last(output, given))}
    stubs |= {module: answering(module, lambda answer=answer: answer) for module, answer in others}
    arguments = bare_inputs(loaded, (0,) * len(vectors)).arguments(loaded, 1, last_only=False)
    with torch.inference_mode():
        result = shadow_of(model, stubs)[model](**arguments)
    return result["logits"][0].float()


def normed(loaded: LoadedModel, vectors: Float[Tensor, "vector width"]) -> Float[Tensor, "vector width"]:
    """Vectors between layers as the head expects them: through the final norm, where the model has one."""
    norm = anatomy_of(loaded).reader.final_norm
    with torch.inference_mode():
        given = vectors.to(loaded.device, loaded.model.dtype)
        return given if norm is None else norm(given)


def _with_last(output: Any, vectors: Float[Tensor, "1 vector width"]) -> Any:
    if isinstance(output, ModelOutput):
        return type(output)(last_hidden_state=vectors)
    return vectors if isinstance(output, Tensor) else (vectors, *output[1:])


def _log_shares(
    loaded: LoadedModel, states: Float[np.ndarray, "state position width"], layer: int, place: slice
) -> Float[Tensor, "place vocabulary"]:
    """The logarithms of the probabilities that the head gives after a layer at some positions."""
    vectors = torch.from_numpy(states[layer, place]).to(loaded.device)
    is_read = layer == len(states) - 1 and anatomy_of(loaded).reader.last_is_normed
    return torch.log_softmax(read_out(loaded, vectors if is_read else normed(loaded, vectors)), dim=-1)


def _check_head(loaded: LoadedModel) -> None:
    if refusal := loaded.refusal("lens"):
        raise LensError(refusal)
    if not can_read_out(loaded):
        raise LensError(
            f"{loaded.card.title} has no head over its vocabulary: it ends with vectors and names no token. Choose a "
            "decoder, or a model for masked language such as BERT."
        )


def _embedded(
    engine: Engine, model: str, text: str | tuple[int, ...], target_text: str | tuple[int, ...] | None
) -> tuple[LoadedModel, Embedding]:
    """The model and the vectors of a text that is short enough."""
    loaded = engine.model(model)
    _check_head(loaded)
    # Before the forward, which a long text would wait for in vain.
    inputs = model_inputs(loaded, text, target_text)
    positions = len(inputs.target_ids or inputs.ids)
    if positions > MOST_POSITIONS:
        raise LensError(
            f"This text has {positions:,} positions, and the lens reads {MOST_POSITIONS} at most, each of them after "
            "every layer; choose a shorter text."
        )
    return loaded, engine.run(EmbedRequest(model, text, target_text))


def _read_states(embedding: Embedding) -> Float[np.ndarray, "state position width"]:
    """The hidden states of the stack that the head reads."""
    return embedding.target_hidden_states if embedding.target_ids else embedding.hidden_states


def _check_place(states: Float[np.ndarray, "state position width"] | LensTable, layer: int, position: int) -> None:
    layers, positions = (states.ids if isinstance(states, LensTable) else states).shape[:2]
    if not 0 <= position < positions:
        raise LensError(f"There is no position {position}: this text has those from 0 to {positions - 1}.")
    if not 0 <= layer < layers:
        raise LensError(f"There is no layer {layer} to read after: they go from 0 (before the first) to {layers - 1}.")
