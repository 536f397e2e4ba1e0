"""What our own loop costs: the same tokens from `decode` and from transformers' `generate`."""

from collections.abc import Callable
from typing import Any

import torch

from benchmarks.capture import plain_model
from benchmarks.measuring import Limit, Row, compared, duration, interleaved, seconds_of
from models.decoding import DecodingSettings, decode
from models.loaded import LoadedModel
from models.loading import load_model

_TOKENS = 32
_PROMPTS = {
    "smollm2": "Once upon a time there was a",
    # Nonsense to say, so that neither comes to an end before the last token.
    "spelling_to_sound": "internationalization antidisestablishmentarianism",
}
# At least 0.95 of its tokens per second.
_LIMIT = Limit(1 / 0.95, "ratio", "at most 1.05 x its time")


def measure(pairs: int) -> list[Row]:
    """A decoder and a seq2seq model, greedily, with the cache that grows."""
    rows = []
    for name, prompt in _PROMPTS.items():
        loaded = load_model(name)
        ids = loaded.tokenizer(prompt)["input_ids"]
        ours = [step.token_id for step in decode(loaded, ids, DecodingSettings(max_new_tokens=_TOKENS))]
        theirs = generating(loaded, plain_model(loaded, "sdpa"), ids, _TOKENS)
        if theirs()[-len(ours) :] != ours:
            raise ValueError(f"{name}: generate writes other tokens than decode; there is nothing to compare.")

        def writing(loaded: LoadedModel = loaded, ids: list[int] = ids) -> object:
            return list(decode(loaded, ids, DecodingSettings(max_new_tokens=_TOKENS)))

        measured = interleaved(lambda work=writing: seconds_of(work), lambda work=theirs: seconds_of(work), pairs)
        rows.append(compared(f"{len(ours)} new tokens, {name} (beside: generate)", measured, duration, _LIMIT))
    return rows


def generating(loaded: LoadedModel, model: Any, ids: list[int], tokens: int) -> Callable[[], list[int]]:
    """`generate` with the same settings on the same weights, as people load them; returns all ids."""
    input_ids = torch.tensor([ids], device=loaded.device)

    def generated() -> list[int]:
        return model.generate(
            input_ids,
            attention_mask=torch.ones_like(input_ids),
            do_sample=False,
            num_beams=1,
            max_new_tokens=tokens,
            pad_token_id=0,
        )[0].tolist()

    return generated
