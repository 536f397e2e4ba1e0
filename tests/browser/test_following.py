"""The stages as the picture computes them while a knob is dragged are those of the server, which are transformers'."""

import base64
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from models.decoding import (
    SCORE_STAGES,
    DecodingSettings,
    SamplingStagesRequest,
    ScoresRequest,
    end_in_score_stages,
)
from models.decoding.masked_token import MaskedToken, stub_writer
from models.decoding.stages import _next_token, stages_after
from models.engine import Engine, engine
from pages.sampling.knobs import KNOBS
from tests.one_thread import one_thread
from viz.components.next_token import _PARTS, LiveStages, NextTokenPicture, StageChip, packed
from viz.components.scaffold import skeleton
from viz.components.scaffold.bundling import browser_source
from viz.components.step_scores import packed as packed_scores

FIELDS = {knob.stage: knob.field for knob in KNOBS if knob.stage in SCORE_STAGES}
HISTORY = (3, 7, 3, 11, 7, 3)
# What each of the four is dragged to, ends and beyond them included, and what the others stand at.
DRAGGED = {
    "temperature": (0, 0.01, 0.05, 0.3, 0.7, 0.95, 1, 1.05, 1.5, 2, 100),
    "top-k": (0, 1, 2, 7, 40, 200, 1_000_000),
    "top-p": (0.001, 0.1, 0.5, 0.8, 0.9, 0.95, 0.999, 1),
    "min-p": (0, 0.001, 0.01, 0.05, 0.2, 0.5, 0.999),
}
OTHERS = {
    "typical": (1, 1, 0.2, 0.9),
    "top-h": (1, 1, 0.3, 0.9),
    "epsilon": (0, 0, 0.0003, 0.02),
    "eta": (0, 0, 0.0003, 0.02),
}
MOUNT = """async ([script, html, picture, scores]) => {
  const bytes = (text) => Uint8Array.from(atob(text), (each) => each.charCodeAt(0))
  document.body.innerHTML = html
  const name = URL.createObjectURL(new Blob([script], { type: "text/javascript" }))
  const { default: mount } = await import(name)
  mount({ data: bytes(picture), parentElement: document.body, setTriggerValue() {} })
  const arriving = headlight.scores.get("next_token")
  arriving.data = bytes(scores)
  arriving.arrived()
}"""
FOLLOWS = "() => document.querySelector('.next-token').headlight?.follows()"
DRAG = """async ([settings, ranks]) => {
  const root = document.querySelector(".next-token"), knobs = headlight.knobs.get("next_token"), found = []
  const frame = () => new Promise(requestAnimationFrame)
  for (const values of settings) {
    knobs.values = values
    knobs.moved()
    await frame()
    const rows = Object.keys(root.headlight.survivors())
    found.push({
      by: root.dataset.by,
      survivors: root.headlight.survivors(),
      curves: rows.map((stage) => ranks.map((rank) => root.headlight.value(stage, rank))),
      tokens: root.headlight.tokens().map(({ share, cut }) => [share, cut]),
      drawn: root.headlight.drawn(),
    })
  }
  return found
}"""


class OneStep(Engine):
    """Knows one step of one model."""

    def __init__(self, loaded, asked):
        super().__init__()
        self.loaded, self.asked = loaded, asked

    def model(self, *_, **__):
        return self.loaded

    def run(self, *_, **__):
        return self.asked


@pytest.fixture(scope="module", autouse=True)
def one_torch_thread():
    with one_thread():
        yield


def step(logits, is_masked):
    """A step with these logits, of a model that is nothing but its vocabulary."""
    loaded = replace(engine.model("smollm2"), model=stub_writer(len(logits)))
    masked = MaskedToken(logits, HISTORY, 2, 1, HISTORY) if is_masked else None
    return OneStep(loaded, _next_token(loaded, logits, HISTORY, 4, masked))


def picture(found, settings, of):
    """As the page packs it, as far as the numbers go."""
    values = {name: getattr(settings, field) for name, field in FIELDS.items()}
    return packed(
        NextTokenPicture(
            stages=tuple(
                StageChip(each.name, "", "", row, True, each.name not in FIELDS, each.survivors)
                for row, each in enumerate(found.stages)
            ),
            is_library_order=True,
            top=found.top,
            followed=None,
            selected=None,
            drawn=None,
            stage=None,
            ranks=found.ranks,
            pieces=found.pieces,
            curves=found.curves,
            vocabulary=found.vocabulary,
            is_greedy=settings.temperature == 0,
            caption="",
            live=LiveStages(of, values, (), settings.order, found.number, is_drawn=True),
        )
    )


def has_tie_at_a_cut(server, settings):
    """Whether float32 does not tell the last token that a stage leaves from the first one that it cuts."""
    stages = stages_after(server.loaded, server.asked, settings)
    for before, after in pairwise(stages):
        cut = before.alive & ~after.alive
        if cut.any():
            least, most = before.probabilities[after.alive].min(), before.probabilities[cut].max()
            if abs(float(least - most)) <= 2e-7 * float(least):
                return True
    return False


def normal(seed, count, spread):
    return torch.randn(count, generator=torch.Generator().manual_seed(seed)) * spread


def with_holes(logits):
    return logits.where(torch.arange(len(logits)) % 3 > 0, -torch.inf)


# What the model says, what stands beside the knobs that are dragged, and whether it fills a hidden place.
STEPS = {
    "as a model": (normal(0, 49_152, 3), {}, False),
    "flat": (normal(1, 49_152, 0.3), {"top_p": 0.9}, False),
    "sure": (normal(2, 49_152, 9), {"min_p": 0.05, "typical_p": 0.9}, False),
    "thirty tokens": (normal(3, 30, 2), {"top_k": 5}, False),
    "half precision, with ties": (normal(4, 5_000, 2).half().float(), {"temperature": 1.5}, False),
    "all the same": (torch.ones(40), {}, False),
    "after penalties": (
        normal(5, 3_000, 3),
        {"repetition_penalty": 1.7, "no_repeat_ngram_size": 2, "bad_words": ((5,), (9, 7)), "temperature": 0.0},
        False,
    ),
    "another order": (normal(6, 3_000, 3), {"order": ("top-p", "temperature", "top-k"), "temperature": 2.0}, False),
    "what is typical first": (
        normal(7, 3_000, 3),
        {"order": ("bad words", "typical", "min-p", "temperature"), "typical_p": 0.8, "bad_words": ((5,),)},
        False,
    ),
    "with tokens that cannot come": (with_holes(normal(8, 900, 3)), {"eta_cutoff": 0.002}, True),
}


# Logits of another spread alone.
SPREADS = ("flat", "sure")


@pytest.mark.quick(3)
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in SPREADS else []) for name in STEPS]
)
def test_twenty_drags_are_what_the_server_says(page, name):
    logits, own, is_masked = STEPS[name]
    base = replace(DecodingSettings(), **{"temperature": 1.0, "seed": 5} | own)
    server = step(logits, is_masked)
    shown = SamplingStagesRequest("", "", base).answer(server)
    assert end_in_score_stages(shown, base.order)
    scores = packed_scores("next_token", "mark", ScoresRequest("", "", base).answer(server))
    sent = [base64.b64encode(each).decode() for each in (picture(shown, base, "mark"), scores)]
    page.evaluate(MOUNT, [browser_source("next_token"), skeleton("next_token", _PARTS), *sent])
    page.wait_for_function(FOLLOWS)

    random = np.random.default_rng(len(name))
    drags = []
    for number in range(20):
        knobs = random.permutation(list(DRAGGED)).tolist()[: random.integers(1, 5)]
        knobs += random.permutation(list(OTHERS)).tolist()[: 2 * (number % 2)]
        among = {each: (DRAGGED | OTHERS)[each] for each in knobs}
        drags.append({each: values[random.integers(len(values))] for each, values in among.items()})
    ranks = shown.ranks.tolist()
    tied = 0
    for values, found in zip(drags, page.evaluate(DRAG, [drags, ranks]), strict=True):
        settings = replace(base, **{FIELDS[stage]: value for stage, value in values.items()})
        expected = SamplingStagesRequest("", "", settings).answer(server)
        is_moved = any(value != getattr(base, FIELDS[stage]) for stage, value in values.items())
        assert found["by"] == ("browser" if is_moved else "server")
        assert list(found["survivors"]) == [each.name for each in expected.stages]
        if has_tie_at_a_cut(server, settings):
            tied += 1
            continue
        assert found["survivors"] == {each.name: each.survivors for each in expected.stages}
        np.testing.assert_allclose(found["curves"], expected.curves, atol=1e-5)
        shares, cuts = zip(*found["tokens"], strict=True)
        np.testing.assert_allclose(shares, [each.probabilities[-1] for each in expected.top], atol=1e-5)
        assert list(cuts) == [each.cut_by for each in expected.top]
        is_listed = expected.drawn.id in [each.id for each in expected.top]
        assert not is_moved or found["drawn"] == (expected.drawn.id if is_listed else None)
    assert tied <= (len(drags) if "same" in name else 3)
