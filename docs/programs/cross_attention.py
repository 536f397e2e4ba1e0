"""The attention weights of one head of a seq2seq model, computed with transformers alone.

python cross_attention.py MODEL TEXT TARGET KIND LAYER HEAD STEP

MODEL is a folder or a hub id, TARGET what the model writes, KIND "encoder", "decoder" or "cross", LAYER a number or
"all", HEAD a number or "mean", STEP the row: for "cross" the step that writes a token of TARGET.
"""

import sys
from pathlib import Path

import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer, PreTrainedTokenizerFast

folder, text, target, kind, layer, head, step = *sys.argv[1:7], int(sys.argv[7])

tokenizer = AutoTokenizer.from_pretrained(folder)
# The eager implementation is the one that keeps its weights.
model = AutoModelForSeq2SeqLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()

inputs = tokenizer(text, return_tensors="pt")
# A model that writes another language than it reads may have a tokenizer for each.
own = Path(folder) / "target_tokenizer.json"
if own.is_file():
    labels = PreTrainedTokenizerFast(tokenizer_file=str(own))(target, return_tensors="pt")["input_ids"]
else:
    labels = tokenizer(text_target=target, return_tensors="pt")["input_ids"]
with torch.inference_mode():
    # Given the labels, the model shifts them by one: row t of its decoder writes token t.
    outputs = model(**inputs, labels=labels, output_attentions=True)

attentions = {
    "encoder": outputs.encoder_attentions,
    "decoder": outputs.decoder_attentions,
    "cross": outputs.cross_attentions,
}[kind]
# Of one layer: heads, queries, keys.
of_layer = torch.stack(attentions).mean(dim=0)[0] if layer == "all" else attentions[int(layer)][0]
weights = of_layer.mean(dim=0) if head == "mean" else of_layer[int(head)]  # [query, key]

written = tokenizer.convert_ids_to_tokens(labels[0])
read = tokenizer.convert_ids_to_tokens(inputs["input_ids"][0])
names = ["(start)", *written[:-1]] if kind == "decoder" else read
print(f"{model.config.model_type}, {kind}, layer {layer}, head {head}, step {step}:")
for name, weight in zip(names, weights[step].tolist(), strict=True):
    print(f"{weight:.6f} {name}")
