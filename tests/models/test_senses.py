"""One word in several sentences: where it stands, and in which layers its senses part."""

import itertools

import numpy as np
import pytest
import torch

from models.embeddings import SensesError, SensesRequest, separation
from models.embeddings.occurrences import word_spans, word_tokens
from models.engine import Engine

BANK = (
    "She opened an account at the bank.",
    "He asked the bank for a loan.",
    "My bank charges a fee for every card.",
    "The river burst its bank after the rain.",
    "We sat on the grassy bank and fished.",
    "An otter slept on the muddy bank.",
)
SENSES = ("money", "money", "money", "river", "river", "river")


@pytest.fixture(scope="module")
def engine(minilm, smollm2):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.loading.load_model", {"minilm": minilm, "smollm2": smollm2}.__getitem__)
        yield Engine(10**9)


@pytest.fixture(scope="module")
def bank(engine):
    return engine.run(SensesRequest("minilm", BANK, "bank", SENSES))


# ----- Where a word stands


@pytest.mark.parametrize(
    ("text", "word", "spans"),
    [
        ("The Bank, the bank; banks and embankment.", "bank", [(4, 8), (14, 18)]),
        ("a bank", " bank ", [(2, 6)]),
        ("C++ or C", "C++", [(0, 3)]),
        ("naïve Naïve", "naïve", [(0, 5), (6, 11)]),
        ("他在银行开户", "银行", [(2, 4)]),
        ("bank_2 bank2", "bank", []),
        ("no such", "", []),
        ("a.b axb", "a.b", [(0, 3)]),
    ],
)
def test_a_word_is_found_as_a_whole_and_in_any_case(text, word, spans):
    assert list(word_spans(text, word)) == spans


def test_its_tokens_are_those_that_share_a_character_with_it():
    text = "un banker banks"
    spans = [(0, 0), (0, 2), (2, 7), (7, 9), (9, 14), (14, 15), (0, 0)]
    assert word_tokens(text, spans, "banker") == ((2, 3),)
    assert word_tokens(text, spans, "banks") == ((4, 5),)
    assert word_tokens(text, [(0, 0)] * 7, "banker") == ()


# ----- Which senses part where


def test_the_banks_part_from_the_first_layer_on_and_not_before(bank):
    shares = [layer.shared / len(layer.nearest) for layer in bank.layers]
    assert shares == [pytest.approx(1 / 6), *[1.0] * 6]
    assert bank.layers[0].tied == 2, "words at one position are the same vector there, and of two senses"
    assert bank.layers[3].within == pytest.approx(0.90, abs=0.005)
    assert bank.layers[3].between == pytest.approx(0.77, abs=0.005)
    gaps = [layer.gap for layer in bank.layers]
    assert abs(gaps[0]) < 0.005
    assert min(gaps[1:]) > 0.08
    assert all(layer.within > 0.85 for layer in bank.layers), "raw cosines part weakly: it is the gap that is seen"


def test_figures_are_what_a_loop_finds(bank, minilm):
    states = []
    for sentence in BANK:
        encoding = minilm.tokenizer.backend_tokenizer.encode(sentence)
        ids = torch.tensor([encoding.ids])
        with torch.inference_mode():
            hidden = minilm.model(ids, torch.ones_like(ids), output_hidden_states=True).hidden_states
        states.append(torch.stack(hidden)[:, 0, encoding.tokens.index("bank")].numpy().astype(float))
    for layer, found in enumerate(bank.layers):
        words = [each[layer] / np.linalg.norm(each[layer]) for each in states]
        same, other, hits = [], [], 0
        for i in range(6):
            cosine = {j: float(words[i] @ words[j]) for j in range(6) if j != i}
            hits += SENSES[max(cosine, key=cosine.get)] == SENSES[i]
            for j, value in cosine.items():
                (same if SENSES[i] == SENSES[j] else other).append(value)
                assert found.cosines[i, j] == pytest.approx(value, abs=1e-5)
        assert found.within == pytest.approx(np.mean(same), abs=1e-5)
        assert found.between == pytest.approx(np.mean(other), abs=1e-5)
        # Of equal ones the loop takes the first.
        assert found.shared <= hits <= found.shared + found.tied
    assert [layer.cosines.shape for layer in bank.layers] == [(6, 6)] * 7


def test_the_references_say_what_needs_no_layer(bank):
    np.testing.assert_array_equal(bank.static.cosines, 1)
    assert bank.static.gap == 0
    np.testing.assert_array_equal(bank.static.nearest, [1, 0, 0, 0, 0, 0])
    assert (bank.static.shared, bank.static.tied) == (0, 6), "all are equal: a tie, and no finding"
    assert bank.average.within != bank.average.between
    assert len(bank.anisotropy) == len(bank.layers) == 7
    assert all(0 < each < 1 for each in bank.anisotropy)


def test_the_word_is_where_its_tokens_are(bank):
    shown = [[pieces[token] for token in tokens] for pieces, tokens in zip(bank.pieces, bank.tokens, strict=True)]
    assert shown == [["bank"]] * 6


def test_several_tokens_are_averaged_and_a_decoder_serves_too(engine, smollm2):
    sentences = ("A Zorblax sings.", "The zorblax sang.", "Zorblax, come!", "I saw a zorblax.")
    found = engine.run(SensesRequest("smollm2", sentences, "ZORBLAX", ("a", "a", "b", "b")))
    assert all(len(tokens) > 1 for tokens in found.tokens)
    encoding = smollm2.tokenizer.backend_tokenizer.encode(sentences[0])
    static = smollm2.model.get_input_embeddings().weight.detach()[[encoding.ids[k] for k in found.tokens[0]]].mean(0)
    other = smollm2.tokenizer.backend_tokenizer.encode(sentences[1])
    second = smollm2.model.get_input_embeddings().weight.detach()[[other.ids[k] for k in found.tokens[1]]].mean(0)
    expected = torch.nn.functional.cosine_similarity(static, second, dim=0).item()
    assert found.static.cosines[0, 1] == pytest.approx(expected, abs=1e-5)


# ----- What cannot be compared


def test_sentences_without_the_word_are_named_by_number(engine):
    with pytest.raises(SensesError, match=r"^Sentence 2 does not hold"):
        engine.run(SensesRequest("minilm", (BANK[0], "Banks fail.", *BANK[2:]), "bank", SENSES))
    with pytest.raises(SensesError, match=r"^Sentences 1, 3 do not hold"):
        engine.run(SensesRequest("minilm", ("No.", BANK[1], "None.", *BANK[3:]), "bank", SENSES))


@pytest.mark.parametrize(
    ("sentences", "word", "senses", "said"),
    [
        (BANK, "bank", SENSES[:5], "6 sentences and 5 names"),
        (BANK, "  ", SENSES, "no word"),
        (BANK, "bank", ("money",) * 6, "two senses or more"),
        (BANK, "bank", ("money",) * 5 + ("river",), "two sentences or more"),
        (BANK * 40, "bank", SENSES * 40, "At most 200"),
    ],
)
def test_what_cannot_be_compared_is_said(engine, sentences, word, senses, said):
    with pytest.raises(SensesError, match=said):
        engine.run(SensesRequest("minilm", sentences, word, senses))


def test_equal_vectors_have_the_smaller_index_as_nearest():
    found = separation(np.tile(np.float32([[0.3, 0.1, 0.7]]), (4, 1)), ("a", "b", "b", "a"))
    np.testing.assert_array_equal(found.nearest, [1, 0, 0, 0])
    assert (found.shared, found.tied) == (0, 4)


def test_equal_vectors_of_one_sense_are_no_tie():
    found = separation(np.float32([[1, 0], [1, 0], [0, 1], [0, 1]]), ("a", "a", "b", "b"))
    assert (found.shared, found.tied) == (4, 0)


# ----- What chance gives


def test_chance_is_what_all_ways_to_deal_the_senses_out_give(bank):
    ways = sorted(set(itertools.permutations(SENSES)))
    assert len(ways) == 20
    for layer in bank.layers[1:]:
        shared = [sum(way[i] == way[j] for i, j in enumerate(layer.nearest)) for way in ways]
        assert (layer.chance.ways, layer.chance.is_exact) == (20, True)
        assert layer.chance.mean == pytest.approx(np.mean(shared))
        assert layer.chance.as_many == pytest.approx(np.mean([each >= layer.shared for each in shared]))
    assert bank.best_by_chance >= max(layer.chance.as_many for layer in bank.layers if layer.shared == 6)
    assert bank.static.chance.as_many == 1, "a tie says nothing whatever the senses are"


def test_many_ways_are_drawn_the_same_each_time():
    vectors = np.random.default_rng(3).standard_normal((40, 5)).astype(np.float32)
    senses = ("a", "b") * 20
    one, other = separation(vectors, senses), separation(vectors, senses)
    assert one.chance == other.chance
    assert (one.chance.ways, one.chance.is_exact) == (2_000, False)
    assert one.chance.mean == pytest.approx(40 * 19 / 39, abs=0.5), "any two places share a label 19 times of 39"
    assert 0 < one.chance.as_many <= 1


def test_chance_of_the_most_sentences_does_not_keep_anybody_waiting():
    senses = tuple(str(place % 100) for place in range(200))
    found = separation(np.ones((200, 3), dtype=np.float32), senses)
    assert found.tied == 200
