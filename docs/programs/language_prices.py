"""What the same ten sentences cost in each language, as a multiple of English.

python language_prices.py TOKENIZER LOCALES

TOKENIZER is a tokenizer.json, a folder that holds one, or the id of a model on the hub; LOCALES is the folder
django/conf/locale of the package Django, whose catalogues of messages are read, and nothing of it is run.
"""

import gettext
import re
import sys
from collections import Counter
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

name, locales = sys.argv[1:]
path = Path(name) / "tokenizer.json" if Path(name).is_dir() else Path(name)
tokenizer = Tokenizer.from_file(str(path)) if path.is_file() else Tokenizer.from_pretrained(name)
tokenizer.no_padding()
tokenizer.no_truncation()

catalogues = {}
for file in sorted(Path(locales).glob("*/LC_MESSAGES/django.mo")):
    with file.open("rb") as opened:
        messages = vars(gettext.GNUTranslations(opened))["_catalog"]
    catalogues[file.parts[-3]] = {each: said for each, said in messages.items() if isinstance(each, str) and said}

# Whole sentences of four words or more, without places that are filled in; the ten that most languages have.
count = Counter(
    message
    for each in catalogues.values()
    for message in each
    if message.endswith((".", "!", "?")) and not re.search(r"[%{}<>\n\x04]", message) and len(message.split()) >= 4
)
sentences = sorted(count, key=lambda message: (-count[message], -len(message), message))[:10]


def tokens(texts: list[str]) -> np.ndarray:
    """How many tokens each text has, without what a template adds."""
    return np.array([len(tokenizer.encode(text, add_special_tokens=False).ids) for text in texts])


english = tokens(sentences)
prices = {
    code: tokens([messages[each] for each in sentences]) / np.maximum(english, 1)
    for code, messages in catalogues.items()
    if all(each in messages for each in sentences)
}
for code, ratios in sorted(prices.items(), key=lambda each: -each[1].mean()):
    print(code, f"{ratios.mean():.2f}", f"± {ratios.std(ddof=1):.2f}", sep="\t")
