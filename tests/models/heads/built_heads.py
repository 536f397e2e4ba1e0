"""A GPT-2 of two layers whose heads do one thing each, since their weights were set so."""

from typing import Any

import torch
import transformers

from models.loading import LoadedModel, wrap_model

HEADS, HEAD_DIM, WIDTH = 4, 80, 320
VOCABULARY, POSITIONS = 64, 96
# Where in a vector a token, its position and the token before it stand, as one 1 among zeros.
TOKEN, POSITION, BEFORE = 0, VOCABULARY, VOCABULARY + POSITIONS
NAMES = {
    (0, 0): {"previous"},
    (0, 1): {"same"},
    (0, 2): {"first"},
    (0, 3): {"broad"},
    (1, 0): {"induction"},
    (1, 1): {"offset"},
    (1, 2): set(),
    (1, 3): {"broad"},
}
OFFSET = -3
SHARPNESS = 4.0


def built_model() -> LoadedModel:
    config = transformers.GPT2Config(
        vocab_size=VOCABULARY,
        n_positions=POSITIONS,
        n_embd=WIDTH,
        n_layer=2,
        n_head=HEADS,
        n_inner=8,
        bos_token_id=0,
        eos_token_id=0,
    )
    model = transformers.GPT2LMHeadModel(config).eval()
    with torch.no_grad():
        for path, parameter in model.named_parameters():
            if "ln_" not in path:
                parameter.zero_()
        tokens, positions = torch.arange(VOCABULARY), torch.arange(POSITIONS)
        body = model.transformer
        body.wte.weight[tokens, TOKEN + tokens] = 1
        body.wpe.weight[positions, POSITION + positions] = 1
        first, second = (layer.attn for layer in body.h)
        look_back(first, 0, 1)
        # The head for the token before also writes down what it saw.
        first.c_attn.weight[TOKEN + tokens, 2 * WIDTH + tokens] = 0.08
        first.c_proj.weight[tokens, BEFORE + tokens] = 1
        match(first, 1, TOKEN, TOKEN)
        first.c_attn.bias[2 * HEAD_DIM] = 10
        first.c_attn.weight[POSITION, WIDTH + 2 * HEAD_DIM] = 1
        match(second, 0, TOKEN, BEFORE)
        look_back(second, 1, -OFFSET)
        draw = torch.Generator().manual_seed(0)
        for start in (0, WIDTH):
            noise = torch.randn(WIDTH, HEAD_DIM, generator=draw) * 0.3
            second.c_attn.weight[:, start + 2 * HEAD_DIM : start + 3 * HEAD_DIM] = noise
    return wrap_model(model, None, "decoder")


def match(attention: Any, head: int, of_query: int, of_key: int) -> None:
    """The head looks where the key has in one place what the query has in another."""
    tokens = torch.arange(VOCABULARY)
    attention.c_attn.weight[of_query + tokens, head * HEAD_DIM + tokens] = SHARPNESS
    attention.c_attn.weight[of_key + tokens, WIDTH + head * HEAD_DIM + tokens] = 1


def look_back(attention: Any, head: int, far: int) -> None:
    """The head looks so many tokens back."""
    keys = torch.arange(HEAD_DIM)
    attention.c_attn.weight[POSITION + keys[: POSITIONS - far] + far, head * HEAD_DIM + keys] = SHARPNESS
    attention.c_attn.weight[POSITION + keys, WIDTH + head * HEAD_DIM + keys] = 1
