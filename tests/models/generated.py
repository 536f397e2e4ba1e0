"""What transformers' own `generate` makes of token ids, the likeliest each time."""

import torch


def generated(model, ids, **more):
    """All that it hands out; more: its arguments."""
    asked = {"do_sample": False, "pad_token_id": 0, "return_dict_in_generate": True}
    return model.generate(ids, **{"attention_mask": torch.ones_like(ids)} | asked | more)
