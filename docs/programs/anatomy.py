"""Parameters, bytes and operations of every part of a model for a text: python anatomy.py FOLDER TEXT"""

import sys

import torch
import transformers
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoConfig, AutoTokenizer

folder, text = sys.argv[1:]
tokenizer = AutoTokenizer.from_pretrained(folder)
config = AutoConfig.from_pretrained(folder)
# Without these the counter misses some: it has no formula for what attention and experts are computed with on a CPU.
settings = {"attn_implementation": "eager", "experts_implementation": "eager", "dtype": torch.float32}
model = getattr(transformers, config.architectures[0]).from_pretrained(folder, **settings).eval()
inputs = {"input_ids": tokenizer(text, return_tensors="pt").input_ids}
if config.is_encoder_decoder:
    inputs["decoder_input_ids"] = torch.tensor([[model.generation_config.decoder_start_token_id]])
with torch.inference_mode(), FlopCounterMode(display=False) as counter:
    model(**inputs, use_cache=False)
counts = counter.get_flop_counts()
for path, module in model.named_modules():
    name = f"{type(model).__name__}.{path}".rstrip(".")
    # A matrix that stands in two places is one parameter.
    parameters = list(module.parameters())
    numbers, size = sum(each.numel() for each in parameters), sum(each.nbytes for each in parameters)
    operations = sum(counts.get(name, {}).values())
    if numbers or operations:
        print(path or "model", numbers, size, operations, sep="\t")
