"""A hidden token: its logits are those of transformers, its stages transformers' processors applied by hand."""

import copy

import pytest
import torch
import transformers
from tokenizers import AddedToken, Tokenizer, pre_tokenizers
from tokenizers.models import WordLevel
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast

from models.decoding import DecodingSettings
from models.decoding.masked_token import (
    CannotFillError,
    MaskedTokenRequest,
    has_masked_head,
    masked_logits,
    masked_stages,
    stub_writer,
)
from models.engine import Engine
from models.forward.inputs import InputError
from models.loading import wrap_model
from models.tokenization import TextError
from tests.models import architectures

CONFIGS = {
    "BertForMaskedLM": architectures.ARCHITECTURES["bert"].config,
    "RobertaForMaskedLM": architectures.ARCHITECTURES["roberta"].config,
    "DistilBertForMaskedLM": architectures.ARCHITECTURES["distilbert"].config,
    "ModernBertForMaskedLM": architectures.ARCHITECTURES["modernbert"].config,
}
# What the tokenizers write: the mask, with or without the space before it, as in the published files.
MASKS = {"RobertaForMaskedLM": AddedToken("<mask>", lstrip=True, special=True)}
MASK_ID, START, END = 63, 61, 62


def words(mask="[MASK]", start="[CLS]", end="[SEP]"):
    """Words w4 to w60 for the ids of the tiny models, and the special tokens that such models have."""
    vocabulary = {"<pad>": 0, "<unk>": 1} | {f"w{number}": number for number in range(4, 61)}
    vocabulary |= {start: START, end: END, str(mask): MASK_ID}
    backend = Tokenizer(WordLevel(vocabulary, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.post_processor = TemplateProcessing(single=f"{start} $A {end}", special_tokens=[(start, START), (end, END)])
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token="<pad>", unk_token="<unk>", cls_token=start, sep_token=end, mask_token=mask
    )


def tiny(name, **more):
    """A tiny model of this class with random weights that are large enough to tell tokens apart."""
    config = CONFIGS[name]()
    for key, value in more.items():
        setattr(config, key, value)
    model = getattr(transformers, name)._from_config(config, attn_implementation="eager")
    draw = torch.Generator().manual_seed(len(name))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=draw) * 0.3)
    return model.eval()


@pytest.fixture(scope="module", params=CONFIGS)
def both(request):
    """A model as transformers has it, and the same taken over, with a tokenizer."""
    mask = MASKS.get(request.param, "[MASK]")
    model = tiny(request.param)
    return copy.deepcopy(model), wrap_model(model, words(mask), "encoder")


@pytest.fixture(scope="module")
def bert():
    return wrap_model(tiny("BertForMaskedLM"), words(), "encoder")


def plain_logits(model, ids):
    with torch.inference_mode():
        return model(input_ids=torch.tensor([ids])).logits[0]


def processed(model_knobs, ids, logits):
    """Transformers' own processors by hand, in its order."""
    scores = logits[None]
    history = torch.tensor([ids], dtype=torch.long)
    stages = [torch.softmax(scores, -1)[0]]
    for processor in model_knobs:
        scores = processor(history, scores)
        stages.append(torch.softmax(scores, -1)[0])
    return stages


def test_the_logits_are_those_of_transformers_at_the_mask(both):
    model, loaded = both
    mask = loaded.tokenizer.mask_token
    found = masked_logits(loaded, f"w11 w23 {mask} w42 w11")
    assert found.ids == (START, 11, 23, MASK_ID, 42, 11, END)
    assert (found.position, found.masks, found.note) == (3, 1, "")
    assert found.history == (11, 23, 42, 11)
    assert found.logits.shape == (architectures.VOCABULARY,)
    assert found.logits.dtype == torch.float32
    torch.testing.assert_close(found.logits, plain_logits(model, found.ids)[3], rtol=1e-5, atol=1e-5)
    assert found.logits.std() > 0.1


def test_the_stages_are_transformers_processors_applied_by_hand(both):
    _, loaded = both
    found = masked_logits(loaded, f"w11 w23 {loaded.tokenizer.mask_token} w42 w11")
    settings = DecodingSettings(temperature=0.7, repetition_penalty=1.5, top_k=20, top_p=0.9, bad_words=((7,),))
    stages = masked_stages(loaded, found, settings)
    expected = processed(
        [
            transformers.RepetitionPenaltyLogitsProcessor(1.5),
            transformers.NoBadWordsLogitsProcessor([[7]]),
            transformers.TemperatureLogitsWarper(0.7),
            transformers.TopKLogitsWarper(20),
            transformers.TopPLogitsWarper(0.9),
        ],
        found.history,
        found.logits,
    )
    assert [stage.name for stage in stages[:6]] == [
        *("raw", "repetition penalty", "bad words", "temperature", "top-k", "top-p")
    ]
    for stage, by_hand in zip(stages[:6], expected, strict=True):
        torch.testing.assert_close(stage.probabilities, by_hand, rtol=1e-5, atol=1e-8)
        assert float(stage.probabilities.sum()) == pytest.approx(1, abs=1e-5)
    # Only what is in the text is made less likely: neither the mask nor the special tokens.
    ratio = stages[1].probabilities / stages[0].probabilities
    changed = ~torch.isclose(ratio, ratio.median(), rtol=1e-3)
    assert set(changed.nonzero()[:, 0].tolist()) == {11, 23, 42}


def test_a_greedy_setting_leaves_the_distribution_alone(bert):
    found = masked_logits(bert, "w11 [MASK]")
    (raw,) = masked_stages(bert, found, DecodingSettings(temperature=0, min_new_tokens=3))
    torch.testing.assert_close(raw.probabilities, torch.softmax(found.logits, -1))


def test_a_mask_alone_has_no_history(bert):
    found = masked_logits(bert, "[MASK]")
    assert (found.ids, found.history) == ((START, MASK_ID, END), ())
    stages = masked_stages(bert, found, DecodingSettings(temperature=1, repetition_penalty=2.0, no_repeat_ngram_size=1))
    assert [stage.name for stage in stages[:3]] == ["raw", "repetition penalty", "no-repeat n-gram"]
    torch.testing.assert_close(stages[-1].probabilities, torch.softmax(found.logits, -1))


def test_of_several_masks_the_first_is_taken_and_the_result_says_so(bert):
    found = masked_logits(bert, "[MASK] w5 [MASK] [MASK]")
    assert (found.position, found.masks) == (1, 3)
    assert found.history == (5,)
    assert found.note.startswith("There are 3 masks")


def test_a_tokenizer_that_reads_special_tokens_as_text_is_given_the_mask_all_the_same():
    loaded = wrap_model(tiny("BertForMaskedLM"), words(), "encoder")
    loaded.tokenizer.backend_tokenizer.encode_special_tokens = True
    found = masked_logits(loaded, "w5 [MASK] w6 [MASK]")
    assert found.ids == (START, 5, MASK_ID, 6, MASK_ID, END)
    assert loaded.backend.encode_special_tokens is True
    with pytest.raises(CannotFillError):
        masked_logits(loaded, "w5 w6")


def test_with_the_word_pieces_of_a_published_tokenizer(minilm):
    model = tiny("BertForMaskedLM", vocab_size=minilm.vocabulary)
    loaded = wrap_model(copy.deepcopy(model), minilm.tokenizer, "encoder")
    found = masked_logits(loaded, "The capital of France is [MASK].")
    assert list(found.ids) == minilm.tokenizer("The capital of France is [MASK].")["input_ids"]
    assert found.ids[found.position] == minilm.tokenizer.mask_token_id
    torch.testing.assert_close(found.logits, plain_logits(model, found.ids)[found.position], rtol=1e-5, atol=1e-5)
    stages = masked_stages(loaded, found, DecodingSettings(temperature=1, top_k=50))
    assert int((stages[1].probabilities > 0).sum()) == 50


def test_the_request_keeps_the_answer(bert, monkeypatch):
    engine = Engine()
    monkeypatch.setattr(engine, "model", lambda _name: bert)
    found = engine.run(MaskedTokenRequest("wrapped", "w11 [MASK]"))
    assert engine.run(MaskedTokenRequest("wrapped", "w11 [MASK]")) is found
    torch.testing.assert_close(found.logits, masked_logits(bert, "w11 [MASK]").logits)
    assert engine.answers.nbytes >= found.nbytes > found.logits.nbytes


def test_which_models_have_such_a_head(minilm, smollm2):
    class Mine(transformers.BertForMaskedLM):
        pass

    assert has_masked_head(wrap_model(Mine(CONFIGS["BertForMaskedLM"]()), words(), "encoder"))
    for name in CONFIGS:
        assert has_masked_head(wrap_model(tiny(name), None, "encoder"))
    assert not any(map(has_masked_head, (minilm, smollm2)))
    # BART stands among transformers' masked models, but it writes.
    assert not any(has_masked_head(architectures.loaded(name)) for name in ("bert", "modernbert", "bart", "t5"))


@pytest.mark.parametrize(
    ("which", "said"),
    [
        ("minilm", "has no masked-language head: it turns a text into vectors"),
        ("smollm2", "fills no hidden place"),
    ],
)
def test_a_model_without_such_a_head_is_a_sentence(which, said, request):
    loaded = request.getfixturevalue(which)
    with pytest.raises(CannotFillError, match=said) as caught:
        masked_logits(loaded, "Paris is [MASK].")
    assert loaded.card.title in str(caught.value)
    assert "Paris" not in str(caught.value)


def test_a_text_that_cannot_be_filled_is_a_sentence(both):
    _, loaded = both
    mask = loaded.tokenizer.mask_token
    with pytest.raises(CannotFillError) as caught:
        masked_logits(loaded, "w4 w5")
    assert str(caught.value) == f"Nothing is hidden in this text: type {mask} where a word is to be found."
    for text in ("", "  \n"):
        with pytest.raises(InputError, match="no text yet"):
            masked_logits(loaded, text)
    with pytest.raises(InputError, match="positions"):
        masked_logits(loaded, f"{mask} " + "w4 " * 60)
    with pytest.raises(TextError):
        masked_logits(loaded, f"{mask} \ud800")


def test_without_a_tokenizer_or_a_mask_is_a_sentence():
    model = tiny("BertForMaskedLM")
    with pytest.raises(InputError, match="without a tokenizer"):
        masked_logits(wrap_model(model, None, "encoder"), "w4 [MASK]")
    tokenizer = words()
    tokenizer.mask_token = None
    with pytest.raises(CannotFillError, match="has no mask"):
        masked_logits(wrap_model(model, tokenizer, "encoder"), "w4 [MASK]")


def test_the_writer_that_lends_its_processors_is_small_and_draws_nothing():
    state = torch.random.get_rng_state()
    writer = stub_writer(1_234)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert stub_writer(1_234) is writer
    assert writer.config.vocab_size == 1_234
    assert writer.generation_config.eos_token_id is None
    assert sum(parameter.numel() for parameter in stub_writer(50_000).parameters()) < 250_000
