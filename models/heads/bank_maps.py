"""The maps of all heads over some sentences and sequences, from which the cases of each head are picked."""

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from models.attention.trace import AttentionTrace, trace_attention
from models.decoder_start import decoder_start
from models.engine import Engine, HowFar, Stepwise
from models.errors import HeadlightError
from models.forward.inputs import InputError
from models.heads.random_tokens import RandomTokensError, RepeatedTokens, repeated_tokens
from models.heads.role_sums import heads_of_layers, stacked_weights
from models.heads.sentence_bank import Bank, Sentence
from models.loaded import LoadedModel
from models.tokenization import Piece, TextError

MOST_SENTENCES = 60
SEQUENCES = 2


class CasesError(HeadlightError):
    """A role that has no cases to show, or a model or bank of which none can be picked."""


@dataclass(frozen=True, eq=False)
class TokenMaps:
    """The maps of all heads over one sentence or sequence: the other is None. first: where the tokens of a sequence
    begin.
    """

    sentence: Sentence | None
    sequence: RepeatedTokens | None
    first: int
    pieces: tuple[Piece, ...]
    visible: Bool[np.ndarray, "token token"]
    weights: Float[np.ndarray, "head token token"]

    @property
    def read(self) -> Sentence | RepeatedTokens:
        """What the maps are of."""
        found = self.sentence if self.sequence is None else self.sequence
        assert found is not None
        return found


@dataclass(frozen=True, eq=False)
class BankMaps:
    """Of the first sentences of a bank, and of a few random sequences. heads: of each layer, 0 for one without maps."""

    heads: tuple[int, ...]
    maps: tuple[TokenMaps, ...]


@dataclass(frozen=True)
class BankMapsRequest(Stepwise[HowFar, BankMaps]):
    """The maps of all heads of a kind over up to `MOST_SENTENCES` sentences, once for all their cases."""

    model: str
    kind: str
    bank: Bank
    seed: int = 0

    def computed(self, engine: Engine) -> Generator[HowFar, None, BankMaps]:
        """Raises what `load_model` raises; CasesError for a kind that the model has not, or sentences that it cannot
        read.
        """
        if self.kind == "cross":
            raise CasesError("Cases are shown of tokens that look at their own text; choose another kind of attention.")
        loaded = engine.model(self.model)
        texts = self._texts(loaded)
        found: list[TokenMaps] = []
        trace = None
        for done, each in enumerate(texts, 1):
            try:
                with engine.forward(loaded):
                    trace = self.traced(loaded, each)
                    found.append(self._maps(trace, each))
            except (InputError, TextError):
                pass
            yield HowFar(done, len(texts))
        if trace is None:
            raise CasesError(f"{loaded.card.title} can read none of these sentences; take other ones.")
        layers, counts = trace.layers(self.kind), heads_of_layers(trace, self.kind)
        heads = [0] * (layers[-1] + 1)
        for layer, count in zip(layers, counts, strict=True):
            heads[layer] = count
        return BankMaps(tuple(heads), tuple(found))

    def _texts(self, loaded: LoadedModel) -> list[Sentence | RepeatedTokens]:
        try:
            sequences = repeated_tokens(loaded, self.seed, SEQUENCES)
        except RandomTokensError:
            sequences = ()
        is_read = loaded.tokenizer is not None and (self.kind == "encoder" or not loaded.is_seq2seq)
        return [*sequences, *(self.bank.sentences[:MOST_SENTENCES] if is_read else ())]

    def traced(self, loaded: LoadedModel, each: Sentence | RepeatedTokens) -> AttentionTrace:
        """The forward over one of them.

        Takes the device: call it while holding its lock. Raises what `trace_attention` raises, and CasesError.
        """
        if isinstance(each, Sentence):
            trace = trace_attention(loaded, each.text)
        else:
            target = (decoder_start(loaded.model), *each.tokens) if loaded.is_seq2seq else None
            trace = trace_attention(loaded, each.ids, target)
        if self.kind not in trace.kinds:
            raise CasesError(f"This model has no {self.kind} attention; it has {', '.join(trace.kinds)}.")
        return trace

    def _maps(self, trace: AttentionTrace, each: Sentence | RepeatedTokens) -> TokenMaps:
        visible = np.any([trace.visible(self.kind, layer) for layer in trace.layers(self.kind)], axis=0)
        axes = trace.axes(self.kind)
        return TokenMaps(
            sentence=each if isinstance(each, Sentence) else None,
            sequence=each if isinstance(each, RepeatedTokens) else None,
            first=1 if axes.rows_are_target else getattr(each, "first", 0),
            pieces=axes.rows,
            visible=visible,
            weights=stacked_weights(trace, self.kind).astype(np.float16),
        )
