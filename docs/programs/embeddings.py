"""The vectors of texts in one layer, and each token's nearest neighbours by cosine, with transformers alone.

python embeddings.py MODEL LAYER TEXT [TEXT ...]

MODEL is a folder or a hub id; of an encoder-decoder, the encoder is read. LAYER 0 is what goes into the first layer.
Prints for each token the three tokens of all texts whose vectors point most the same way, special tokens left out.
"""

import sys

import torch
from transformers import AutoModel, AutoTokenizer

folder, layer, *texts = sys.argv[1:]
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
reader = model.get_encoder() if model.config.is_encoder_decoder else model

names, rows = [], []
for number, text in enumerate(texts, start=1):
    inputs = tokenizer(text, return_tensors="pt", return_special_tokens_mask=True)
    special = inputs.pop("special_tokens_mask")[0].bool()
    with torch.inference_mode():
        states = reader(
            input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"], output_hidden_states=True
        ).hidden_states
    rows.append(states[int(layer)][0][~special])
    names += [f"{tokenizer.decode(token)!r} {number}" for token in inputs["input_ids"][0][~special]]

vectors = torch.nn.functional.normalize(torch.cat(rows).double(), dim=-1)
cosines = vectors @ vectors.T
cosines.fill_diagonal_(-2)
for name, near in zip(names, cosines, strict=True):
    best = near.topk(min(3, len(names) - 1))
    print(
        name, "  ", "   ".join(f"{names[at]} {value:.4f}" for value, at in zip(best.values, best.indices, strict=True))
    )
