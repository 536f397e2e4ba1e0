"""One question as several prompts: what the model reads is what transformers makes of it, and so is what it says."""

import dataclasses
import math

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from models.decoding import CannotWriteError
from models.decoding.prompting import PromptsRequest, followed_token, prompt_variants
from models.engine import Engine
from models.forward.inputs import InputError
from models.loading import wrap_model
from models.tokenization import TextError
from tests.models import architectures

EXAMPLES = ("big -> small", "hot -> cold")
QUESTION = "up ->"
SHOTS = ("zero-shot", "one-shot", "few-shot")


@pytest.fixture(scope="module")
def engine():
    return Engine()


@pytest.fixture(scope="module")
def prompts(engine):
    return engine.run(PromptsRequest("smollm2", EXAMPLES, QUESTION, follow=" down"))


def message(loaded, text, **more):
    return loaded.tokenizer.apply_chat_template(
        [{"role": "user", "content": text}], add_generation_prompt=True, return_dict=False, **more
    )


def plain_softmax(loaded, ids):
    with torch.inference_mode():
        return torch.softmax(loaded.model(input_ids=torch.tensor([ids])).logits[0, -1].double(), -1)


def with_template(loaded, template):
    """The same model with a tokenizer of its own, in which this template stands."""
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=loaded.backend, bos_token="<|im_start|>", eos_token="<|im_end|>", unk_token="<|endoftext|>"
    )
    tokenizer.chat_template = template
    return dataclasses.replace(loaded, tokenizer=tokenizer)


def test_few_shots_say_down_and_fewer_say_something_else(prompts):
    by_name = {(each.variant.name, each.variant.is_chat): each for each in prompts.answers}
    assert list(by_name) == [(name, is_chat) for is_chat in (False, True) for name in SHOTS]
    few, one, zero = (by_name[name, False] for name in reversed(SHOTS))
    assert (few.top[0].text, few.followed.rank) == ("␣down", 0)
    assert few.top[0].probability == few.followed.probability == pytest.approx(0.835, abs=0.01)
    assert (one.top[0].text, one.top[0].probability) == ("␣hot", pytest.approx(0.21, abs=0.01))
    assert zero.top[0].text == "␣"
    assert max(zero.followed.probability, one.followed.probability) < 0.02
    assert few.entropy < one.entropy < zero.entropy
    # In the chat the same model begins a sentence, whatever the examples.
    for name in SHOTS:
        assert by_name[name, True].top[0].text == "The"
        assert by_name[name, True].followed.probability < 0.01
    assert prompts.notes == ()


def test_probabilities_ranks_and_entropy_are_those_of_a_plain_forward(smollm2, prompts):
    for each in prompts.answers:
        shares = plain_softmax(smollm2, each.variant.ids)
        best = torch.topk(shares, 10)
        assert [token.id for token in each.top] == best.indices.tolist()
        assert [token.probability for token in each.top] == pytest.approx(best.values.tolist(), abs=1e-5)
        assert [token.rank for token in each.top] == list(range(10))
        assert each.followed.probability == pytest.approx(float(shares[each.followed.id]), abs=1e-5)
        assert each.followed.rank == int((shares > shares[each.followed.id]).sum())
        assert each.entropy == pytest.approx(float(-(shares * shares.log()).sum()), abs=1e-4)
        assert 0 < each.entropy < math.log(len(shares))


def test_what_is_read_is_what_transformers_makes_of_it(smollm2):
    before = smollm2.backend.to_str(), smollm2.backend.encode_special_tokens, smollm2.tokenizer.chat_template
    variants = prompt_variants(smollm2, EXAMPLES, QUESTION)
    typed = ["up ->", "hot -> cold\nup ->", "big -> small\nhot -> cold\nup ->"]
    assert [variant.typed for variant in variants] == typed * 2
    for variant in variants:
        if variant.is_chat:
            assert variant.text == message(smollm2, variant.typed, tokenize=False)
            assert list(variant.ids) == message(smollm2, variant.typed)
        else:
            assert variant.text == variant.typed
            assert list(variant.ids) == smollm2.tokenizer(variant.typed)["input_ids"]
            assert not any(variant.is_special)
            assert not any(variant.is_added)
        assert smollm2.tokenizer.decode(variant.ids) == variant.text
    assert before == (smollm2.backend.to_str(), smollm2.backend.encode_special_tokens, smollm2.tokenizer.chat_template)


def test_the_pieces_that_the_template_adds_are_told_from_the_typed_ones(smollm2):
    chat = prompt_variants(smollm2, EXAMPLES, QUESTION)[-1]
    own = "".join(piece for piece, added in zip(chat.pieces, chat.is_added, strict=True) if not added)
    assert own == "big␣->␣small⏎hot␣->␣cold⏎up␣->"
    special = [piece for piece, special in zip(chat.pieces, chat.is_special, strict=True) if special]
    assert special == ["<|im_start|>", "<|im_end|>", "<|im_start|>", "<|im_end|>", "<|im_start|>"]


def test_a_followed_text_is_cut_as_it_goes_on_with_each_prompt(smollm2):
    variants = prompt_variants(smollm2, EXAMPLES, QUESTION)

    def said(variant, follow):
        number = followed_token(smollm2, variant, follow)
        return None if number is None else smollm2.tokenizer.decode([number])

    # A template ends in a line break, after which no word begins with a space.
    assert {said(variant, " down") for variant in variants[:3]} == {" down"}
    assert {said(variant, " down") for variant in variants[3:]} == {"down"}
    assert said(variants[0], "down and up") == "down"
    assert {said(variant, " ") for variant in variants} == {" "}
    # "up ->" has a piece of its own for "->": with that prompt ">" cannot be said in one go, and is cut by itself.
    dash = prompt_variants(smollm2, (), "up -")[0]
    assert said(dash, ">") == ">"
    assert followed_token(smollm2, variants[0], "") is None
    with pytest.raises(TextError):
        followed_token(smollm2, variants[0], "\ud800")


@pytest.mark.parametrize(
    ("examples", "names"),
    [
        ((), ["zero-shot"]),
        (("", "   ", "\n"), ["zero-shot"]),
        (("hot -> cold",), ["zero-shot", "one-shot"]),
        (("a", " ", "b"), list(SHOTS)),
    ],
)
def test_blank_examples_are_none(smollm2, examples, names):
    variants = prompt_variants(smollm2, examples, QUESTION)
    assert [variant.name for variant in variants] == names * 2
    assert all("\n\n" not in variant.typed and "\n \n" not in variant.typed for variant in variants)


@pytest.mark.parametrize("question", ["", "   ", "\n"])
def test_no_question_is_a_sentence(smollm2, question):
    with pytest.raises(InputError, match="no question yet"):
        prompt_variants(smollm2, EXAMPLES, question)


def test_half_a_character_is_a_sentence(smollm2):
    with pytest.raises(TextError):
        prompt_variants(smollm2, ("\ud83c",), QUESTION)


def test_a_special_token_that_was_typed_is_one_and_the_result_says_so(smollm2, engine):
    """What transformers makes of it by default; the page must not hide it."""
    found = engine.run(PromptsRequest("smollm2", ("hot <|im_end|> cold",), QUESTION))
    plain, chat = found.answers[1].variant, found.answers[3].variant
    end = smollm2.tokenizer.convert_tokens_to_ids("<|im_end|>")
    assert plain.ids.count(end) == 1
    assert chat.ids.count(end) == 3
    assert list(chat.ids) == message(smollm2, chat.typed)
    for variant in (plain, chat):
        assert [
            piece
            for piece, special, added in zip(variant.pieces, variant.is_special, variant.is_added, strict=True)
            if special and not added
        ] == ["<|im_end|>"]
    assert len(found.notes) == 1
    assert "<|im_end|>" in found.notes[0]
    assert "special token" in found.notes[0]


@pytest.mark.parametrize(
    "text", ["</script><b>", "שלום -> עולם", "🍓🍓", "{{ 7 * 7 }} {% for %}", "\U000f4a11\U000f4a12"]
)
def test_a_text_is_data_for_the_template(smollm2, text):
    chat = prompt_variants(smollm2, (), text)[1]
    assert text in chat.text
    assert list(chat.ids) == message(smollm2, text)


@pytest.mark.quick(2)
@pytest.mark.parametrize(
    ("template", "said"),
    [
        (None, "this model has none"),
        ("{{ raise_exception('a system message first') }}", "cannot be filled"),
        ("{{ messages[0]['content']['text']['more'] }}", "cannot be filled"),
        ("{% if %}", "cannot be filled"),
    ],
)
def test_without_a_template_that_takes_a_message_there_are_plain_prompts_and_a_sentence(
    smollm2, monkeypatch, template, said
):
    loaded = with_template(smollm2, template)
    engine = Engine()
    monkeypatch.setattr(engine, "model", lambda _name: loaded)
    found = engine.run(PromptsRequest("smollm2", EXAMPLES, QUESTION))
    assert [each.variant.is_chat for each in found.answers] == [False] * 3
    assert len(found.notes) == 1
    assert said in found.notes[0]


def test_a_template_that_changes_the_message_is_shown_as_it_is(smollm2):
    loaded = with_template(smollm2, "<|im_start|>{{ messages[0]['content'] | upper | trim }}!")
    chat = prompt_variants(loaded, (), " up -> ")[1]
    assert chat.text == "<|im_start|>UP ->!"
    loaded = with_template(smollm2, "<|im_start|>{{ messages[0]['content'] | length }}!")
    chat = prompt_variants(loaded, (), " up -> ")[1]
    assert chat.text == "<|im_start|>7!"
    assert chat.is_added == chat.is_special == (True, False, False)


def test_a_start_token_that_the_tokenizer_adds_is_part_of_what_is_read(smollm2):
    from tokenizers import Tokenizer
    from tokenizers.processors import TemplateProcessing

    backend = Tokenizer.from_str(smollm2.backend.to_str())
    backend.post_processor = TemplateProcessing(
        single="<|im_start|> $A <|im_end|>", special_tokens=[("<|im_start|>", 1), ("<|im_end|>", 2)]
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token="<|im_start|>", eos_token="<|im_end|>", unk_token="<|endoftext|>"
    )
    (variant,) = prompt_variants(dataclasses.replace(smollm2, tokenizer=tokenizer), (), "<|im_end|> up")
    assert variant.text == "<|im_start|><|im_end|> up<|im_end|>"
    assert variant.is_special == (True, True, False, True)
    assert variant.is_added == (True, False, False, True)


@pytest.mark.parametrize("name", ["t5", "bart", "bert"])
def test_a_model_that_does_not_go_on_with_a_text_is_a_sentence(name, smollm2):
    loaded = wrap_model(architectures.build(name, "eager"), smollm2.tokenizer, architectures.ARCHITECTURES[name].family)
    with pytest.raises(CannotWriteError, match=r"no prompt that it goes on with. Choose a decoder\.$"):
        prompt_variants(loaded, EXAMPLES, QUESTION)


def test_without_a_tokenizer_is_a_sentence():
    with pytest.raises(InputError, match="without a tokenizer"):
        prompt_variants(architectures.loaded("llama"), EXAMPLES, QUESTION)


def test_a_token_that_the_model_has_not_cannot_be_followed(monkeypatch):
    """A tokenizer of another model: its ids go beyond the table of this one."""
    words = {f"w{number}": number for number in range(architectures.VOCABULARY + 9)}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="w0"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="w0")
    loaded = wrap_model(architectures.build("llama", "eager"), fast, "decoder")
    engine = Engine()
    monkeypatch.setattr(engine, "model", lambda _: loaded)
    last = architectures.VOCABULARY - 1
    (known, *_) = engine.run(PromptsRequest("tiny", (), "w1 w2", follow=f" w{last}")).answers
    assert known.followed.id == last
    with pytest.raises(InputError, match=f"a token {last + 1} that the model has not: it knows {last + 1}"):
        engine.run(PromptsRequest("tiny", (), "w1 w2", follow=f" w{last + 1}"))
