"""Words of the field, each explained in one sentence where it stands: a dotted underline, and the sentence for whoever
points at it, comes to it by keys or taps it.

This is the one table of them. The first time that such a word stands in a text of ours, it is marked; what stands in
quotation marks or in a `bdi` is somebody's text and is not. The sentences come with the page's style, as custom
properties, which reach into the pictures too (scaffold/glossary_terms.js).
"""

import html
import json
import re

GLOSSARY = {
    "nats": "The unit of entropy, of information, with the natural logarithm as bits have base 2: 1 nat is 1.44 bits.",
    "bits": "The unit of information with the logarithm to base 2: 1 bit is one yes or no that is equally likely.",
    "logit": "The number that a model gives a token before the softmax makes probabilities of all of them.",
    "softmax": "What makes probabilities of numbers: e to the power of each, divided by the sum of all.",
    "entropy": "How open it is what comes: the mean surprisal of a distribution, 0 where one token is certain.",
    "cross-entropy": "The mean surprisal of the tokens of a text, by the model's own probabilities.",
    "surprisal": "Minus the logarithm of a probability: 0 for what is certain, more for what is unlikely.",
    "perplexity": "e to the power of the cross-entropy: among how many equally likely tokens there might have been.",
    "nucleus": "The likeliest tokens that together have a given probability; top-p cuts all others.",
    "induction": "Looking at what came after an earlier copy of the present token: the pattern A B … A goes on with B.",
    "residual stream": "The vector of a token as it goes from layer to layer; each layer adds to it.",
    "best fixed place": "The place that is right most often for a head that always looks at one and the same place.",
    "sink": "A token on which heads rest when they find nothing: the first one, or a special one.",
    "anisotropy": "That all vectors of a layer point about the same way, so that any two have a large cosine.",
    "cosine": "How much two vectors point the same way: 1 the same, 0 nothing in common, -1 opposite.",
    "variance": "How far numbers lie from their mean: the mean of the squared distances.",
    "divergence": "How far one distribution is from another, in nats (Kullback-Leibler); 0 if they are the same.",
    "logit lens": "The model's last step applied to an earlier layer's vector: what it would say if it stopped there.",
    "kept": "A nearest neighbour among all numbers that is still one of the nearest on the flat map.",
    "teacher forcing": "The decoder is given the output as it stands, whatever it would have written itself.",
    "Q4_1": "A number format of GGUF files: 4 bits for each weight, with a scale and an offset for every 32 of them.",
    "Q8_0": "A number format of GGUF files: 8 bits for each weight, with one scale for every 32 of them.",
    "int8": "Whole numbers of 8 bits, -127 to 127, with a scale that turns them back.",
    "bfloat16": "Numbers of 16 bits with the range of float32 and about 2 to 3 decimal digits.",
    "quantised": "Kept with fewer bits for each number, and so with rounding.",
}
# Where a word stands otherwise, or means something else by itself.
_FORMS = {
    "logit": r"logits?(?! lens)",
    "sink": r"sinks?",
    "kept": r"(?<=are )kept(?= \(by chance)",
    "entropy": r"(?<!cross-)entropy",
    "cosine": r"cosines?",
    "divergence": r"(?:Kullback-Leibler )?divergences?",
    "bits": r"(?<=\d )bits(?=\))",
}
_PATTERN = "|".join(f"(?P<t{place}>{_FORMS.get(word, re.escape(word))})" for place, word in enumerate(GLOSSARY))
_WORDS = tuple(GLOSSARY)
_CODE = re.compile(r"(```.*?```|`[^`]*`)", re.DOTALL)
# Somebody's text, and whole tags, are passed over.
_OURS = re.compile(rf"“[^”]*”|<bdi>.*?</bdi>|<[^>]*>|(?<![\w-])(?:{_PATTERN})(?![\w-])", re.IGNORECASE | re.DOTALL)


def term(word: str, shown: str | None = None) -> str:
    """The word as HTML, explained; shown: as it stands there. Raises KeyError for a word that the glossary lacks."""
    GLOSSARY[word]
    style = f"--means:var(--headlight-means-{_name(word)})"
    return f'<span class="headlight-term" tabindex="0" style="{style}">{html.escape(shown or word)}</span>'


def explained(text: str) -> str:
    """HTML in which each word of the glossary is explained where it stands first."""
    seen: set[str] = set()

    def marked(found: "re.Match[str]") -> str:
        word = _word(found)
        if word is None or word in seen:
            return found[0]
        seen.add(word)
        return term(word, html.unescape(found[0]))

    return _OURS.sub(marked, text)


def words_in(text: str) -> set[str]:
    """The words of the glossary that stand in a text."""
    return {word for found in _OURS.finditer(text) if (word := _word(found)) is not None}


def explained_markdown(text: str) -> str:
    """The same for Markdown of ours, for `st.markdown(..., unsafe_allow_html=True)`: what is HTML in it stays text, and
    what is code stays code.
    """
    parts = _CODE.split(text)
    return "".join(part if place % 2 else explained(html.escape(part, quote=False)) for place, part in enumerate(parts))


def style() -> str:
    """The sentences as custom properties of the page, and what a picture finds the words by."""
    sentences = "".join(f"--headlight-means-{_name(word)}:{_quoted(said)};" for word, said in GLOSSARY.items())
    forms = {_name(word): _FORMS.get(word, re.escape(word)) for word in GLOSSARY}
    return f":root{{{sentences}--headlight-terms:{_quoted(json.dumps(forms, ensure_ascii=False))};}}"


def _word(found: "re.Match[str]") -> str | None:
    name = found.lastgroup
    return None if name is None else _WORDS[int(name[1:])]


def _name(word: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", word).lower()


def _quoted(text: str) -> str:
    """A text of a style sheet; without "<", since a browser may take what follows it for a tag."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("<", "\\3c ") + '"'
