"""The next token's probabilities after each stage of transformers' own sampling, with transformers alone.

python sampling.py MODEL TEXT [KNOB=VALUE ...]

MODEL is a folder or a hub id of a decoder or an encoder-decoder; the knobs are those of `generate`, for instance
temperature=2 top_p=0.9 min_p=0.05. Prints for each stage how many tokens are left, the entropy in nats, and the
probabilities of the five tokens that the model itself finds likeliest.
"""

import sys

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

folder, text, *knobs = sys.argv[1:]
asked = {name: float(value) for name, value in (knob.split("=") for knob in knobs)}
for name in ("top_k", "no_repeat_ngram_size", "min_new_tokens"):
    if name in asked:
        asked[name] = int(asked[name])
# Temperature 0 is greedy: nothing is drawn, and the stages of a draw do not run.
greedy = asked.get("temperature") == 0
if greedy:
    del asked["temperature"]

config = AutoConfig.from_pretrained(folder)
kind = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
tokenizer = AutoTokenizer.from_pretrained(folder)
model, notes = kind.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
if notes["missing_keys"]:
    # transformers would draw them: the shares would be those of chance.
    sys.exit(f"{folder} has no head that predicts a next token ({min(notes['missing_keys'])} is missing).")
model.eval()

given = {}


def take(_: object, input_ids: torch.Tensor, logits_processor: list, *__: object, **more: object) -> torch.Tensor:
    """In place of transformers' own loop: what it hands over is the list of processors, in its order."""
    given.update(ids=input_ids, processors=logits_processor, encoded=more.get("encoder_outputs"))
    return input_ids


inputs = tokenizer(text, return_tensors="pt")
# Unset knobs would be taken from the checkpoint, or be transformers' own defaults (top_k is 50).
neutral = {"temperature": 1.0, "top_k": None, "top_p": 1.0, "min_p": None, "typical_p": 1.0}
model.generate(
    **inputs,
    custom_generate=take,
    max_new_tokens=32,
    do_sample=not greedy,
    renormalize_logits=not greedy,
    num_beams=1,
    **neutral | asked,
)
with torch.inference_mode():
    if config.is_encoder_decoder:
        logits = model(encoder_outputs=given["encoded"], decoder_input_ids=given["ids"]).logits
    else:
        logits = model(input_ids=given["ids"]).logits
scores = logits[:, -1].float()
first = scores[0].topk(5).indices


def report(name: str) -> None:
    """One line for the distribution as it is now."""
    shares = torch.softmax(scores[0], dim=-1)
    entropy = torch.special.entr(shares.double()).sum()
    likeliest = "  ".join(f"{tokenizer.decode(token)!r} {shares[token]:.6f}" for token in first)
    print(f"{name:<36} {int((shares > 0).sum()):>7} left  {entropy:8.5f} nats  {likeliest}")


report("raw")
for processor in given["processors"]:
    scores = processor(given["ids"], scores)
    report(type(processor).__name__)
