"""Cut a text with a tokenizer: a line for each piece, with its id, its characters in the text and its bytes.

python cut_text.py FOLDER TEXT [--split-special-tokens]

FOLDER holds a tokenizer.json, or is the id of a model on the hub.
"""

import sys
from pathlib import Path

from tokenizers import Tokenizer
from transformers.convert_slow_tokenizer import bytes_to_unicode

folder, text = sys.argv[1:3]
file = Path(folder) / "tokenizer.json"
tokenizer = Tokenizer.from_file(str(file)) if file.is_file() else Tokenizer.from_pretrained(folder)
tokenizer.no_padding()
tokenizer.no_truncation()
# Whether <|endoftext|> and the like in the text are plain text or the real special token.
tokenizer.encode_special_tokens = "--split-special-tokens" in sys.argv

byte_of = {character: byte for byte, character in bytes_to_unicode().items()}
encoding = tokenizer.encode(text, add_special_tokens=False)
for number, token, (start, end) in zip(encoding.ids, encoding.tokens, encoding.offsets, strict=True):
    # Byte-level vocabularies write each byte as one printable character.
    is_bytes = "ByteLevel" in repr(tokenizer.decoder) and all(each in byte_of for each in token)
    data = bytes(byte_of[each] for each in token) if is_bytes else token.encode()
    print(f"{number:>7}  {text[start:end]!r:<24} {data.hex(' ')}")
print(f"{len(encoding.ids)} tokens; back again: {tokenizer.decode(encoding.ids, skip_special_tokens=False)!r}")
