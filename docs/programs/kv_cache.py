"""Write some tokens greedily and measure the KV cache after each one, with transformers alone.

python kv_cache.py MODEL TEXT TOKENS

MODEL is a folder or a hub id of a decoder or an encoder-decoder. Prints a line for each token: how many columns the
first layer holds, the bytes of all layers, and what was drawn.
"""

import sys

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

folder, text, count = sys.argv[1], sys.argv[2], int(sys.argv[3])

config = AutoConfig.from_pretrained(folder)
kind = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
tokenizer = AutoTokenizer.from_pretrained(folder)
model = kind.from_pretrained(folder, dtype=torch.float32).eval()


inputs = tokenizer(text, return_tensors="pt")
# What is read first; after that one token at a time, the earlier ones being in the cache.
fed = {"input_ids": inputs["input_ids"]}
if config.is_encoder_decoder:
    told = model.generation_config
    start = told.bos_token_id if told.decoder_start_token_id is None else told.decoder_start_token_id
    encoded = model.get_encoder()(inputs["input_ids"])
    fed = {"encoder_outputs": encoded, "decoder_input_ids": torch.tensor([[start]])}

cache = None
for _ in range(count):
    with torch.inference_mode():
        outputs = model(**fed, past_key_values=cache, use_cache=True)
    cache = outputs.past_key_values
    token = outputs.logits[:, -1:].argmax(-1)
    # An encoder-decoder has two caches, and T5 makes them as deep as its encoder, whatever the decoder fills.
    parts = (cache.self_attention_cache, cache.cross_attention_cache) if config.is_encoder_decoder else (cache,)
    layers = [layer for part in parts for layer in part.layers if layer.keys is not None]
    size = sum(layer.keys.nbytes + layer.values.nbytes for layer in layers)
    print(f"{layers[0].keys.shape[-2]:>5} columns {size:>12,} bytes  {tokenizer.decode(token[0])!r}")
    fed["decoder_input_ids" if config.is_encoder_decoder else "input_ids"] = token
