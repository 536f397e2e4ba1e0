"""The heads page of a model of two thousand heads: it opens, and what the browser is sent stays small."""

import numpy as np
import pytest
import torch
import transformers

from tests.models.test_folders import WORDS, tokenizer_of
from tests.pages.heads_screen import Heads
from tests.viz.wire import header_of, unpack

LAYERS, HEADS = 40, 50
MOST_BYTES = 60_000
SENTENCES = "\n".join(" ".join(WORDS[start : start + 7]) for start in (4, 11, 18))


@pytest.fixture
def folder(allowed, monkeypatch):
    monkeypatch.setattr("models.heads.atlas_request.keep", lambda *_: None)
    tokenizer = tokenizer_of("llama")
    heads = {"num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "num_key_value_heads": HEADS, "head_dim": 2}
    config = transformers.LlamaConfig(vocab_size=len(tokenizer), hidden_size=2 * HEADS, intermediate_size=16, **heads)
    model = transformers.LlamaForCausalLM(config)
    draw = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.copy_(torch.randn(parameter.shape, generator=draw) / 2)
    model.save_pretrained(allowed / "large")
    tokenizer.save_pretrained(allowed / "large")
    return allowed / "large"


@pytest.mark.slow
@pytest.mark.usefixtures("one_torch_thread")
def test_two_thousand_heads_are_named_and_ranked(folder):
    known = {"model": f"folder:{folder}", "text": " ".join(WORDS[5:12]), "bank": "own", "bank_text": SENTENCES}
    screen = Heads(**known)
    assert screen.problems == []
    screen.press("atlas_start").until(lambda shown: shown.has_picture)
    assert screen.shown["heads"] == [HEADS] * LAYERS
    assert len(screen.component("head_atlas")) < MOST_BYTES
    screen = Heads(**known, heads_by="effects", of_head="39-49")
    assert screen.problems == []
    message = screen.component("effects_map")
    assert len(message) < MOST_BYTES
    header, (values,) = unpack(message, ("<f4", (1, LAYERS, HEADS + 2)))
    assert header == header_of(message)
    assert np.isfinite(values).all()
    assert "Without L39 H49" in screen.inspector
