"""Classifiers: their labels as transformers computes them, with everything on and with a head off."""

import html

import numpy as np
import pytest
import torch
from transformers import (
    BertConfig,
    BertForQuestionAnswering,
    BertForSequenceClassification,
    BertForTokenClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    ElectraConfig,
    ElectraForSequenceClassification,
    RobertaConfig,
    RobertaForSequenceClassification,
)

from models.attention import ChangesRequest, TracedTextRequest, TraceRequest, ZeroHead, trace_attention
from models.attention.classifier_labels import label_logits
from models.engine import Engine
from models.loading import load_model, open_folder, wrap_model
from models.model_facts import model_facts
from tests.models.architectures import VOCABULARY
from tests.models.drawn_weights import with_drawn_weights
from tests.models.test_folders import tokenizer_of

pytestmark = pytest.mark.usefixtures("no_folders")

TEXT = "w11 w23 w5 w42 w17"
LABELS = {0: "no", 1: "<b>maybe</b>", 2: "yes"}
SIZES = {"vocab_size": VOCABULARY, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
MORE = {"intermediate_size": 48, "max_position_embeddings": 40, "id2label": LABELS, "label2id": {}}
DISTILBERT = {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 48}
CLASSIFIERS = {
    "bert": (BertForSequenceClassification, BertConfig(**SIZES, **MORE)),
    "roberta": (RobertaForSequenceClassification, RobertaConfig(**SIZES, **MORE, pad_token_id=0)),
    "electra": (ElectraForSequenceClassification, ElectraConfig(**SIZES, **MORE, embedding_size=32)),
    "distilbert": (
        DistilBertForSequenceClassification,
        DistilBertConfig(**DISTILBERT, vocab_size=VOCABULARY, max_position_embeddings=40, id2label=LABELS),
    ),
}


def made(name, folder, **settings):
    kind, config = CLASSIFIERS[name]
    for setting, value in settings.items():
        setattr(config, setting, value)
    model = with_drawn_weights(kind(config), name)
    model.save_pretrained(folder)
    tokenizer_of("bert").save_pretrained(folder)
    return model


def expected(model, trace):
    with torch.inference_mode():
        return model(input_ids=torch.tensor([trace.inputs.ids])).logits[0]


@pytest.mark.quick(2)
@pytest.mark.parametrize("name", list(CLASSIFIERS))
def test_labels_are_those_of_transformers_and_maps_stay_what_they_were(name, tmp_path):
    model = made(name, tmp_path)
    loaded = load_model(open_folder(str(tmp_path)).name)
    trace = trace_attention(loaded, TEXT)
    right = expected(model, trace)
    np.testing.assert_allclose(label_logits(trace), right, atol=1e-5)
    whole = trace_attention(wrap_model(model, tokenizer_of("bert"), "encoder"), TEXT)
    np.testing.assert_allclose(label_logits(whole), right, atol=1e-5)
    assert trace.outputs.shape == whole.outputs.shape == (len(trace.inputs.ids), 32)
    np.testing.assert_allclose(trace.weights("encoder", 1), whole.weights("encoder", 1), atol=1e-6)


@pytest.mark.parametrize(
    ("problem", "shares"),
    [("single_label_classification", torch.nn.Softmax(-1)), ("multi_label_classification", torch.nn.Sigmoid())],
)
def test_probabilities_before_and_after_a_head_is_off(tmp_path, problem, shares):
    model = made("bert", tmp_path, problem_type=problem)
    engine = Engine(10**8)
    base = TraceRequest(open_folder(str(tmp_path)).name, TEXT)
    off = TraceRequest(base.model, TEXT, interventions=(ZeroHead("encoder", 1, 2),))
    said = engine.run(TracedTextRequest(base))
    right = shares(expected(model, engine.run(base)))
    assert {each.text: pytest.approx(each.probability, abs=1e-5) for each in said.labels} == {
        name: right[number].item() for number, name in LABELS.items()
    }
    assert said.labels[0].probability == max(each.probability for each in said.labels)
    found = engine.run(ChangesRequest(base, off))
    width = 32 // 4
    with torch.no_grad():
        model.bert.encoder.layer[1].attention.output.dense.weight[:, 2 * width : 3 * width] = 0
    without = shares(expected(model, engine.run(base)))
    assert (without - right).abs().max() > 1e-4
    for each in found.labels:
        number = next(number for number, name in LABELS.items() if name == each.text)
        assert (each.before, each.after) == (
            pytest.approx(right[number].item(), abs=1e-5),
            pytest.approx(without[number].item(), abs=1e-5),
        )


def test_one_output_is_a_number_and_no_probability(tmp_path):
    model = made("bert", tmp_path, num_labels=1)
    engine = Engine(10**8)
    base = TraceRequest(open_folder(str(tmp_path)).name, TEXT)
    said = engine.run(TracedTextRequest(base))
    assert said.labels == ()
    assert said.score == pytest.approx(expected(model, engine.run(base)).item(), abs=1e-5)
    assert engine.run(ChangesRequest(base, base)).is_score
    CLASSIFIERS["bert"][1].id2label = LABELS


def test_a_classifier_whose_head_is_missing_is_an_encoder(tmp_path):
    made("bert", tmp_path / "whole").bert.save_pretrained(tmp_path / "inner")
    config = (tmp_path / "whole" / "config.json").read_text()
    (tmp_path / "inner" / "config.json").write_text(config)
    tokenizer_of("bert").save_pretrained(tmp_path / "inner")
    loaded = load_model(open_folder(str(tmp_path / "inner")).name)
    assert loaded.classifier is None
    assert label_logits(trace_attention(loaded, TEXT)) is None


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (BertForSequenceClassification, "classifying texts: no, <b>maybe</b>, yes"),
        (BertForTokenClassification, "labelling each token: no, <b>maybe</b>, yes; that head is not run here"),
        (BertForQuestionAnswering, "finding where the answer to a question begins and ends"),
    ],
)
def test_it_is_described_as_what_it_is(tmp_path, kind, words):
    with_drawn_weights(kind(BertConfig(**SIZES, **MORE)), "bert").save_pretrained(tmp_path)
    tokenizer_of("bert").save_pretrained(tmp_path)
    loaded = load_model(open_folder(str(tmp_path)).name)
    facts = model_facts(loaded)
    assert words in facts.made_for
    from pages.shared.model_card import sections_of

    assert html.escape(words) in "".join(content for _, content in sections_of(facts))
