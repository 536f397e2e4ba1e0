"""transformers' own processors of logits, as its `generate` puts them together."""

import torch

from models.decoding.sampling import DISABLED, generation_arguments
from tests.models.test_decoding import plain


def their_processors(history, asked):
    """What transformers' own processors leave of logits, as a function of them."""
    kept: list = []

    def catch(_model, _ids, logits_processor, *_, **__):
        kept.append(logits_processor)
        return torch.tensor([[0]])

    ids = torch.tensor([history])
    plain("llama").generate(
        ids,
        attention_mask=torch.ones_like(ids),
        custom_generate=catch,
        max_new_tokens=asked.max_new_tokens,
        pad_token_id=0,
        **DISABLED | generation_arguments(asked),
    )
    return lambda logits: kept[0](ids, logits[None].clone())[0]
