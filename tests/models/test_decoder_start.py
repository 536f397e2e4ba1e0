"""With what the decoder of a seq2seq model begins, as `generate` decides it."""

import copy
from types import SimpleNamespace

import pytest
import torch
import transformers

from models.decoder_start import NoDecoderStartError, decoder_start
from models.decoding import DecodingSettings, beam_search, decode
from models.loading import wrap_model
from tests.models import architectures
from tests.models.architectures import IDS
from tests.models.generated import generated
from tests.models.test_predicted_caches import T5, encoder_decoder, model_of


def told(generation=None, config=None, decoder=None):
    """A model of which only this is looked at."""
    nested = SimpleNamespace(**(decoder or {}))
    own = SimpleNamespace(**(config or {}), get_text_config=lambda decoder: nested)
    return SimpleNamespace(generation_config=SimpleNamespace(**(generation or {})), config=own)


@pytest.mark.parametrize(
    ("model", "start"),
    [
        (told({"decoder_start_token_id": 0, "bos_token_id": 2}), 0),
        (told({"decoder_start_token_id": 5}, {"decoder_start_token_id": 6}), 5),
        (told({"decoder_start_token_id": None}, {"decoder_start_token_id": 6}), 6),
        (told({"decoder_start_token_id": None, "bos_token_id": 2}), 2),
        (told({}, {"bos_token_id": 3}), 3),
        (told({"bos_token_id": 2}, {}, {"decoder_start_token_id": 7}), 7),
        (told({}, {}, {"bos_token_id": 4}), 4),
        (told({"decoder_start_token_id": [8, 9]}), 8),
    ],
)
def test_where_it_is_looked_for(model, start):
    assert decoder_start(model) == start


def test_a_model_that_does_not_say_is_a_sentence():
    """`generate` raises a bare ValueError for it, and reading the config's field an AttributeError."""
    config = transformers.T5Config(**{**T5, "decoder_start_token_id": None}, num_layers=2, num_decoder_layers=2)
    loaded = wrap_model(transformers.T5ForConditionalGeneration(config).eval(), None, "seq2seq")
    for asked in (
        lambda: next(decode(loaded, IDS)),
        lambda: beam_search(loaded, IDS),
        lambda: decoder_start(loaded.model),
    ):
        with pytest.raises(NoDecoderStartError, match="does not say with which token its decoder begins"):
            asked()


@pytest.mark.parametrize("name", ["a decoder with a window", "two models in one"])
@pytest.mark.parametrize("kept", ["dynamic", "none"])
def test_it_writes_what_generate_writes(name, kept):
    """T5Gemma has no field for it, and an EncoderDecoderModel may have it in its decoder alone."""
    model = copy.deepcopy(model_of(name))
    ids = torch.tensor([IDS])
    expected = generated(model, ids, max_new_tokens=10, no_repeat_ngram_size=1).sequences[0, 1:].tolist()
    loaded = wrap_model(model, None, "seq2seq")
    settings = DecodingSettings(10, cache=kept, no_repeat_ngram_size=1)
    assert [step.token_id for step in decode(loaded, IDS, settings)] == expected
    assert [step.token_id for step in decode(loaded, IDS, settings, written=expected[:4])] == expected[4:]
    assert len(beam_search(loaded, IDS, beams=2, max_new_tokens=3).beams) == 2


def test_only_the_decoder_says_it():
    config = encoder_decoder()
    config.decoder_start_token_id = None
    model = transformers.EncoderDecoderModel(config=config).eval()
    assert decoder_start(model) == config.decoder.bos_token_id == 2
    loaded = wrap_model(model, None, "seq2seq")
    assert next(decode(loaded, IDS, DecodingSettings(1))).index == 0


def test_every_architecture_here_says_it():
    for name in architectures.SEQ2SEQ:
        model = architectures.loaded(name).model
        assert decoder_start(model) == model.config.decoder_start_token_id
