"""The attention weights of one head, computed with transformers alone.

python attention_weights.py MODEL TEXT LAYER HEAD TOKEN

MODEL is a folder or a hub id, LAYER a number or "all", HEAD a number or "mean", TOKEN the place of the token that
looks.
"""

import sys

import torch
from transformers import AutoConfig, AutoModel, AutoTokenizer

folder, text, layer, head, token = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5])

config = AutoConfig.from_pretrained(folder)
tokenizer = AutoTokenizer.from_pretrained(folder)
# The eager implementation is the one that keeps its weights.
model = AutoModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()

inputs = tokenizer(text, return_tensors="pt")
with torch.inference_mode():
    attentions = model(**inputs, output_attentions=True).attentions

# Of one layer: heads, queries, keys.
of_layer = torch.stack(attentions).mean(dim=0)[0] if layer == "all" else attentions[int(layer)][0]
weights = of_layer.mean(dim=0) if head == "mean" else of_layer[int(head)]  # [query, key]

tokens = tokenizer.convert_ids_to_tokens(inputs["input_ids"][0])
print(f"{config.model_type}, layer {layer}, head {head}: {tokens[token]!r} looks at")
for name, weight in zip(tokens, weights[token].tolist(), strict=True):
    print(f"{weight:.6f} {name}")
