"""Beam search: transformers' result, and our record of how it came about."""

import copy
from contextlib import contextmanager
from functools import cache

import pytest
import torch
import transformers

from models.decoding import BeamSearchRequest, SettingsError, beam_search
from models.engine import Engine
from models.loading import load_model, wrap_model
from tests.models import architectures
from tests.models.generated import generated
from tests.models.test_decoding import PROMPT, model_of, ours, plain

NAMES = ("gpt2", "llama", "mistral", "gemma3", "t5", "bart", "marian")


@pytest.mark.parametrize("name", NAMES)
def test_beams_are_those_of_generate(name):
    found = beam_search(ours(name), PROMPT, beams=3, max_new_tokens=12, length_penalty=0.7)
    expected = generated_beams(plain(name), PROMPT, 3, 12, length_penalty=0.7, early_stopping=False)
    assert [beam.ids for beam in found.beams] == [tuple(row) for row in expected.sequences.tolist()]
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
    def lock():
        log.append("in")
        try:
            yield
        finally:
            log.append("out")

    beam_search(ours("t5"), PROMPT, beams=2, max_new_tokens=4, lock=lock)
    assert log == ["in", "out"] * 5


@pytest.mark.parametrize(
    "wrong",
    [{"beams": 1}, {"beams": 17}, {"max_new_tokens": 0}, {"length_penalty": float("nan")}, {"length_penalty": -5.1}],
)
def test_settings_outside_their_range_are_refused(wrong):
    with pytest.raises(SettingsError):
        beam_search(ours("t5"), PROMPT, **wrong)


ENDING = ("llama", "gemma3", "t5", "bart", "marian")
WAYS = ((-0.8, False), (0, True), (2, "never"), (1.0, False))
BEAMS, LONGEST = 3, 8


@cache
def with_ends(name):
    """A model whose end tokens are two of those that its beams come across."""
    open_ended = beam_search(ours(name), PROMPT, beams=BEAMS, max_new_tokens=LONGEST)
    model = copy.deepcopy(model_of(name, "eager"))
    model.generation_config.eos_token_id = [open_ended.candidates[1][1].token_id, open_ended.candidates[3][3].token_id]
    return wrap_model(model, None, architectures.ARCHITECTURES[name].family)


class Spy:
    """What transformers' own functions take and give while it searches."""

    def __init__(self, model, monkeypatch):
        self.considered, self.finished, self.running = [], set(), []
        for name, told in (
            ("_get_top_k_continuations", self.on_candidates),
            ("_update_finished_beams", self.on_finished),
            ("_get_running_beams_for_next_iteration", self.on_running),
        ):
            real = getattr(model, name)
            monkeypatch.setattr(model, name, lambda real=real, told=told, **given: told(given, real(**given)))

    def on_candidates(self, given, found):
        (sums,), (rows,), _ = found
        self.begins, self.length = given["decoder_prompt_len"], given["cur_len"] + 1
        rows = map(tuple, rows[:, self.begins : self.length].tolist())
        self.considered.append(list(zip(rows, sums.tolist(), strict=True)))
        return found

    def on_running(self, given, found):
        (rows,), (sums,), _ = found
        rows = map(tuple, rows[:, self.begins : self.length].tolist())
        self.running.append(dict(zip(rows, sums.tolist(), strict=True)))
        return found

    def on_finished(self, given, found):
        took_part = given["next_token_hits_stopping_criteria"][0] & given["top_num_beam_mask"]
        rows = given["topk_running_sequences"][0, :, self.begins : self.length].tolist()
        self.finished |= {tuple(row) for row, did in zip(rows, took_part.tolist(), strict=True) if did}
        return found


@pytest.mark.quick(4)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ENDING)
def test_the_tree_is_what_transformers_went_through(name, way, monkeypatch):
    loaded = with_ends(name)
    spy = Spy(loaded.model, monkeypatch)
    found = beam_search(
        loaded, PROMPT, beams=BEAMS, max_new_tokens=LONGEST, length_penalty=way[0], early_stopping=way[1]
    )
    ours_too = [[(each.ids, each.log_probability) for each in step] for step in found.candidates]
    # What a forced end makes impossible is the library's, to have enough; it is no candidate.
    assert ours_too == [[each for each in step if each[1] > -1e8] for step in spy.considered]
    everyone = [each for step in found.candidates for each in step]
    assert {each.ids for each in everyone if each.outcome == "finished"} == spy.finished & {
        each.ids for each in everyone
    }
    for step, after in zip(found.candidates[:-1], spy.running, strict=False):
        kept = {each.ids: each.log_probability for each in step if each.outcome == "kept"}
        assert kept == after


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ENDING)
def test_beams_that_end_are_those_of_generate(name, way):
    loaded = with_ends(name)
    settings = {"length_penalty": way[0], "early_stopping": way[1]}
    expected = generated_beams(loaded.model, PROMPT, **settings)
    found = beam_search(loaded, PROMPT, beams=BEAMS, max_new_tokens=LONGEST, **settings)
    ends = loaded.model.generation_config.eos_token_id
    cut = [tuple(until(row, ends)) for row in expected.sequences.tolist()]
    assert [beam.ids for beam in found.beams] == cut
    assert [beam.score for beam in found.beams] == pytest.approx(expected.sequences_scores.tolist(), rel=1e-5)
    for beam in found.beams:
        assert beam.score == pytest.approx(beam.log_probability / len(beam.ids) ** way[0])


def generated_beams(model, ids, beams=BEAMS, longest=LONGEST, **settings):
    """What `generate` returns, its sequences without the prompt."""
    ids = torch.tensor([ids])
    rows = {"num_beams": beams, "num_return_sequences": beams, "output_scores": True}
    found = generated(model, ids, max_new_tokens=longest, **rows, **settings)
    found.sequences = found.sequences[:, 1 if model.config.is_encoder_decoder else ids.shape[1] :]
    return found


def until(row, ends):
    for place, token in enumerate(row):
        if token in ends:
            return row[: place + 1]
    return row


def walk(found, beams):
    """Each returned beam from the root through kept candidates to where it finished, and what cannot be an ancestor."""
    by_ids = {each.ids: (step, each) for step, considered in enumerate(found.candidates) for each in considered}
    assert len(by_ids) == sum(map(len, found.candidates)), "a candidate stands once in the tree"
    for place, beam in enumerate(found.beams):
        for length in range(1, len(beam.ids) + 1):
            step, each = by_ids[beam.ids[:length]]
            assert step == length - 1
            assert place in each.leads_to
            assert each.outcome == ("kept" if length < len(beam.ids) else "finished")
        assert each.place == place
        assert (each.log_probability, each.score) == (beam.log_probability, beam.score)
    for step, considered in enumerate(found.candidates):
        assert [each.rank for each in considered] == sorted(each.rank for each in considered)
        sums = [each.log_probability for each in considered]
        assert sums == sorted(sums, reverse=True)
        kept = [each for each in considered if each.outcome == "kept"]
        assert len(kept) == (beams if step < len(found.candidates) - 1 else 0)
        if kept:
            running = {beam.ids: beam.log_probability for beam in found.steps[step + 1]}
            assert {each.ids: each.log_probability for each in kept} == pytest.approx(running, abs=1e-4)
        for each in considered:
            if each.parent:
                _, parent = by_ids[each.parent]
                assert parent.outcome == "kept"
                assert each.log_probability == pytest.approx(parent.log_probability + each.token_log_probability)
            assert each.is_on_the_winners_way == (found.beams[0].ids[: len(each.ids)] == each.ids)
            assert (each.score is None) == (each.outcome != "finished")
            assert not (each.is_end and each.outcome == "kept")
            if each.outcome == "finished":
                assert each.is_end or len(each.ids) == len(found.candidates)
            if each.outcome == "dropped":
                assert not each.leads_to
                assert not any(later[: len(each.ids)] == each.ids for later in by_ids if len(later) > len(each.ids))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ENDING)
def test_every_returned_beam_can_be_walked_from_the_beginning(name, way):
    found = beam_search(
        with_ends(name), PROMPT, beams=BEAMS, max_new_tokens=LONGEST, length_penalty=way[0], early_stopping=way[1]
    )
    walk(found, BEAMS)
    assert len({each.outcome for step in found.candidates for each in step}) == 3


def test_a_finished_beam_that_better_ones_pushed_out_stays_in_the_tree():
    beaten = 0
    for name in ENDING:
        found = beam_search(with_ends(name), PROMPT, beams=BEAMS, max_new_tokens=LONGEST, length_penalty=2)
        finished = [each for step in found.candidates for each in step if each.outcome == "finished"]
        assert sorted(each.place for each in finished if not each.is_beaten) == list(range(BEAMS))
        worst = found.beams[-1].score
        assert all(each.score is not None and each.score <= worst for each in finished if each.is_beaten)
        beaten += sum(each.is_beaten for each in finished)
    assert beaten, "nothing was pushed out: this test saw nothing"


def test_without_an_end_token_what_finishes_ends_at_the_length():
    found = beam_search(ours("gpt2"), PROMPT, beams=BEAMS, max_new_tokens=LONGEST)
    walk(found, BEAMS)
    assert [len(step) for step in found.candidates] == [2 * BEAMS] * LONGEST
    assert all(each.outcome != "finished" for step in found.candidates[:-1] for each in step)
    assert [each.outcome for each in found.candidates[-1]] == ["finished"] * BEAMS + ["dropped"] * BEAMS


def test_early_stopping_stops_earlier():
    counts = {
        way: len(beam_search(with_ends("t5"), PROMPT, beams=2, max_new_tokens=40, early_stopping=way).candidates)
        for way in (True, False, "never")
    }
    assert counts[True] <= counts[False] <= counts["never"]
    assert counts[True] < counts["never"]


def test_smollm2_searches_as_generate_does(smollm2):
    text = "The capital of France is"
    found = beam_search(smollm2, text, beams=4, max_new_tokens=5, length_penalty=0.5)
    ids = smollm2.tokenizer(text)["input_ids"]
    expected = generated_beams(smollm2.model, ids, 4, 5, length_penalty=0.5, early_stopping=False)
    assert [beam.ids for beam in found.beams] == [tuple(row) for row in expected.sequences.tolist()]
    assert [beam.score for beam in found.beams] == pytest.approx(expected.sequences_scores.tolist(), rel=1e-4)
    walk(found, 4)
    before = smollm2.tokenizer.decode(ids)
    for each in (each for step in found.candidates for each in step):
        assert before + each.text == smollm2.tokenizer.decode([*ids, *each.ids], skip_special_tokens=True)
        assert each.piece == smollm2.pieces([each.token_id])[0]


def test_a_word_is_spelled_to_its_end():
    loaded = load_model("spelling_to_sound")
    found = engine_answer(loaded, BeamSearchRequest("spelling_to_sound", "knight", 16, 24, 0, "never"))
    walk(found, 16)
    assert found.beams[0].text.split() == ["N", "AY1", "T"]
    assert len(found.candidates[-1]) >= 16


def engine_answer(loaded, request):
    engine = Engine()
    engine._models.get(request.model, lambda: loaded)
    return request.answer(engine)


@pytest.mark.parametrize("beams", [2, 16])
def test_more_beams_than_the_first_step_has_tokens(beams):
    """A forced first token leaves one candidate: the copies that the library fills up with are not shown."""
    loaded = wrap_model(copy.deepcopy(model_of("bart", "eager")), None, "seq2seq")
    loaded.model.generation_config.forced_bos_token_id = 7
    found = beam_search(loaded, PROMPT, beams=beams, max_new_tokens=3)
    assert [each.token_id for each in found.candidates[0]] == [7]
    assert [each.outcome for each in found.candidates[0]] == ["kept"]
    assert [len(step) for step in found.steps] == [1, 1, beams]


@pytest.mark.parametrize("ends", [(3,), (0, 1, 3, 4)])
def test_more_beams_than_the_vocabulary_has_tokens(ends):
    """The library fills up with copies, and with beams that have ended; neither is a candidate, nor has children."""
    config = architectures.ARCHITECTURES["llama"].config()
    config.vocab_size = 6
    draw = torch.Generator().manual_seed(5)
    model = transformers.LlamaForCausalLM._from_config(config, attn_implementation="eager").eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=draw) * 0.5)
    model.generation_config.eos_token_id = list(ends)
    found = beam_search(wrap_model(model, None, "decoder"), (1, 4, 2), beams=8, max_new_tokens=4)
    assert sorted(each.token_id for each in found.candidates[0]) == list(range(6))
    assert sorted(each.token_id for each in found.candidates[0] if each.outcome == "finished") == list(ends)
    assert len(found.steps[1]) == 6 - len(ends)
    everyone = [each for step in found.candidates for each in step]
    assert len({each.ids for each in everyone}) == len(everyone)
    assert all(set(ends).isdisjoint(each.parent) for each in everyone)
    expected = generated_beams(model, [1, 4, 2], 8, 4)
    assert [beam.ids for beam in found.beams] == [tuple(until(row, ends)) for row in expected.sequences.tolist()]
