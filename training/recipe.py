"""What decides how a run of the training goes, and the model that it begins with."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import GenerationConfig, T5Config, T5ForConditionalGeneration
from transformers.models.t5.modeling_t5 import T5Attention

from training.alphabet import END, PAD, VOCABULARY, build_target_tokenizer, build_tokenizer

LONGEST_OUTPUT = 64


@dataclass(frozen=True)
class Recipe:
    """Everything that decides how a run goes, besides the data.

    tokens: of a batch, padding and both sides counted. The learning rate is level and then falls to 0 in a straight
    line over the last `decay` of `planned` steps; before it gets there, at step `polish_from`, the run is polished:
    without dropout and label smoothing, from `polish_rate` to 0 at the last step. (A model of this size does not
    memorise the dictionary: at that step it errs as much on words that it has seen as on others.) phrases: as a share
    of the words, in the early and, from epoch `late` on, in the late epochs: single words are learnt first. unread: the
    share of letters replaced by `<unk>`, so that a character that the model cannot read is not one that it never saw.
    snapshots: steps whose weights are kept. bfloat16: whether matrices are multiplied in it (on processors that can,
    half the time).
    """

    steps: int = 13_000
    planned: int = 10_000
    polish_from: int = 9_000
    polish_rate: float = 1.5e-3
    tokens: int = 4_352
    learning_rate: float = 4e-3
    warm_up: int = 50
    decay: float = 0.7
    dropout: float = 0.1
    label_smoothing: float = 0.1
    weight_decay: float = 0.01
    phrases: tuple[float, float] = (1 / 16, 1 / 8)
    late: int = 6
    unread: float = 0.004
    seed: int = 0
    width: int = 160
    feed_forward: int = 512
    heads: int = 4
    encoder_layers: int = 4
    decoder_layers: int = 3
    bfloat16: bool = True
    snapshots: tuple[int, ...] = (0, 100, 200, 400, 800, 1_600, 3_200, 6_400)


class SharedDropout(torch.nn.Module):
    """Dropout with one mask for all positions of a row (Gal & Ghahramani 2016).

    Drawing a number for each position takes a third of a step on a CPU; this takes almost nothing.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, hidden: Tensor) -> Tensor:
        """hidden: [row, token, width]; the same while not training."""
        if not self.training or not self.share:
            return hidden
        mask = hidden.new_empty((hidden.shape[0], 1, hidden.shape[-1])).bernoulli_(1 - self.share)
        return hidden * mask.div_(1 - self.share)


def new_model(recipe: Recipe) -> Any:
    """Random weights in the shape of the recipe. Draws from torch's own state."""
    ids = {name: VOCABULARY.index(name) for name in (PAD, END)}
    config = T5Config(
        vocab_size=len(VOCABULARY),
        d_model=recipe.width,
        d_kv=recipe.width // recipe.heads,
        d_ff=recipe.feed_forward,
        num_heads=recipe.heads,
        num_layers=recipe.encoder_layers,
        num_decoder_layers=recipe.decoder_layers,
        relative_attention_num_buckets=32,
        relative_attention_max_distance=64,
        dropout_rate=recipe.dropout,
        feed_forward_proj="relu",
        pad_token_id=ids[PAD],
        eos_token_id=ids[END],
        decoder_start_token_id=ids[PAD],  # ty: ignore[unknown-argument] - a token that every seq2seq config takes
    )
    model = T5ForConditionalGeneration._from_config(config, attn_implementation="eager")
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, torch.nn.Dropout):
                setattr(module, name, SharedDropout(recipe.dropout))
        if isinstance(module, T5Attention):
            module.dropout = 0.0
    model.generation_config = GenerationConfig(
        max_new_tokens=LONGEST_OUTPUT,
        pad_token_id=ids[PAD],
        eos_token_id=ids[END],
        decoder_start_token_id=ids[PAD],
    )
    return model


def export(model: Any, folder: Path) -> None:
    """Write config, tokenizer and fp16 weights as `from_pretrained` reads them."""
    shape = model.config
    copy = T5ForConditionalGeneration._from_config(shape)
    copy.load_state_dict(model.state_dict())
    copy.generation_config = model.generation_config
    copy.half().save_pretrained(folder)
    build_tokenizer().save_pretrained(folder)
    build_target_tokenizer().save(str(folder / "target_tokenizer.json"))
