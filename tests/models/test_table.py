"""The table: what is said of it, its rows, and their neighbours against a search in plain numpy."""

from typing import Any

import numpy as np
import pytest
import torch

from models.embeddings import (
    NearestRequest,
    NormsRequest,
    NoSuchPieceError,
    PieceRequest,
    RowRequest,
    TableError,
    TableFactsRequest,
    find_piece,
    nearest_rows,
    row_norms,
    table_facts,
)
from models.engine import Engine
from models.loading import load_model, wrap_model
from models.tokenization import TextError
from tests.models import architectures
from tests.models.architectures import NAMES, POSITIONS, SEQ2SEQ, VOCABULARY, WIDTH

TIED = {"gpt2", "gemma2", "gemma3", *SEQ2SEQ}
UNTIED = {"gpt_neox", "llama", "qwen3", "mistral", "gpt_oss", "deepseek_v3"}
# Rows of the table of positions; BART's has two before the first.
TABLES = dict.fromkeys(("bert", "distilbert", "roberta", "albert", "gpt2", "marian"), POSITIONS) | {
    "bart": POSITIONS + 2
}


@pytest.fixture(scope="module")
def engine(minilm, smollm2):
    """An engine of its own, with the models that the other tests loaded, and tiny ones."""
    loaded = {"minilm": minilm, "smollm2": smollm2, "spelling_to_sound": load_model("spelling_to_sound")}
    loaded |= {name: architectures.loaded(name) for name in ("llama", "gpt2")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.loading.load_model", loaded.__getitem__)
        yield Engine(10**9)


def table_of(model: Any) -> np.ndarray:
    return model.get_input_embeddings().weight.detach().numpy()


def brute(matrix, target, measure, leave_out=()):
    """Every row's value, in float64, and the ids from the nearest on."""
    matrix = matrix.astype(np.float64)
    values = [float((row * target).sum()) for row in matrix]
    if measure == "cosine":
        lengths = [float(np.sqrt((row * row).sum()) * np.sqrt((target * target).sum())) for row in matrix]
        values = [value / length if length else 0.0 for value, length in zip(values, lengths, strict=True)]
    order = sorted(
        (each for each in range(len(values)) if each not in leave_out), key=lambda each: (-values[each], each)
    )
    return order, np.array(values)


# ----- Facts


@pytest.mark.parametrize("name", NAMES)
def test_what_the_table_is(name):
    facts = table_facts(architectures.loaded(name))
    width = 16 if name == "albert" else WIDTH
    assert (facts.rows, facts.width, facts.nbytes) == (VOCABULARY, width, 4 * VOCABULARY * width)
    assert facts.dtype == "float32"
    expected = "the same matrix" if name in TIED else "another matrix" if name in UNTIED else "none"
    assert facts.output == expected


@pytest.mark.parametrize("name", NAMES)
def test_how_positions_are_known(name):
    facts = table_facts(architectures.loaded(name))
    assert (facts.positions.table.rows if facts.positions.table else None) == TABLES.get(name)
    assert facts.positions.bias_buckets == (32 if name == "t5" else 0)
    assert bool(facts.positions.rotary) == (name not in TABLES and name != "t5")
    if facts.positions.table:
        assert facts.positions.table.is_trained == (name != "marian")
        assert ("learned" in facts.positions.words) == (name != "marian")
    else:
        assert ("relative bias" if name == "t5" else "rotary") in facts.positions.words


def test_wavelengths_are_those_of_the_papers_formula():
    rotary = table_facts(architectures.loaded("llama")).positions.rotary
    assert [each.layers for each in rotary] == [""]
    expected = 2 * np.pi * 10_000 ** (np.arange(4) * 2 / 8)
    np.testing.assert_allclose(rotary[0].wavelengths, expected, rtol=1e-6)
    assert {each.layers for each in table_facts(architectures.loaded("gemma3")).positions.rotary} == {
        "full attention",
        "sliding attention",
    }


def test_an_equal_copy_is_told_from_the_same_matrix():
    model = architectures.build("llama", "eager")
    with torch.no_grad():
        model.lm_head.weight.copy_(model.model.embed_tokens.weight)
    assert table_facts(wrap_model(model, None, "decoder")).output == "an equal copy"


@pytest.mark.parametrize(
    ("name", "rows", "width", "output", "table", "buckets"),
    [
        ("minilm", 30_522, 384, "none", 512, 0),
        ("smollm2", 49_152, 576, "the same matrix", None, 0),
        ("spelling_to_sound", 103, 160, "the same matrix", None, 32),
    ],
)
def test_facts_of_the_models_on_the_shelf(engine, name, rows, width, output, table, buckets):
    facts = engine.run(TableFactsRequest(name))
    assert (facts.rows, facts.width, facts.nbytes, facts.output) == (rows, width, 4 * rows * width, output)
    assert (facts.positions.table.rows if facts.positions.table else None) == table
    assert facts.positions.bias_buckets == buckets


# ----- Neighbours


@pytest.mark.parametrize("measure", ["cosine", "dot"])
@pytest.mark.parametrize("leave_out", [(), (5, 17)])
def test_neighbours_are_those_of_a_search_by_hand(engine, measure, leave_out):
    matrix = table_of(architectures.eager("llama"))
    target = matrix[5].astype(np.float64) - 0.5 * matrix[17] + 2 * matrix[40]
    order, values = brute(matrix, target, measure, leave_out)
    answer = engine.run(NearestRequest("llama", (5, 17, 40), (1, -0.5, 2.0), measure, 12, leave_out))
    assert answer.ids.tolist() == order[:12]
    np.testing.assert_allclose(answer.values, values[order[:12]], rtol=0, atol=1e-6)
    np.testing.assert_allclose(answer.norms, np.linalg.norm(matrix[order[:12]], axis=1), rtol=1e-6)
    assert answer.norm == pytest.approx(np.linalg.norm(target))
    assert answer.pieces == tuple(map(str, order[:12]))


@pytest.mark.parametrize("measure", ["cosine", "dot"])
def test_equal_rows_come_in_the_order_of_their_ids(measure):
    """Odd sizes, so that a product in blocks adds equal rows up in different ways."""
    draw = np.random.default_rng(7)
    rows = draw.standard_normal((1003, 77), dtype=np.float32)
    same = draw.choice(1003, 200, replace=False)
    rows[same] = rows[same[0]]
    rows[3] = 0
    matrix = torch.from_numpy(rows)
    target = (rows[same[0]] + 0.5 * rows[10]).astype(np.float64)
    order, _ = brute(rows, target, measure)
    for count in (5, 90, 400, 1003):
        ids, values = nearest_rows(matrix, row_norms(matrix), target, measure, count)
        assert ids.tolist() == order[:count]
        assert values.dtype == np.float64
    ids, _ = nearest_rows(matrix, row_norms(matrix), target, measure, 2000, tuple(same.tolist()))
    assert ids.tolist() == [each for each in order if each not in same]


def test_a_matrix_in_half_precision_is_multiplied_in_full():
    rows = torch.randn(5000, 24, generator=torch.Generator().manual_seed(3)).bfloat16()
    target = rows[11].float().numpy().astype(np.float64)
    order, values = brute(rows.float().numpy(), target, "cosine")
    ids, found = nearest_rows(rows, row_norms(rows), target, "cosine", 15)
    assert ids.tolist() == order[:15]
    np.testing.assert_allclose(found, values[order[:15]], rtol=0, atol=1e-9)


@pytest.mark.parametrize(("name", "space", "first"), [("minilm", "", "king"), ("smollm2", "␣", "␣queen")])
def test_the_nearest_to_king_without_man_with_woman(engine, name, space, first):
    """In MiniLM's table the nearest is one of the words that were put in; in SmolLM2's it is not."""
    ids = tuple(engine.run(PieceRequest(name, space + word)).id for word in ("king", "man", "woman"))
    everything = engine.run(NearestRequest(name, ids, (1, -1, 1)))
    assert everything.pieces[0] == first
    answer = engine.run(NearestRequest(name, ids, (1, -1, 1), leave_out=ids))
    assert answer.pieces[0] == f"{space}queen"
    assert not set(ids) & set(answer.ids.tolist())
    matrix = table_of(engine.model(name).model)
    target = matrix[ids[0]] - matrix[ids[1]] + matrix[ids[2]]
    cosines = matrix @ target / np.linalg.norm(matrix, axis=1).clip(1e-12) / np.linalg.norm(target)
    cosines[list(ids)] = -1
    np.testing.assert_allclose(answer.values, np.sort(cosines)[::-1][:20], rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("ids", "weights", "leave_out", "match"),
    [
        ((), (), (), "at least one row"),
        ((4,), (1.0, 2.0), (), "weight for each"),
        ((64,), (1.0,), (), "id 64"),
        ((4,), (1.0,), (-1,), "id -1"),
        ((4, 5, 4), (1.0, 0.0, -1.0), (), "points nowhere"),
    ],
)
def test_a_sum_that_is_none_is_refused(engine, ids, weights, leave_out, match):
    with pytest.raises(TableError, match=match):
        engine.run(NearestRequest("llama", ids, weights, leave_out=leave_out))


# ----- One row


def test_a_row_and_its_length_among_all(engine):
    matrix = table_of(architectures.eager("gpt2"))
    norms = np.linalg.norm(matrix, axis=1)
    row = engine.run(RowRequest("gpt2", 21))
    np.testing.assert_array_equal(row.vector, matrix[21])
    assert not np.shares_memory(row.vector, table_of(engine.model("gpt2").model))
    assert row.norm == pytest.approx(norms[21], rel=1e-6)
    assert row.mean_norm == pytest.approx(norms.mean(), rel=1e-6)
    assert row.rank == int((norms > norms[21]).sum())
    assert (row.piece, row.rows) == ("21", VOCABULARY)
    assert NormsRequest("gpt2") in engine.answers
    with pytest.raises(TableError, match="id 64"):
        engine.run(RowRequest("gpt2", 64))


# ----- What was typed


TYPED = {
    "smollm2": {
        **dict.fromkeys(("␣king", " king", "Ġking"), "␣king"),
        # One piece of two bytes, and not the piece of the one byte E9 that byte-level vocabularies write as é.
        **{each: each for each in ("king", "é")},
    },
    "minilm": {each: each for each in ("strawberry", "##ing", "[CLS]")},
}
# The first piece of so many.
BEGUN = (
    ("smollm2", "strawberry", "st", 3),
    ("minilm", "Paris", "paris", 1),
    ("minilm", "🍓 cake", "cake", 2),
    ("spelling_to_sound", "knight", "k", 6),
)


@pytest.mark.parametrize(
    ("name", "typed", "shown", "is_exact", "count"),
    [
        *((name, *each, True, 1) for name, pieces in TYPED.items() for each in pieces.items()),
        *((name, typed, shown, False, count) for name, typed, shown, count in BEGUN),
    ],
)
def test_a_typed_piece_is_found(engine, name, typed, shown, is_exact, count):
    found = engine.run(PieceRequest(name, typed))
    assert (found.text, found.is_exact, found.count) == (shown, is_exact, count)
    assert engine.model(name).pieces([found.id])[0].text == shown
    assert found.text in found.pieces


@pytest.mark.parametrize("typed", ["", "🍓", " "])
def test_a_piece_that_is_not_there_is_said_to_be_so(minilm, typed):
    with pytest.raises(NoSuchPieceError):
        find_piece(minilm, typed)


def test_half_a_surrogate_pair_and_a_model_without_tokenizer_are_refused(minilm):
    with pytest.raises(TextError):
        find_piece(minilm, "\ud800")
    with pytest.raises(NoSuchPieceError, match="without a tokenizer"):
        find_piece(architectures.loaded("llama"), "king")


@pytest.mark.parametrize("name", ["minilm", "smollm2"])
def test_what_two_random_rows_have_in_common(engine, name):
    matrix = engine.model(name).model.get_input_embeddings().weight.detach().float().numpy()
    one, other = (np.random.default_rng(seed).integers(len(matrix), size=20_000) for seed in (1, 2))
    lengths = np.linalg.norm(matrix, axis=1)
    cosines = (matrix[one] * matrix[other]).sum(axis=1) / (lengths[one] * lengths[other])
    facts = engine.run(TableFactsRequest(name))
    assert facts.anisotropy == pytest.approx(cosines.mean(), abs=0.02)
