"""Vectors of many sentences: the same as one by one and as sentence-transformers', with progress and bounds."""

import time

import numpy as np
import pytest
import torch

from models.attention import InputError
from models.embeddings import (
    EmbedRequest,
    SentencesError,
    SentencesRequest,
    SentenceVectors,
)
from models.embeddings.sentence_vectors import MOST_SENTENCES
from models.engine import Engine, HowFar
from models.loading import wrap_model
from models.loading.packs import model_folder
from tests.models.architectures import loaded as architecture

SENTENCES = (
    "A cat sat on the mat.",
    "",
    "The stock market fell sharply on Monday, and nobody could say why it had happened so quickly.",
    "Cats sit.",
    "   ",
    "A cat sat on the mat.",
    "สวัสดี, naïve café 🍓",
    "It rains.",
)
KEPT = (0, 2, 3, 5, 6, 7)


def job(engine, request, seconds=60):
    """Everything that a job handed over."""
    until, name, got = time.monotonic() + seconds, engine.start(request), []
    while time.monotonic() < until:
        progress = engine.poll(name, len(got), wait=0.2)
        got += progress.steps
        if progress.is_done:
            assert progress.error is None, progress.error
            return got
    raise TimeoutError


@pytest.mark.quick(4)
@pytest.mark.parametrize("pooling", ["mean", "cls", "max", "last"])
@pytest.mark.parametrize("model", ["minilm", "smollm2", "spelling_to_sound"])
def test_a_batch_gives_what_each_sentence_gives_by_itself(engine, model, pooling):
    texts = SENTENCES if model != "spelling_to_sound" else ("knight", "", "a", "thorough", "", "knight", "ox", "cat")
    found = engine.run(SentencesRequest(model, texts, pooling))
    assert found.lines == KEPT
    assert (found.empty, found.too_long, found.computed) == (2, (), 5)
    assert found.vectors.dtype == np.float32
    for vector, line in zip(found.vectors, KEPT, strict=True):
        alone = engine.run(EmbedRequest(model, texts[line])).hidden_states[-1]
        expected = {"mean": alone.mean(axis=0), "cls": alone[0], "max": alone.max(axis=0), "last": alone[-1]}[pooling]
        np.testing.assert_allclose(vector, expected, atol=1e-5 * max(1, np.abs(expected).max()))
    np.testing.assert_array_equal(found.vectors[0], found.vectors[3])


def test_minilm_gives_what_sentence_transformers_gives(engine, minilm):
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    reader = Transformer(str(model_folder(minilm.card)))
    pooling = Pooling(reader.get_embedding_dimension(), pooling_mode="mean")
    theirs = SentenceTransformer(modules=[reader, pooling], device="cpu").encode(
        [SENTENCES[line] for line in KEPT], batch_size=2, show_progress_bar=False
    )
    ours = engine.run(SentencesRequest("minilm", SENTENCES)).vectors
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_a_job_says_how_far_it_is_and_the_engine_keeps_its_answer(engine, monkeypatch):
    monkeypatch.setattr("models.embeddings.sentence_vectors._ROWS_AT_ONCE", 2)
    request = SentencesRequest("minilm", (*SENTENCES, "One more."), "cls")
    progress = job(engine, request)
    assert progress[0] == HowFar(0, 7)
    assert progress[-1] == HowFar(7, 7)
    assert len(progress) == 4, "six different sentences in three forwards"
    assert [each.done for each in progress] == sorted(each.done for each in progress)
    kept = engine.answers.peek(request)
    assert isinstance(kept, SentenceVectors)
    assert engine.run(request) is kept
    assert job(engine, request) == []


def test_each_forward_takes_its_turn_and_holds_it_no_longer(engine, minilm, monkeypatch):
    monkeypatch.setattr("models.embeddings.sentence_vectors._TOKENS_AT_ONCE", 16)
    gate = engine.gate(str(minilm.device))
    for step in SentencesRequest("minilm", SENTENCES, "last").steps(engine):
        assert len(gate) == 0, step


def test_little_is_padded_and_no_forward_is_large(engine, minilm, monkeypatch):
    shapes = []
    forward = minilm.model.forward

    def watched(*args, **more):
        shapes.append(tuple(more["input_ids"].shape))
        return forward(*args, **more)

    monkeypatch.setattr(minilm.model, "forward", watched)
    texts = tuple(f"{'word ' * (1 + k % 50)}{k}" for k in range(100))
    engine.run(SentencesRequest("minilm", texts))
    needed = sum(len(minilm.tokenizer.backend_tokenizer.encode(text).ids) for text in texts)
    assert sum(rows * tokens for rows, tokens in shapes) < 1.3 * needed
    assert max(rows * tokens for rows, tokens in shapes) <= 1_024
    assert max(rows for rows, _ in shapes) <= 64


# ----- What cannot be read


def test_too_many_sentences_are_refused_with_their_number():
    with pytest.raises(SentencesError, match=r"At most 5,000 .* 50,000"):
        SentencesRequest("minilm", ("a",) * 50_000)
    SentencesRequest("minilm", ("a",) * MOST_SENTENCES)


def test_too_long_ones_are_left_out_and_named(engine):
    long = "word " * 600
    found = engine.run(SentencesRequest("minilm", ("One.", long, "", "Two.", long)))
    assert (found.lines, found.too_long, found.empty) == ((0, 3), (1, 4), 1)
    assert found.vectors.shape == (2, 384)
    with pytest.raises(SentencesError, match="512 tokens"):
        engine.run(SentencesRequest("minilm", (long,)))


@pytest.mark.parametrize(
    ("sentences", "said"),
    [((), "no sentence yet"), (("", " \n"), "no sentence yet"), (("One.", "a\0b"), "^Line 2: Character 1 .* NUL")],
)
def test_what_cannot_be_read_is_said(engine, sentences, said):
    with pytest.raises(SentencesError, match=said):
        engine.run(SentencesRequest("minilm", sentences))


def test_a_model_without_a_tokenizer_cannot_read(monkeypatch):
    bare = wrap_model(architecture("bert").model, None, "encoder")
    assert isinstance(bare.model, torch.nn.Module)
    engine = Engine(10**6)
    monkeypatch.setattr(engine, "model", lambda name: bare)
    with pytest.raises(InputError, match="without a tokenizer"):
        engine.run(SentencesRequest("bare", ("a",)))
