"""What each part of a decoder like Llama adds to a logit: python contributions.py FOLDER TEXT [WORD]"""

import sys
from collections.abc import Callable

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

folder, text, *word = sys.argv[1:]
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
seen = {}


def keep(name: object) -> Callable[..., None]:
    """What remembers, under this name, what a module is given and gives for the last token."""
    return lambda _, given, output: seen.update({name: (given[0][0, -1].double(), output[0, -1].double())})


base = model.model
for number, layer in enumerate(base.layers):
    layer.self_attn.o_proj.register_forward_hook(keep(("heads", number)))
    layer.mlp.register_forward_hook(keep(("MLP", number)))
base.layers[0].input_layernorm.register_forward_hook(keep("first"))
base.norm.register_forward_hook(keep("norm"))
with torch.inference_mode():
    logits = model(**tokenizer(text, return_tensors="pt")).logits[0, -1]
    token = tokenizer(f" {word[0]}", add_special_tokens=False).input_ids[0] if word else int(logits.argmax())
    # The final norm with its scale held: a number for each number of the stream.
    scale = (seen["norm"][0].pow(2).mean() + base.norm.variance_epsilon).sqrt()
    row = model.lm_head.weight[token].double() * base.norm.weight.double() / scale
    parts = {"token embedding": float(row @ seen["first"][0])}
    for number, layer in enumerate(base.layers):
        joined, matrix = seen["heads", number][0], layer.self_attn.o_proj.weight.double()
        size = layer.self_attn.head_dim
        for head, (given, columns) in enumerate(zip(joined.split(size), matrix.split(size, dim=1), strict=True)):
            parts[f"L{number} H{head}"] = float(row @ (columns @ given))
        parts[f"L{number} MLP"] = float(row @ seen["MLP", number][1])
for name, value in sorted(parts.items(), key=lambda part: -abs(part[1])):
    print(name, f"{value:.5f}", sep="\t")
print("sum", f"{sum(parts.values()):.5f}", sep="\t")
print("logit", f"{float(logits[token]):.5f}", sep="\t")
