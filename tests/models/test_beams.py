"""Beam search: transformers' result, and our record of how it came about."""

from contextlib import contextmanager

import pytest
import torch

from models.decoding import SettingsError, beam_search
from tests.models.test_decoding import PROMPT, ours, plain

NAMES = ("gpt2", "llama", "mistral", "gemma3", "t5", "bart", "marian")


@pytest.mark.parametrize("name", NAMES)
def test_beams_are_those_of_generate(name):
    found = beam_search(ours(name), PROMPT, beams=3, max_new_tokens=12, length_penalty=0.7)
    ids = torch.tensor([PROMPT])
    model = plain(name)
    expected = model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        num_beams=3,
        num_return_sequences=3,
        max_new_tokens=12,
        length_penalty=0.7,
        early_stopping=False,
        do_sample=False,
        pad_token_id=0,
        output_scores=True,
        return_dict_in_generate=True,
    )
    before = 1 if model.config.is_encoder_decoder else len(PROMPT)
    assert [beam.ids for beam in found.beams] == [tuple(row) for row in expected.sequences[:, before:].tolist()]
    assert [beam.score for beam in found.beams] == pytest.approx(expected.sequences_scores.tolist(), abs=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_each_step_holds_the_running_beams_with_their_own_sums(name):
    found = beam_search(ours(name), PROMPT, beams=3, max_new_tokens=6)
    assert [len(step) for step in found.steps] == [1, *[3] * 5]
    model = plain(name)
    for step in found.steps[1:]:
        sums = [beam.log_probability for beam in step]
        assert sums == sorted(sums, reverse=True)
        for beam in step:
            with torch.inference_mode():
                if model.config.is_encoder_decoder:
                    target = torch.tensor([[model.config.decoder_start_token_id, *beam.ids]])
                    logits = model(input_ids=torch.tensor([PROMPT]), decoder_input_ids=target).logits[0, :-1]
                else:
                    logits = model(input_ids=torch.tensor([[*PROMPT, *beam.ids]])).logits[0, len(PROMPT) - 1 : -1]
            shares = torch.log_softmax(logits.float(), -1)[range(len(beam.ids)), list(beam.ids)]
            assert beam.log_probability == pytest.approx(float(shares.sum()), abs=2e-3)


def test_others_may_compute_between_two_steps():
    log = []

    @contextmanager
    def turn():
        log.append("in")
        try:
            yield
        finally:
            log.append("out")

    beam_search(ours("t5"), PROMPT, beams=2, max_new_tokens=4, turn=turn)
    assert log == ["in", "out"] * 5


@pytest.mark.parametrize("wrong", [{"beams": 1}, {"beams": 17}, {"max_new_tokens": 0}])
def test_settings_outside_their_range_are_refused(wrong):
    with pytest.raises(SettingsError):
        beam_search(ours("t5"), PROMPT, **wrong)
