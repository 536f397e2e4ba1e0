"""How often a head looks from a word to the one it depends on: python heads.py FOLDER TREEBANK RELATION LAYER HEAD"""

import sys
from pathlib import Path

import numpy as np
import torch
from transformers import AutoModel, AutoTokenizer

folder, treebank, relation, layer, head = sys.argv[1:]
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
hits, offsets = [], []
for block in Path(treebank).read_text("utf-8").strip().split("\n\n"):
    rows = [line.split("\t") for line in block.splitlines() if not line.startswith("#")]
    text, spans = "", []
    for row in rows:
        spans.append((len(text), len(text) + len(row[1])))
        text += row[1] + ("" if "SpaceAfter=No" in row[9] else " ")
    inputs = tokenizer(text.rstrip(), return_tensors="pt", return_offsets_mapping=True)
    pieces = inputs.pop("offset_mapping")[0].tolist()
    # 1 where a token is a piece of a word; special tokens, which stand nowhere in the text, are of none.
    shared = np.array([[min(end, stop) - max(start, begin) for begin, stop in pieces] for start, end in spans])
    of_word = np.where(shared.max(axis=0) > 0, shared.argmax(axis=0), -1)
    inside = (of_word == np.arange(len(spans))[:, None]).astype(float)
    if not inside.any(axis=1).all():
        continue
    with torch.inference_mode():
        weights = model(**inputs, output_attentions=True).attentions[int(layer)][0, int(head)].double().numpy()
    # Sums over the pieces that are looked at, means over those that look; a word does not look at itself.
    words = inside / inside.sum(axis=1, keepdims=True) @ weights @ inside.T
    np.fill_diagonal(words, -1)
    for word, row in enumerate(rows):
        target = int(row[6]) - 1
        is_seen = model.config.model_type == "bert" or target < word
        if row[7].partition(":")[0] == relation and target >= 0 and is_seen:
            hits.append(words[word].argmax() == target)
            offsets.append(target - word)
places, counts = np.unique(offsets, return_counts=True)
best = counts.argmax()
print("cases", len(hits), sep="\t")
print("score", f"{np.mean(hits):.4f}", sep="\t")
print("best fixed offset", int(places[best]), f"{counts[best] / len(hits):.4f}", sep="\t")
