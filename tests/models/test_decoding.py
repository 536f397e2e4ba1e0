"""The one decoding loop, against transformers' own `generate`."""

import copy
from contextlib import contextmanager
from functools import cache

import numpy as np
import pytest
import torch
import transformers

from models.attention import InputError
from models.catalog import MODELS
from models.decoding import CannotWriteError, DecodingSettings, SettingsError, decode, decode_batch
from models.loading import wrap_model
from models.loading.packs import prepared_folder
from models.tokenization import TextStream
from tests.models import architectures

WRITERS = (*architectures.DECODERS, *architectures.SEQ2SEQ)
PROMPT = (11, 23, 5, 42, 17, 5, 31, 60, 9)
OTHERS = ((8, 8, 44), (51, 20, 33, 14, 7, 6, 5, 4, 22, 19, 37, 40))
TOKENS = 64
# How far the random weights lie from nought, and their seed: as the others are, these say one token for ever.
SPREAD = {"deepseek_v3": 0.6, "bart": 1.2, "marian": 1.2}
SEED = {"bart": 1, "marian": 1}
CACHES = ("dynamic", "static", "none")


@cache
def model_of(name, implementation):
    """A model with the same random weights each time, with room for 128 positions, that does not end by itself."""
    architecture = architectures.ARCHITECTURES[name]
    config = architecture.config()
    if hasattr(config, "max_position_embeddings"):
        config.max_position_embeddings = 128
    # With one matrix for both ends, many a random model says the token that it just read for ever.
    config.tie_word_embeddings = False
    model = getattr(transformers, architecture.model)._from_config(config, attn_implementation=implementation)
    draw = torch.Generator().manual_seed(SEED.get(name, sum(map(ord, name))))
    with torch.no_grad():
        for path, parameter in model.named_parameters():
            if parameter.requires_grad:
                middle = 1 if parameter.dim() == 1 and path.endswith("weight") else 0
                spread = SPREAD.get(name, 0.3) * (0.05 if path.endswith("bias") else 1)
                parameter.copy_(torch.randn(parameter.shape, generator=draw) * spread + middle)
    model.generation_config.eos_token_id = None
    model.generation_config.forced_eos_token_id = None
    return model.eval()


def plain(name):
    return model_of(name, "sdpa" if architectures.ARCHITECTURES[name].supports_sdpa else "eager")


@cache
def ours(name):
    return wrap_model(copy.deepcopy(model_of(name, "eager")), None, architectures.ARCHITECTURES[name].family)


def generated(model, ids, **more):
    """What `generate` writes after the prompt, or after the start token."""
    ids = torch.tensor([ids])
    before = 1 if model.config.is_encoder_decoder else ids.shape[1]
    settings = {"do_sample": False, "num_beams": 1, "max_new_tokens": TOKENS, "pad_token_id": 0} | more
    return model.generate(ids, attention_mask=torch.ones_like(ids), **settings)[0, before:].tolist()


def written(loaded, ids, **settings):
    return [step.token_id for step in decode(loaded, ids, DecodingSettings(**({"max_new_tokens": TOKENS} | settings)))]


@pytest.mark.quick(3)
@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("kept", CACHES)
def test_greedy_is_what_generate_writes(name, kept):
    expected = generated(plain(name), PROMPT)
    assert len(set(expected)) > 1, "a model that repeats one token tells nothing"
    assert written(ours(name), PROMPT, cache=kept) == expected


@pytest.mark.parametrize("name", WRITERS)
def test_what_a_model_asks_for_itself_is_heeded(name):
    """End tokens and forced last tokens (BART, Marian) as the config has them."""
    expected = generated(architectures.plain(name), PROMPT, max_new_tokens=12)
    assert written(architectures.loaded(name), PROMPT, max_new_tokens=12) == expected


@pytest.mark.quick(3)
@pytest.mark.parametrize("name", WRITERS)
def test_probabilities_with_and_without_cache_agree(name):
    steps = {
        kept: list(decode(ours(name), PROMPT, DecodingSettings(max_new_tokens=24, cache=kept)))
        for kept in ("dynamic", "none")
    }
    shares = {kept: np.array([step.probability for step in row]) for kept, row in steps.items()}
    assert np.abs(shares["dynamic"] - shares["none"]).max() < 1e-4
    ids = torch.tensor([[*PROMPT, *(step.token_id for step in steps["none"])]])
    model = plain(name)
    with torch.inference_mode():
        if model.config.is_encoder_decoder:
            start = model.config.decoder_start_token_id
            target = torch.tensor([[start, *(step.token_id for step in steps["none"])]])
            logits = model(input_ids=torch.tensor([PROMPT]), decoder_input_ids=target).logits[0, :-1]
        else:
            logits = model(input_ids=ids).logits[0, len(PROMPT) - 1 : -1]
    expected = torch.softmax(logits, -1)[range(24), [step.token_id for step in steps["none"]]].numpy()
    assert np.abs(shares["dynamic"] - expected).max() < 1e-4


@pytest.mark.quick(3)
@pytest.mark.parametrize("name", WRITERS)
def test_a_batch_says_what_each_row_says_alone(name):
    prompts = (PROMPT, *OTHERS)
    settings = [
        DecodingSettings(max_new_tokens=12),
        DecodingSettings(max_new_tokens=20, temperature=1.3, seed=7),
        DecodingSettings(max_new_tokens=5, temperature=0.8, seed=8),
    ]
    rows = list(zip(*decode_batch(ours(name), prompts, settings), strict=True))
    for prompt, one, row in zip(prompts, settings, rows, strict=True):
        alone = list(decode(ours(name), prompt, one))
        together = [step for step in row if step is not None]
        assert [step.token_id for step in together] == [step.token_id for step in alone]
        assert np.allclose([step.probability for step in together], [step.probability for step in alone], atol=1e-4)
        assert [step.index for step in together] == list(range(one.max_new_tokens))
        assert all(step is None for step in row[one.max_new_tokens :])
    assert len(rows[0]) == 20


def test_one_prompt_with_several_settings():
    settings = [DecodingSettings(max_new_tokens=6, temperature=1.0, seed=seed) for seed in range(4)]
    rows = list(zip(*decode_batch(ours("llama"), [PROMPT], settings), strict=True))
    texts = [[step.token_id for step in row] for row in rows]
    assert len(texts) == 4
    assert len(set(map(tuple, texts))) == 4
    assert texts[2] == written(ours("llama"), PROMPT, max_new_tokens=6, temperature=1.0, seed=2)


def test_the_end_token_ends_a_row_and_the_others_go_on():
    model = copy.deepcopy(model_of("llama", "eager"))
    loaded = wrap_model(model, None, "decoder")
    free = written(loaded, PROMPT, max_new_tokens=16)
    model.generation_config.eos_token_id = [free[3], 63]
    rows = list(zip(*decode_batch(loaded, (PROMPT, OTHERS[0]), DecodingSettings(max_new_tokens=16)), strict=True))
    ended = free.index(free[3])
    assert rows[0][ended].ends == "end token"
    assert all(step.ends is None for step in rows[0][:ended])
    assert [step.token_id for step in rows[0] if step] == generated(model, PROMPT, max_new_tokens=16)
    assert [step.token_id for step in rows[1] if step] == generated(model, OTHERS[0], max_new_tokens=16)


def test_a_seed_draws_the_same_tokens_and_leaves_the_global_state_alone():
    before = torch.random.get_rng_state()
    first = written(ours("gpt2"), PROMPT, temperature=1.5, seed=3)
    assert written(ours("gpt2"), PROMPT, temperature=1.5, seed=3) == first
    assert written(ours("gpt2"), PROMPT, temperature=1.5, seed=4) != first
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.slow
def test_draws_follow_the_distribution():
    loaded = ours("gpt2")
    with torch.inference_mode():
        logits = plain("gpt2")(input_ids=torch.tensor([PROMPT])).logits[0, -1].double()
    expected = torch.softmax(logits / 2.5, -1).numpy()
    draws = 3_000
    settings = [DecodingSettings(max_new_tokens=1, temperature=2.5, seed=seed) for seed in range(draws)]
    (row,) = decode_batch(loaded, [PROMPT], settings)
    counts = np.bincount([step.token_id for step in row if step], minlength=len(expected))
    # Cells with fewer than five expected draws together are one cell, as the chi-square test wants it.
    large = expected * draws >= 5
    seen = [*counts[large], counts[~large].sum()]
    wanted = [*(expected[large] * draws), expected[~large].sum() * draws]
    chi_square = sum((one - other) ** 2 / other for one, other in zip(seen, wanted, strict=True) if other > 0)
    freedom = len(seen) - 1
    # Six standard deviations above the mean of the chi-square distribution.
    assert chi_square < freedom + 6 * np.sqrt(2 * freedom)


def test_the_positions_of_a_model_end_the_text_and_say_so():
    loaded = ours("gpt2")
    prompt = tuple(range(4, 60)) * 2
    steps = list(decode(loaded, prompt, DecodingSettings(max_new_tokens=50)))
    assert len(steps) == 128 - len(prompt)
    assert steps[-1].ends == "positions"
    with pytest.raises(InputError, match="fills all 128 positions"):
        next(decode(loaded, (5,) * 128, DecodingSettings()))


def test_each_forward_takes_a_turn_and_none_is_held_between_steps():
    inside, turns = 0, 0

    @contextmanager
    def lock():
        nonlocal inside, turns
        inside, turns = inside + 1, turns + 1
        try:
            yield
        finally:
            inside -= 1

    for _ in decode(ours("t5"), PROMPT, DecodingSettings(max_new_tokens=5), lock=lock):
        assert inside == 0
    assert turns == 6, "five tokens, and the encoder"


def test_nothing_is_left_on_a_shared_model():
    loaded = ours("llama")
    before = {name: repr(value) for name, value in vars(loaded.model).items() if not name.startswith("_modules")}
    settings = repr(loaded.model.generation_config.to_dict())
    for kept in CACHES:
        written(loaded, PROMPT, max_new_tokens=3, cache=kept)
    after = {name: repr(value) for name, value in vars(loaded.model).items() if not name.startswith("_modules")}
    assert after == before
    assert repr(loaded.model.generation_config.to_dict()) == settings


def test_an_encoder_says_that_it_does_not_write():
    with pytest.raises(CannotWriteError, match="writes none"):
        next(decode(architectures.loaded("bert"), PROMPT))


@pytest.mark.parametrize(
    "wrong",
    [{"max_new_tokens": 0}, {"temperature": -0.1}, {"temperature": float("nan")}, {"seed": -1}],
)
def test_settings_outside_their_range_are_refused(wrong):
    with pytest.raises(SettingsError):
        DecodingSettings(**wrong)


def test_prompts_and_settings_that_do_not_fit_are_refused():
    two = [DecodingSettings()] * 2
    with pytest.raises(SettingsError, match="3 prompts and 2 settings"):
        next(decode_batch(ours("gpt2"), [PROMPT] * 3, two))
    with pytest.raises(SettingsError, match="share one cache"):
        next(decode_batch(ours("gpt2"), [PROMPT], [DecodingSettings(), DecodingSettings(cache="none")]))
    with pytest.raises(InputError):
        next(decode(ours("gpt2"), ()))


def test_smollm2_writes_what_generate_writes(smollm2):
    text = "The capital of France is"
    ids = smollm2.tokenizer(text)["input_ids"]
    folder = prepared_folder(MODELS["smollm2"])
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    expected = generated(model, ids)
    steps = list(decode(smollm2, text, DecodingSettings(max_new_tokens=TOKENS)))
    assert [step.token_id for step in steps] == expected
    said = "".join(step.text for step in steps)
    assert text + said == smollm2.tokenizer.decode([*ids, *expected], skip_special_tokens=True)
    assert "Paris" in said


def test_a_character_cut_in_pieces_is_said_when_it_is_whole(smollm2):
    text = "🍓 café 🇫🇷 — สวัสดี"
    ids = smollm2.tokenizer(text)["input_ids"]
    stream = TextStream(smollm2.tokenizer, ids[:1])
    added = [stream.add(token, is_last=place == len(ids) - 2) for place, token in enumerate(ids[1:])]
    before = smollm2.tokenizer.decode(ids[:1])
    assert (before + "".join(added)).replace("\N{REPLACEMENT CHARACTER}", "") in (text, text[1:])
    assert "" in added
    assert not any("\N{REPLACEMENT CHARACTER}" in each for each in added)
    cut = TextStream(smollm2.tokenizer, ids[:4])
    assert cut.add(smollm2.tokenizer("🍓")["input_ids"][0], is_last=True).endswith("\N{REPLACEMENT CHARACTER}")


def test_a_tokenizer_without_a_fast_backend_adds_up_to_the_same_text():
    class Slow:
        """What `TextStream` asks of a tokenizer such as Marian's."""

        def decode(self, ids, skip_special_tokens):
            return bytes(each for each in ids if each).decode("utf-8", "replace")

    data = list("aé🍓z".encode())
    stream = TextStream(Slow(), data[:1])
    added = [stream.add(each, is_last=place == len(data) - 2) for place, each in enumerate(data[1:])]
    assert "".join(added) == "é🍓z"
    assert added[:2] == ["", "é"]
