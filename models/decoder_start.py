"""What the decoder of a seq2seq model begins with."""

from collections.abc import Iterator
from typing import Any

from models.errors import HeadlightError


class NoDecoderStartError(HeadlightError):
    """A seq2seq model that does not say with which token its decoder begins."""


def decoder_start(model: Any) -> int:
    """The token that `generate` begins with: the decoder's start token, else the one that begins a text.

    Each is looked for in the generation config, in the config and in the config of its decoder, in this order.

    Raises NoDecoderStartError.
    """
    for name in ("decoder_start_token_id", "bos_token_id"):
        for config in _configs(model):
            found = getattr(config, name, None)
            # A list holds one for each row of a batch, as `generate` takes it.
            found = found[0] if isinstance(found, list | tuple) and found else found
            if isinstance(found, int):
                return found
    raise NoDecoderStartError(
        f"{type(model).__name__} does not say with which token its decoder begins; set decoder_start_token_id or "
        "bos_token_id in its generation_config.json or config.json."
    )


def _configs(model: Any) -> Iterator[Any]:
    yield getattr(model, "generation_config", None)
    yield model.config
    yield model.config.get_text_config(decoder=True)
