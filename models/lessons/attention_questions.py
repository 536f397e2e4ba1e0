"""Questions about where a model looks, and whether that matters."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float

from models.attention.outputs import next_tokens, softmax
from models.attention.query_key import QueryKey, QueryKeyRequest
from models.attention.silent_letters import AbsencesRequest
from models.attention.trace import AttentionTrace, TraceRequest, trace_rows
from models.attention.without_sink import left_out_columns
from models.engine import Engine
from models.forward.interventions import Intervention, ZeroHead
from models.lessons.question_base import Question, check_kind, place_of, tokens_of_word, trace_of, written_by_itself
from models.lessons.readings import QuestionError, Readings, Unit, readings

# As many sets of other heads stand beside the heads that are switched off.
_CONTROLS = 10


@dataclass(frozen=True)
class OfARow(Question):
    """A row of one head: that of the word `of` (of cross-attention, of the token that is written so).

    at: words at which it looks, all tokens where none is named; a word of several tokens counts as one.
    """

    kind: str = "encoder"
    layer: int = 0
    head: int = 0
    of: str = ""
    at: tuple[str, ...] = ()

    def query(self, engine: Engine, trace: AttentionTrace) -> int:
        """The row. Raises QuestionError."""
        check_kind(trace.kinds, self.kind)
        if self.kind == "cross":
            ids = written_by_itself(engine, self.model, self.text) or ()
            return place_of(tuple(piece.text for piece in trace.loaded.pieces(ids)), self.of)
        return tokens_of_word(trace, self.text, self.of)[-1]

    def columns(self, trace: AttentionTrace) -> dict[str, tuple[int, ...]]:
        """Which keys belong to each name. Raises QuestionError."""
        if self.at:
            return {word: tokens_of_word(trace, self.text, word) for word in self.at}
        shown = readings("count", trace.tokens, (0,) * len(trace.tokens)).labels
        return {label: (place,) for place, label in enumerate(shown)}


@dataclass(frozen=True)
class LinkWeights(OfARow):
    """How much of its weight a token puts on each word, in one head."""

    def answer(self, engine: Engine) -> Readings:
        """Raises QuestionError, NoSuchMapError, and what a trace raises."""
        trace = trace_of(engine, self.model, self.text)
        query, columns = self.query(engine, trace), self.columns(trace)
        with engine.forward(trace.loaded):
            row = trace.weights(self.kind, self.layer, self.head)[query]
        return readings(self.unit, [*columns], [float(row[list(places)].sum()) for places in columns.values()])


@dataclass(frozen=True)
class Scores(OfARow):
    """The scaled dot products of a token's query with the keys of each word, before the softmax.

    Vaswani et al. 2017 (arXiv 1706.03762), section 3.2.1.
    """

    unit: ClassVar[Unit] = "score"

    def answer(self, engine: Engine) -> Readings:
        """Raises QuestionError, NoSuchMapError, and what a trace raises."""
        row, columns = self.row(engine)
        return readings(self.unit, [*columns], [float(row.scores[list(places)].max()) for places in columns.values()])

    def row(self, engine: Engine) -> tuple[QueryKey, dict[str, tuple[int, ...]]]:
        """The row with all that attention computes for it, and which keys belong to each name."""
        trace = trace_of(engine, self.model, self.text)
        request = TraceRequest(self.model, self.text, written_by_itself(engine, self.model, self.text))
        query, columns = self.query(engine, trace), self.columns(trace)
        return engine.run(QueryKeyRequest(request, self.kind, self.layer, self.head, query)), columns


@dataclass(frozen=True)
class ScoreSizes(Scores):
    """How many numbers a row takes: products that are added for one score, and scores in the row."""

    unit: ClassVar[Unit] = "count"

    def answer(self, engine: Engine) -> Readings:
        """Raises what `Scores` raises."""
        row, _ = self.row(engine)
        return readings(self.unit, ["products", "scores"], [row.query.size, row.scores.size])


@dataclass(frozen=True)
class FirstRowSees(Question):
    """Which part of what there is the first token may look at, for each kind of attention of the model."""

    def answer(self, engine: Engine) -> Readings:
        """Raises QuestionError and what a trace raises."""
        trace = trace_of(engine, self.model, self.text)
        parts = [float(trace.visible(kind, trace.layers(kind)[0], 0)[0].mean()) for kind in trace.kinds]
        return readings(self.unit, trace.kinds, parts)


@dataclass(frozen=True)
class LaterWeight(Question):
    """How much of all weight lies on later tokens, on the token itself and on earlier ones, over all heads.

    Of the encoder, or of the decoder where there is none.
    """

    def answer(self, engine: Engine) -> Readings:
        """Raises QuestionError and what a trace raises."""
        trace = trace_of(engine, self.model, self.text)
        kind = trace.kinds[0]
        mean = np.mean([each.mean(axis=0) for each in _layers(engine, trace, kind)], axis=0)
        parts = [np.triu(mean, 1), np.diag(np.diag(mean)), np.tril(mean, -1)]
        return readings(self.unit, ["later", "itself", "earlier"], [float(each.sum() / len(mean)) for each in parts])


@dataclass(frozen=True)
class RestingHeads(Question):
    """Which part of all heads puts more than half of its weight on special tokens or, in a decoder, the first one.

    Xiao et al. 2023 (arXiv 2309.17453), section 3.1; Clark et al. 2019 (arXiv 1906.04341), section 3.2.
    """

    def answer(self, engine: Engine) -> Readings:
        """Raises QuestionError and what a trace raises."""
        trace = trace_of(engine, self.model, self.text)
        kind = trace.kinds[0]
        sink = left_out_columns(trace, kind, "first" if kind == "decoder" else "special")
        if not sink.any() or sink.all():
            raise QuestionError("There is nothing here on which heads could rest; take a longer text.")
        # The first token of a decoder sees itself alone.
        rows = slice(1, None) if kind == "decoder" else slice(None)
        on_sink = np.concatenate([each[:, rows][:, :, sink].sum(-1).mean(-1) for each in _layers(engine, trace, kind)])
        rests = float((on_sink > 0.5).mean())
        by_chance = float(sink.mean())
        return readings(self.unit, ["rest", "look elsewhere", "even weight"], [rests, 1 - rests, by_chance])


@dataclass(frozen=True)
class WithoutHeads(Question):
    """How likely the token is that a decoder finds likeliest: with every head, without these, without as many others.

    heads: "L17 H3" and the like. The others are of the same layers, drawn with one seed; the mean of their runs counts.
    Zeroing is unnatural and other heads make up for it: a set with an interval is in `models/heads/control_effects.py`.
    """

    heads: tuple[str, ...] = ()

    def answer(self, engine: Engine) -> Readings:
        """Raises QuestionError, and what a trace raises."""
        trace = trace_of(engine, self.model, self.text)
        if trace.kinds != ("decoder",):
            raise QuestionError("Only a decoder says what comes next; this step needs one.")
        addresses = [_address(each) for each in self.heads]
        if not addresses or any(layer not in trace.layers("decoder") for layer, _ in addresses):
            raise QuestionError("The step switches off a head that this model does not have.")
        generator = np.random.default_rng(7)
        sets = [addresses, *(_others(generator, trace, addresses) for _ in range(_CONTROLS))]
        rows: list[tuple[Intervention, ...]] = [
            (),
            *(tuple(ZeroHead("decoder", layer, head) for layer, head in each) for each in sets),
        ]
        with engine.forward(trace.loaded):
            runs = trace_rows(trace.loaded, trace.inputs.ids, rows)
        token = next_tokens(runs[0], 1)[0].id
        shares = [float(softmax(run.last_output)[token]) for run in runs]
        labels = ["with every head", "without", "without others"]
        return readings(self.unit, labels, [shares[0], shares[1], float(np.mean(shares[2:]))])


@dataclass(frozen=True)
class WithoutLetters(Question):
    """How likely the same output stays when a seq2seq model cannot see a token of the source at all, for each."""

    def answer(self, engine: Engine) -> Readings:
        """Raises QuestionError, TooManyTokensError, and what a trace raises."""
        target = written_by_itself(engine, self.model, self.text)
        if target is None:
            raise QuestionError("Only a model that reads one text and writes another has letters to hide here.")
        trace = trace_of(engine, self.model, self.text)
        _, *without = engine.run(AbsencesRequest(TraceRequest(self.model, self.text, target)))
        kept = [place for place, special in enumerate(trace.is_special[: len(trace.tokens)]) if not special]
        return readings(
            self.unit, [trace.tokens[place] for place in kept], [without[place].probability for place in kept]
        )


def _layers(engine: Engine, trace: AttentionTrace, kind: str) -> list[Float[np.ndarray, "heads query key"]]:
    found = []
    for layer in trace.layers(kind):
        with engine.forward(trace.loaded):
            found.append(trace.weights(kind, layer))
    return found


def _address(name: str) -> tuple[int, int]:
    layer, _, head = name.partition(" ")
    if not (layer[:1] == "L" and head[:1] == "H" and layer[1:].isdecimal() and head[1:].isdecimal()):
        raise QuestionError("A head is named as in L17 H3.")
    return int(layer[1:]), int(head[1:])


def _others(
    generator: np.random.Generator, trace: AttentionTrace, taken: list[tuple[int, int]]
) -> list[tuple[int, int]]:
    """As many other heads of the same layers."""
    found: list[tuple[int, int]] = []
    for layer in dict.fromkeys(layer for layer, _ in taken):
        own = [head for each, head in taken if each == layer]
        free = [head for head in range(trace.heads("decoder", layer)) if head not in own]
        if len(free) < len(own):
            raise QuestionError("The step switches off so many heads of a layer that too few are left to compare with.")
        found += [(layer, int(head)) for head in generator.choice(free, len(own), replace=False)]
    return found
