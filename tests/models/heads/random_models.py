"""Tiny models with random weights that read text, as many as there are seeds."""

import torch
import transformers

from models.catalog import Family
from models.loading import LoadedModel, wrap_model

SIZES = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}


def random_model(family: Family, seed: int, tokenizer: object, vocabulary: int, spread: float = 0.2) -> LoadedModel:
    """A BERT or a Llama with grouped keys, its weights drawn with this standard deviation by a generator of its own.

    With 0.02, as transformers draws them, every pattern is nearly even.
    """
    if family == "encoder":
        model = transformers.BertModel(transformers.BertConfig(**SIZES, vocab_size=vocabulary))
    else:
        config = transformers.LlamaConfig(**SIZES, num_key_value_heads=2, vocab_size=vocabulary)
        model = transformers.LlamaForCausalLM(config)
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for path, parameter in model.named_parameters():
            middle = 1 if parameter.dim() == 1 and path.endswith("weight") else 0
            parameter.copy_(torch.randn(parameter.shape, generator=draw) * spread + middle)
    return wrap_model(model.eval(), tokenizer, family)
