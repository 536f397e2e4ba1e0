"""The scores of heads beside a few lines on transformers' own `output_attentions`."""

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoModelForCausalLM

from models.attention import trace_attention
from models.catalog import MODELS
from models.heads import bundled_bank
from models.heads.random_tokens import repeated_tokens
from models.heads.roles_on_random_tokens import OnRandom
from models.heads.roles_on_sentences import OnSentences
from models.loading.packs import model_folder
from tests.models import architectures

ARCHITECTURES = ("bert", "modernbert", "gpt2", "llama", "gemma3")
SENTENCES = 6


def maps_of(model, ids):
    with torch.inference_mode():
        found = model(input_ids=torch.tensor([ids]), output_attentions=True, return_dict=True).attentions
    return torch.cat(found).flatten(0, 1).numpy()


def expected_on_random(maps, sequence, is_causal):
    """By role, for one sequence: loops over queries and keys."""
    tokens, first = sequence.tokens, sequence.first
    found = {}
    for role in ("previous", "next", "same", "duplicate", "induction", "first"):
        rows = []
        for query in range(len(tokens)):
            keys = {
                "previous": [query - 1],
                "next": [query + 1],
                "same": [key for key in range(len(tokens)) if tokens[key] == tokens[query]],
                "duplicate": [key for key in range(len(tokens)) if tokens[key] == tokens[query] and key != query],
                "induction": [
                    key + 1
                    for key in range(len(tokens) - 1)
                    if tokens[key] == tokens[query] and key not in (query, query - 1)
                ],
                "first": [-first] if first + query else [],
            }[role]
            keys = [key for key in keys if -first <= key < len(tokens) and not (is_causal and key > query)]
            keys = [key for key in keys if key >= 0 or role == "first"]
            if keys:
                rows.append(maps[:, first + query, [first + key for key in keys]].sum(-1))
        if rows:
            found[role] = np.mean(rows, axis=0)
    offsets = []
    for offset in (*range(-8, -1), *range(2, 9)):
        pairs = [
            (query, query + offset)
            for query in range(len(tokens))
            if 0 <= query + offset < len(tokens) and not (is_causal and offset > 0)
        ]
        if pairs:
            offsets.append(np.mean([maps[:, first + query, first + key] for query, key in pairs], axis=0))
    found["offset"] = np.max(offsets, axis=0)
    # A softmax gives every key that may be seen more than nothing.
    seen = (maps > 0).sum(axis=-1)
    rows = [row for row in range(first, maps.shape[1]) if seen[:, row].min() >= 4]
    entropies = -(maps * np.log(np.where(maps > 0, maps, 1))).sum(axis=-1)
    found["broad"] = np.mean([entropies[:, row] / np.log(seen[:, row]) for row in rows], axis=0)
    return found


def compare(found, expected):
    assert set(expected) <= set(found)
    for role, scores in expected.items():
        np.testing.assert_allclose(found[role], scores, atol=2e-5, err_msg=role)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_roles_on_random_tokens_of_five_architectures(name):
    loaded = architectures.loaded(name)
    kind = architectures.ARCHITECTURES[name].family
    sequence = repeated_tokens(loaded, 3, 1)[0]
    random = OnRandom(kind)
    random.add(trace_attention(loaded, sequence.ids), sequence)
    maps = maps_of(architectures.eager(name), sequence.ids)
    expected = expected_on_random(maps, sequence, kind == "decoder")
    compare({each.key: each.scores for each in random.measured()}, expected)


@pytest.fixture(scope="module")
def originals():
    """The offline models as transformers itself runs them."""

    def original(name, cls):
        return cls.from_pretrained(model_folder(MODELS[name]), attn_implementation="eager", dtype=torch.float32).eval()

    return {"minilm": original("minilm", AutoModel), "smollm2": original("smollm2", AutoModelForCausalLM)}


@pytest.mark.parametrize(("name", "kind"), [("minilm", "encoder"), ("smollm2", "decoder")])
def test_roles_of_the_offline_models(name, kind, originals, request):
    loaded = request.getfixturevalue(name)
    sequence = repeated_tokens(loaded, 0, 1)[0]
    random = OnRandom(kind)
    random.add(trace_attention(loaded, sequence.ids), sequence)
    maps = maps_of(originals[name], sequence.ids)
    compare(
        {each.key: each.scores for each in random.measured()}, expected_on_random(maps, sequence, kind == "decoder")
    )


def expected_grammar(maps, sentence, offsets, specials, is_causal):
    """Hits by role and head: from transformers' offsets and loops over words."""
    words = [
        [
            place
            for place, (start, end) in enumerate(offsets)
            if not specials[place] and start < last and end > first and end > start
        ]
        for first, last in sentence.spans
    ]
    hits = {}
    pieces = [sentence.text[start:end] for start, end in offsets]
    ends = [place for place, piece in enumerate(pieces) if place and (specials[place] or piece in (".", ","))]
    for query in (place for place, special in enumerate(specials) if not special):
        keys = [key for key in ends if not (is_causal and key > query)]
        if keys:
            weights = maps[:, query, keys].sum(-1)
            hits["delimiter"] = hits.get("delimiter", 0) + np.stack([weights, np.ones(len(maps))], axis=1)
    for head, of_head in enumerate(maps):
        for word, (other, relation) in enumerate(zip(sentence.heads, sentence.relations, strict=True)):
            for start, end, role in ((word, other, f"{relation}>head"), (other, word, f"head>{relation}")):
                if other < 0 or (is_causal and end > start):
                    continue
                to = [
                    -1 if each == start else of_head[np.ix_(words[start], words[each])].sum(axis=1).mean()
                    for each in range(len(words))
                ]
                hits.setdefault(role, np.zeros((len(maps), 2)))[head] += (int(np.argmax(to)) == end, 1)
    return hits


@pytest.mark.parametrize(
    ("name", "kind"), [("minilm", "encoder"), pytest.param("smollm2", "decoder", marks=pytest.mark.slow)]
)
def test_grammar_of_the_offline_models(name, kind, originals, request, monkeypatch):
    monkeypatch.setattr("models.heads.roles_on_sentences.FEWEST_CASES", 1)
    loaded = request.getfixturevalue(name)
    bank = bundled_bank().sentences
    # Few of them have a delimiter that is no special token.
    sentences = [*bank[:SENTENCES], next(each for each in bank if "," in each.text)]
    grammar = OnSentences(kind)
    total = {}
    for sentence in sentences:
        grammar.add(trace_attention(loaded, sentence.text), sentence)
        cut = loaded.tokenizer(sentence.text, return_offsets_mapping=True, return_special_tokens_mask=True)
        # A space before a word is a part of its piece.
        offsets = [(end - len(sentence.text[start:end].lstrip()), end) for start, end in cut["offset_mapping"]]
        maps = maps_of(originals[name], cut["input_ids"])
        hits = expected_grammar(maps, sentence, offsets, cut["special_tokens_mask"], kind == "decoder")
        for role, counts in hits.items():
            total[role] = total.get(role, 0) + counts
    found = {each.key: each for each in grammar.measured()}
    delimiter, (sums, cases) = found.pop("delimiter"), total["delimiter"].T
    np.testing.assert_allclose(delimiter.scores, sums / cases, atol=2e-5)
    assert len(found) > 10
    for role, each in found.items():
        np.testing.assert_array_equal(each.cases.sum(), total[role][0, 1], err_msg=role)
        # Where two words get as much but for rounding, either is the first.
        assert np.mean(each.sums.sum(axis=0) != total[role][:, 0]) < 0.02, role


def test_the_place_that_is_best_is_the_most_frequent_one():
    grammar = bundled_bank().sentences
    pairs = [
        (word, head)
        for sentence in grammar
        for word, (head, relation) in enumerate(zip(sentence.heads, sentence.relations, strict=True))
        if relation == "det"
    ]
    share = np.mean([head - word == 1 for word, head in pairs])
    from models.heads.roles_on_sentences import _best_place

    starts, ends = (np.array(each) for each in zip(*pairs, strict=True))
    assert _best_place(starts, ends, np.full(len(starts), 99)) == ("the next word", pytest.approx(share))


def test_random_tokens_are_drawn_from_what_the_model_reads(minilm):
    sequences = repeated_tokens(minilm, 0, 4)
    assert repeated_tokens(minilm, 0, 4) == sequences != repeated_tokens(minilm, 1, 4)
    for each in sequences:
        tokens = each.tokens
        assert len(set(tokens)) == each.length == 40
        assert tokens[:40] == tokens[40:]
        pieces = minilm.pieces(each.ids)
        assert [piece.text for piece in pieces if piece.is_special] == ["[CLS]", "[SEP]"]
        assert not any("unused" in piece.text for piece in pieces)
