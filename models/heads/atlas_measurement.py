"""An atlas is measured: a forward for each sequence of random tokens and each sentence of the bank."""

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np

from models.attention.trace import AttentionTrace, trace_attention
from models.decoder_start import decoder_start
from models.engine import Engine, HowFar
from models.forward.inputs import InputError
from models.heads.atlas import Atlas, AtlasError, HeadLayout
from models.heads.copying import copying
from models.heads.random_tokens import RandomTokensError, RepeatedTokens, repeated_tokens
from models.heads.role_sums import RoleSums, heads_of_layers
from models.heads.roles import ROLES, judged
from models.heads.roles_on_random_tokens import OnRandom
from models.heads.roles_on_sentences import OFFSETS, OnSentences
from models.heads.sentence_bank import Bank, Sentence
from models.loaded import LoadedModel
from models.tokenization import TextError

MOST_HEADS = 4_000
# Sequences of which it is asked whether their tokens are copied.
_COPIED_SEQUENCES = 3
# A tokenizer that does not know so many of the bank's tokens cannot read it.
_MOST_UNKNOWN = 0.2
_ORDER = {role.key: place for place, role in enumerate(ROLES)}


@dataclass(frozen=True)
class Measurement:
    """What is measured: of one model and kind ("encoder", "decoder", "cross"), over a bank, with a seed."""

    model: str
    kind: str
    bank: Bank
    seed: int = 0

    def computed(self, engine: Engine) -> Generator[HowFar, None, Atlas]:
        """Yields `HowFar` after each forward.

        Raises what `load_model` raises; AtlasError for a kind that the model has not, a bank that its tokenizer cannot
        read, a model of too many heads.
        """
        loaded = engine.model(self.model)
        sequences, notes = _sequences(loaded, self.seed)
        sentences = self._sentences(loaded)
        if loaded.tokenizer is None:
            notes.append("This model came without a tokenizer: its heads were tried on random tokens alone.")
        elif not sentences:
            notes.append("What its decoder does was tried on random tokens alone.")
        count, done = len(sequences) + len(sentences), 0
        if not count:
            raise AtlasError(" ".join(notes))
        random, grammar = OnRandom(self.kind), OnSentences(self.kind)
        kept: list[tuple[AttentionTrace, RepeatedTokens]] = []
        trace = None
        for sequence in sequences:
            target = (decoder_start(loaded.model), *sequence.tokens) if loaded.is_seq2seq else None
            with engine.forward(loaded):
                trace = trace_attention(loaded, sequence.ids, target)
                self._check(trace)
                random.add(trace, sequence)
            if len(kept) < _COPIED_SEQUENCES:
                kept.append((trace, sequence))
            done += 1
            yield HowFar(done, count)
        too_long = 0
        for sentence in sentences:
            try:
                with engine.forward(loaded):
                    trace = trace_attention(loaded, sentence.text)
                    self._check(trace)
                    grammar.add(trace, sentence)
            except (InputError, TextError):
                too_long += 1
            done += 1
            yield HowFar(done, count)
        if trace is None:
            raise AtlasError(f"None of these sentences can be read by {loaded.card.title}; take other ones.")
        self._check_read(loaded, grammar, too_long)
        notes += _said(grammar, too_long)
        measured = random.measured() if sequences else []
        if copied := copying(engine, loaded, self.kind, kept) if kept else None:
            measured.append(copied)
        if grammar.count:
            measured += grammar.measured()
        return self._atlas(loaded, trace, measured, grammar, len(sequences), " ".join(notes))

    def _sentences(self, loaded: LoadedModel) -> tuple[Sentence, ...]:
        """Those that are read: none for the decoder of an encoder-decoder, which writes."""
        is_read = loaded.tokenizer is not None and (self.kind == "encoder" or not loaded.is_seq2seq)
        return self.bank.sentences if is_read else ()

    def _check(self, trace: AttentionTrace) -> None:
        if self.kind not in trace.kinds:
            raise AtlasError(f"This model has no {self.kind} attention; it has {', '.join(trace.kinds)}.")
        heads = sum(heads_of_layers(trace, self.kind))
        if heads > MOST_HEADS:
            raise AtlasError(f"This model has {heads:,} heads, and an atlas is made of at most {MOST_HEADS:,}.")

    def _check_read(self, loaded: LoadedModel, grammar: OnSentences, too_long: int) -> None:
        share = grammar.unknown / grammar.tokens if grammar.tokens else 0.0
        if share > _MOST_UNKNOWN or (too_long and not grammar.count):
            why = (
                f"{100 * share:.1f}\N{NO-BREAK SPACE}% of its tokens are unknown to it"
                if grammar.count
                else "none of its sentences fits"
            )
            raise AtlasError(
                f"The tokenizer of {loaded.card.title} cannot read {self.bank.title}: {why}. Choose sentences in a "
                "language that it was made for."
            )

    def _atlas(
        self,
        loaded: LoadedModel,
        trace: AttentionTrace,
        measured: list[RoleSums],
        grammar: OnSentences,
        sequences: int,
        note: str,
    ) -> Atlas:
        layers = trace.layers(self.kind)
        counts = heads_of_layers(trace, self.kind)
        heads = [0] * (layers[-1] + 1)
        for layer, count in zip(layers, counts, strict=True):
            heads[layer] = count
        grid = HeadLayout(tuple(heads))
        measured = sorted(measured, key=lambda each: _ORDER.get(each.key, len(_ORDER)))
        roles = tuple(grid.scores(*each) for each in judged(measured, self.seed))
        size = sum(counts)
        nothing = np.full(size, np.nan, dtype=np.float32)
        habits = grammar.habits() if grammar.count else None
        by_offset = np.full((size, len(OFFSETS)), np.nan, dtype=np.float32) if habits is None else habits.by_offset
        return Atlas(
            model=loaded.card.title,
            kind=self.kind,
            bank=self.bank.title,
            layers=layers,
            heads=grid.heads,
            roles=roles,
            by_offset=np.stack([grid.placed(each) for each in by_offset.T], axis=-1),
            on_first=grid.placed(nothing if habits is None else habits.on_first),
            on_delimiters=grid.placed(nothing if habits is None else habits.on_delimiters),
            sentences=grammar.count,
            sequences=sequences,
            note=note,
        )


def _sequences(loaded: LoadedModel, seed: int) -> tuple[tuple[RepeatedTokens, ...], list[str]]:
    try:
        return repeated_tokens(loaded, seed), []
    except RandomTokensError as error:
        return (), [str(error)]


def _said(grammar: OnSentences, too_long: int) -> list[str]:
    said = []
    if too_long:
        said.append(f"Sentences that it cannot take and that are left out: {too_long}.")
    if grammar.without_words:
        said.append(
            "Sentences of which its tokenizer does not tell which piece belongs to which word: "
            f"{grammar.without_words}."
        )
    return said
