"""What a trace takes, and in what words it refuses the rest."""

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, pre_tokenizers
from tokenizers.models import WordLevel
from transformers import PreTrainedTokenizerFast

from models.attention import InputError, trace_attention
from models.errors import HeadlightError
from models.loading import wrap_model
from tests.models import architectures
from tests.models.architectures import ARCHITECTURES, NAMES, POSITIONS, SEQ2SEQ

BOTH = ["minilm", "smollm2"]
# Beside the words themselves MiniLM has its two special tokens.
SPECIAL = {"minilm": 2, "smollm2": 0}
# Learned or tabulated positions: one more than there are rows cannot be computed at all.
TABLES = ("bert", "distilbert", "roberta", "albert", "gpt2", "bart", "marian")


@pytest.fixture
def no_forward(request):
    """Fail if a model runs: what is refused is refused before anything is computed."""

    def ran(*_):
        raise AssertionError("the model ran")

    hooks = [request.getfixturevalue(name).model.register_forward_pre_hook(ran) for name in BOTH]
    yield
    for hook in hooks:
        hook.remove()


def refusal(loaded, text, target=None):
    with pytest.raises(HeadlightError) as caught:
        trace_attention(loaded, text, target)
    message = str(caught.value)
    # One clear sentence of its own: no line breaks, no leftovers of an exception, nothing that cannot be shown.
    assert message.endswith(".")
    assert message[0].isupper()
    assert message.isprintable()
    assert "Error" not in message
    return message


@pytest.mark.quick(2)
@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize("count", [3, 300])
def test_a_text_has_as_many_positions_as_tokens(request, name, count):
    """MiniLM's tokenizer file pads to 128 and cuts there unless it is told not to."""
    loaded = request.getfixturevalue(name)
    text = " ".join(["the"] * (count - SPECIAL[name]))
    trace = trace_attention(loaded, text)
    assert len(trace.tokens) == len(trace.is_special) == len(trace.outputs) == count
    assert trace.weights(trace.kinds[0], 0).shape[1:] == (count, count)
    assert trace.weights(trace.kinds[0], 0, 1)[-1].min() > 0


@pytest.mark.parametrize(("name", "limit"), [("minilm", "512"), ("smollm2", "8,192")])
@pytest.mark.usefixtures("no_forward")
def test_a_text_longer_than_the_positions_is_refused_with_both_numbers(request, name, limit):
    loaded = request.getfixturevalue(name)
    words = int(limit.replace(",", "")) - SPECIAL[name] + 1
    message = refusal(loaded, "zebra" + " the" * (words - 1) + " the")
    counted = len(loaded.backend.encode("zebra" + " the" * words))
    assert f"{counted:,}" in message
    assert limit in message
    assert "zebra" not in message
    assert limit in refusal(loaded, [5] * (int(limit.replace(",", "")) + 1))


def test_the_longest_text_of_minilm(minilm):
    assert len(trace_attention(minilm, " the" * 510).tokens) == 512


@pytest.mark.quick(6)
@pytest.mark.parametrize("name", NAMES)
def test_the_longest_input_works_and_one_more_is_refused(name):
    loaded = architectures.loaded(name)
    if name == "t5":
        assert loaded.positions is None
        longest = 3 * POSITIONS
    else:
        # RoBERTa's positions begin after its padding id 1, so two rows of forty serve no token.
        longest = POSITIONS - 2 if name == "roberta" else POSITIONS
        assert loaded.positions == longest
        message = refusal(loaded, [7] * (longest + 1))
        assert str(longest) in message
        assert str(longest + 1) in message
    ids = [4 + place % 50 for place in range(longest)]
    trace = trace_attention(loaded, ids, ids if name in SEQ2SEQ else None)
    assert len(trace.tokens) == longest
    np.testing.assert_allclose(trace.outputs, architectures.run(architectures.plain(name), ids, ids), atol=1e-4)


@pytest.mark.parametrize("name", TABLES)
def test_the_limit_is_the_last_that_the_model_can_compute(name):
    limit = architectures.loaded(name).positions
    assert limit is not None
    with pytest.raises((IndexError, RuntimeError)):
        architectures.run(architectures.plain(name), [7] * (limit + 1), [7] * (limit + 1))


@pytest.mark.parametrize("name", ["bart", "marian"])
def test_a_target_longer_than_the_positions_is_refused(name):
    message = refusal(architectures.loaded(name), [7, 8], [7] * (POSITIONS + 1))
    assert str(POSITIONS) in message
    assert str(POSITIONS + 1) in message


@pytest.mark.parametrize("text", ["", " ", "   ", "\n\t\r", "\u00a0\u2003\u3000"], ids=ascii)
@pytest.mark.parametrize("name", BOTH)
@pytest.mark.usefixtures("no_forward")
def test_a_text_without_anything_in_it_is_refused(request, name, text):
    refusal(request.getfixturevalue(name), text)


@pytest.mark.parametrize("bad", ["\ud83d", "\udc4d", "\0"], ids=ascii)
@pytest.mark.parametrize("around", ["{}", "zebra {} quagga"])
@pytest.mark.parametrize("name", BOTH)
@pytest.mark.usefixtures("no_forward")
def test_what_is_not_text_is_refused(request, name, around, bad):
    message = refusal(request.getfixturevalue(name), around.format(bad))
    assert "zebra" not in message
    assert "quagga" not in message


@pytest.mark.parametrize(("name", "vocabulary"), [("minilm", 30522), ("smollm2", 49152)])
@pytest.mark.usefixtures("no_forward")
def test_ids_out_of_the_vocabulary_are_refused(request, name, vocabulary):
    loaded = request.getfixturevalue(name)
    for ids, bad in (([-1], -1), ([5, 6, vocabulary], vocabulary), ([5, 10**30], 10**30), ([5, -(10**30)], -(10**30))):
        message = refusal(loaded, ids)
        assert str(bad) in message
        assert str(vocabulary - 1) in message


@pytest.mark.parametrize(("name", "vocabulary"), [("minilm", 30522), ("smollm2", 49152)])
def test_the_first_and_the_last_id_work(request, name, vocabulary):
    trace = trace_attention(request.getfixturevalue(name), [0, vocabulary - 1])
    assert [piece.id for piece in trace.pieces] == [0, vocabulary - 1]


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize("nothing", [[], (), range(0)], ids=["list", "tuple", "range"])
@pytest.mark.usefixtures("no_forward")
def test_no_ids_are_refused(request, name, nothing):
    refusal(request.getfixturevalue(name), nothing)


@pytest.mark.parametrize("name", BOTH)
def test_ids_are_taken_from_any_sequence(request, name):
    loaded = request.getfixturevalue(name)
    expected = trace_attention(loaded, [5, 6, 7]).last_output
    for ids in ((5, 6, 7), range(5, 8)):
        np.testing.assert_array_equal(trace_attention(loaded, ids).last_output, expected)


def test_ids_get_no_special_tokens_of_their_own(minilm):
    whole = trace_attention(minilm, "a cat")
    bare = trace_attention(minilm, [piece.id for piece in whole.pieces][1:-1])
    assert bare.tokens == ("a", "cat")
    assert bare.is_special == (False, False)


def test_special_tokens_are_marked(minilm, smollm2):
    assert trace_attention(minilm, "a cat").is_special == (True, False, False, True)
    assert trace_attention(minilm, "a cat").tokens == ("[CLS]", "a", "cat", "[SEP]")
    assert trace_attention(smollm2, "a cat").is_special == (False, False)


@pytest.mark.quick(5)
@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize(
    "text",
    [
        "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466",
        "שלום עולם مرحبا \u202eabc",
        "e\u0301 Z\u0338\u0321\u0300\u0301\u0302",
        "<script>alert(1)</script>",
        "\x01\x7f",
        "\u200b",
        "[SEP][SEP] <|im_end|>",
    ],
    ids=ascii,
)
def test_odd_texts_work(request, name, text):
    trace = trace_attention(request.getfixturevalue(name), text)
    assert np.isfinite(trace.outputs).all()
    assert len(trace.tokens) == len(trace.outputs)
    weights = trace.weights(trace.kinds[0], 1)
    np.testing.assert_allclose(weights.sum(axis=-1), 1, atol=1e-5)


def test_a_model_without_a_decoder_of_its_own_takes_no_target(minilm, smollm2):
    for loaded in (minilm, smollm2):
        refusal(loaded, "a cat", "zebra")


def test_a_model_without_a_tokenizer_takes_no_text():
    assert "zebra" not in refusal(architectures.loaded("llama"), "zebra")


def wordwise():
    """Words w4 to w63 for the ids of the tiny models; anything else is unknown."""
    words = {"<pad>": 0, "<unk>": 1, "<s>": 2, "</s>": 3} | {f"w{number}": number for number in range(4, 64)}
    backend = Tokenizer(WordLevel(words, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="<pad>", unk_token="<unk>", eos_token="</s>")


@pytest.fixture(scope="module", params=SEQ2SEQ)
def seq2seq(request):
    """The name of a seq2seq architecture, and the model with a tokenizer."""
    model = architectures.build(request.param, "eager")
    return request.param, wrap_model(model, wordwise(), "seq2seq")


def test_a_target_text_is_shifted_as_in_training(seq2seq):
    name, loaded = seq2seq
    trace = trace_attention(loaded, "w7 w8 w9 w10", "w20 w21 w22")
    assert trace.tokens == ("w7", "w8", "w9", "w10")
    assert len(trace.target_tokens) == 3
    assert trace.target_tokens[1:] == ("w20", "w21")
    # What transformers itself feeds the decoder when it is given these labels.
    with torch.inference_mode():
        trained = architectures.plain(name)(
            input_ids=torch.tensor([[7, 8, 9, 10]]), labels=torch.tensor([[20, 21, 22]]), return_dict=True
        )
    np.testing.assert_allclose(trace.outputs, trained.logits[0].numpy(), rtol=0, atol=1e-4)
    assert trace.weights("cross", 1).shape == (architectures.HEADS, 3, 4)


def test_an_empty_or_odd_target_is_refused(seq2seq):
    _, loaded = seq2seq
    for target in ("", "  ", [], [64], [-1], "w20 \ud83d"):
        assert "w20" not in refusal(loaded, "w7 w8", target)


def test_the_callers_tokenizer_keeps_its_settings():
    tokenizer = wordwise()
    tokenizer.backend_tokenizer.enable_truncation(2)
    tokenizer.backend_tokenizer.enable_padding(length=20)
    loaded = wrap_model(architectures.build("llama", "eager"), tokenizer, "decoder")
    assert len(trace_attention(loaded, "w7 w8 w9").tokens) == 3
    assert tokenizer.backend_tokenizer.truncation["max_length"] == 2
    assert tokenizer.backend_tokenizer.padding["length"] == 20


@pytest.mark.parametrize("name", NAMES)
def test_wrap_model_describes_the_model(name):
    card, architecture = architectures.loaded(name).card, ARCHITECTURES[name]
    assert (card.name, card.title, card.family) == ("wrapped", architecture.model, architecture.family)
    assert (card.heads, card.width, card.vocabulary) == (4, 32, 64)
    # Of a seq2seq model the encoder's layers, in all three alike.
    assert card.layers == (architectures.ENCODER_LAYERS if architecture.family == "seq2seq" else 2)
    assert card.parameters == sum(each.numel() for each in architectures.eager(name).parameters())
    assert not architectures.loaded(name).model.training


def test_input_errors_are_headlight_errors():
    assert issubclass(InputError, HeadlightError)
