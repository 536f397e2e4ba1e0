"""A chat through a tokenizer's chat template: a line for each piece, and how many tokens the chat has after each turn.

python chat_template.py FOLDER MESSAGES [--no-prompt] [--sanitize]

FOLDER holds the tokenizer's files. MESSAGES is JSON: a list of messages, or an object with messages and tools.
"""

import json
import sys

from transformers import AutoTokenizer

folder, said = sys.argv[1:3]
tokenizer = AutoTokenizer.from_pretrained(folder)
chat = json.loads(said)
messages, tools = (chat, None) if isinstance(chat, list) else (chat["messages"], chat.get("tools"))
# Whether special tokens that somebody typed are plain text.
how = {"tools": tools, "return_dict": False, "sanitize_control_tokens": "--sanitize" in sys.argv}

ids = tokenizer.apply_chat_template(messages, add_generation_prompt="--no-prompt" not in sys.argv, **how)
for number, token in zip(ids, tokenizer.convert_ids_to_tokens(ids), strict=True):
    print(number, token, sep="\t")
for count in range(1, len(messages) + 1):
    print("turn", count, len(tokenizer.apply_chat_template(messages[:count], **how)), sep="\t")
