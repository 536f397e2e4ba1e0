"""How many tokens one forward has memory for: a longer text is refused before it takes it.

The system gives memory that there is none of, and ends the process when that is used: no error says so in time.
"""

import math

import torch

from models.loaded import LoadedModel

# Of a machine's memory that one forward may take; up to three have begun at the same time.
_SHARE = 3
# Of each pair of tokens: the mask, in a few forms. Of each head besides, where distances are added to its scores (T5),
# or where the weights are worked out and kept for a moment (eager).
_BYTES_OF_PAIR, _BYTES_OF_HEAD = 12, 14
_BYTES_OF_NUMBER = 4


def most_tokens(loaded: LoadedModel) -> int | None:
    """The longest text for which there is memory on the CPU; None on other devices, which say where there is none."""
    if loaded.device.type != "cpu":
        return None
    from models.loading.placing import device_memory

    card = loaded.card
    # Queries, keys and values of each layer are recorded, and what goes through it is kept.
    recorded = 2 + 2 * card.key_value_heads / max(1, card.heads)
    of_token = _BYTES_OF_NUMBER * (card.layers + (card.decoder_layers or 0)) * card.width * recorded
    works_out = "eager" in str(loaded.model.config._attn_implementation) or loaded.positions is None
    of_pair = _BYTES_OF_PAIR + (_BYTES_OF_HEAD * card.heads if works_out else 0)
    room = device_memory(torch.device("cpu")) / _SHARE
    return int((math.sqrt(of_token**2 + 4 * of_pair * room) - of_token) / (2 * of_pair))
