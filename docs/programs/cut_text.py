"""Cut a text with a tokenizer: a line for each piece, with its id, its characters in the text and its bytes.

python cut_text.py TOKENIZER TEXT [--split-special-tokens]

TOKENIZER is a tokenizer.json, a folder that holds one, or the id of a model on the hub.
"""

import re
import sys
from pathlib import Path

from tokenizers import Tokenizer

name, text = sys.argv[1:3]
path = Path(name) / "tokenizer.json" if Path(name).is_dir() else Path(name)
tokenizer = Tokenizer.from_file(str(path)) if path.is_file() else Tokenizer.from_pretrained(name)
tokenizer.no_padding()
tokenizer.no_truncation()
# Whether <|endoftext|> and the like in the text are plain text or the real special token.
tokenizer.encode_special_tokens = "--split-special-tokens" in sys.argv

# Byte-level vocabularies write each byte as one printable character: what prints as itself, the others from U+0100 on.
prints = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
others = [byte for byte in range(256) if byte not in prints]
byte_of = {chr(byte): byte for byte in prints} | {chr(0x100 + place): byte for place, byte in enumerate(others)}
parts = f"{tokenizer.normalizer!r} {tokenizer.pre_tokenizer!r} {tokenizer.decoder!r}"
before = getattr(tokenizer.model, "continuing_subword_prefix", None) or ""
behind = getattr(tokenizer.model, "end_of_word_suffix", None) or ""
added = {number: token.content for number, token in tokenizer.get_added_tokens_decoder().items()}
unknown = getattr(tokenizer.model, "unk_token", None)


def bytes_of(number: int, token: str, characters: str) -> bytes:
    """The bytes that a piece stands for, without what a vocabulary writes round them."""
    # Unigram gives the text itself for what is unknown; of the others the unknown piece stands for its characters.
    if tokenizer.id_to_token(number) != token or (token == unknown and "ByteLevel" not in parts):
        return characters.encode()
    if number in added:
        return token.encode()
    if "ByteFallback" in parts and re.fullmatch("<0x[0-9A-F]{2}>", token):
        return bytes.fromhex(token[3:5])
    if len(token) > len(before):
        token = token.removeprefix(before)
    if len(token) > len(behind):
        token = token.removesuffix(behind)
    if "ByteLevel" in parts:
        return bytes(byte_of[each] for each in token)
    return (token.replace("▁", " ") if "▁" in parts else token).encode()


encoding = tokenizer.encode(text, add_special_tokens=False)
for number, token, (start, end) in zip(encoding.ids, encoding.tokens, encoding.offsets, strict=True):
    print(f"{number:>7}  {text[start:end]!r:<24} {bytes_of(number, token, text[start:end]).hex(' ')}")
print(f"{len(encoding.ids)} tokens; back again: {tokenizer.decode(encoding.ids, skip_special_tokens=False)!r}")
