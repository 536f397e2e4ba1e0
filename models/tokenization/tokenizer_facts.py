"""What a tokenizer.json says of itself, in words and in what the pages need to know."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any

from models.catalog import Algorithm
from models.tokenization.pieces import Notation, character_of_byte, notation_of, steps_of

# Those of the vocabularies that are known have up to 500; one that lists a file's own symbols may have 100,000.
_LONGEST_PATTERN = 600
_LONGEST_STEPS = 2_000
_KEEP_MARKS = {"Prepend", "Replace", "Lowercase", "Strip", "ByteLevel"}


@dataclass(frozen=True)
class TokenizerFacts:
    """A tokenizer as its own file describes it.

    algorithm: as its paper calls it. vocabulary: pieces and special tokens together.
    normalizer, pre_tokenizer, adds: what is done to the text before it is cut, how it is cut before the algorithm
        comes to it, and what is added round it, each in words ("nothing" where there is none).
    special: (id, token) of each special token.
    unknown: the id of what stands for pieces that are not in the vocabulary, or None where nothing is unknown.
    takes_whole: whether a stretch that is in the vocabulary is taken whole, without merges (`ignore_merges`).
    joins_unknown: whether unknown characters side by side become one unknown piece.
    drops_marks: whether its normaliser may compose or leave out combining marks.
    longest_word: of WordPiece, beyond how many characters a word is unknown as a whole.
    """

    algorithm: Algorithm
    vocabulary: int
    normalizer: str
    pre_tokenizer: str
    adds: str
    special: tuple[tuple[int, str], ...]
    unknown: int | None
    notation: Notation
    takes_whole: bool = False
    joins_unknown: bool = False
    drops_marks: bool = False
    longest_word: int = 0

    @property
    def byte_fallback(self) -> bool:
        """Whether a character that is not in the vocabulary is cut into its bytes, so that nothing is unknown."""
        return self.notation.byte_fallback or (self.notation.kind == "bytes" and self.unknown is None)


def facts_of(state: Mapping[str, Any]) -> TokenizerFacts:
    """The facts of a parsed tokenizer.json."""
    model = state["model"]
    added = state.get("added_tokens") or []
    vocabulary = model["vocab"]
    pieces = {piece for piece, _ in vocabulary} if isinstance(vocabulary, list) else vocabulary.keys()
    numbers = {each["content"]: int(each["id"]) for each in added}
    unknown = model.get("unk_id")
    if unknown is None and model.get("unk_token") is not None:
        unknown = numbers.get(
            model["unk_token"], None if isinstance(vocabulary, list) else vocabulary.get(model["unk_token"])
        )
    notation = notation_of(state)
    if notation.kind == "bytes" and model["type"] in ("BPE", "Unigram") and _has_every_byte(notation, pieces):
        unknown = None
    return TokenizerFacts(
        algorithm=_algorithm(model["type"], notation),
        vocabulary=len(pieces | numbers.keys()),
        normalizer=_in_order(state.get("normalizer"), _normalizer_step),
        pre_tokenizer=_in_order(state.get("pre_tokenizer"), _pre_tokenizer_step),
        adds=_what_is_added(state.get("post_processor")),
        special=tuple(sorted((int(each["id"]), each["content"]) for each in added if each["special"])),
        unknown=unknown,
        notation=notation,
        takes_whole=bool(model.get("ignore_merges")),
        joins_unknown=model["type"] == "Unigram" or bool(model.get("fuse_unk")),
        drops_marks=any(step["type"] not in _KEEP_MARKS for step in steps_of(state.get("normalizer"))),
        longest_word=int(model.get("max_input_chars_per_word") or 0),
    )


def _has_every_byte(notation: Notation, pieces: Set[str]) -> bool:
    written = character_of_byte()
    return all(
        f"{prefix}{each}{suffix}" in pieces
        for each in written
        for prefix in {"", notation.prefix}
        for suffix in {"", notation.suffix}
    )


def _algorithm(kind: str, notation: Notation) -> Algorithm:
    if kind == "BPE":
        return "byte-level BPE" if notation.kind == "bytes" else "BPE"
    found: dict[str, Algorithm] = {"WordPiece": "WordPiece", "Unigram": "Unigram", "WordLevel": "WordLevel"}
    return found[kind]


def _in_order(part: Mapping[str, Any] | None, say: Any) -> str:
    said = [each for each in (say(step) for step in steps_of(part)) if each]
    return _shortened(", then ".join(said), _LONGEST_STEPS) or "nothing"


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}… ({len(text):,} characters)"


def _pattern(step: Mapping[str, Any]) -> str:
    pattern = step["pattern"]
    whole = pattern.get("Regex", pattern.get("String", "")) if isinstance(pattern, Mapping) else str(pattern)
    return _shortened(whole, _LONGEST_PATTERN)


def _normalizer_step(step: Mapping[str, Any]) -> str:
    kind = step["type"]
    if kind == "BertNormalizer":
        parts = [
            "control characters out" if step.get("clean_text") else "",
            "spaces round Chinese characters" if step.get("handle_chinese_chars") else "",
            "small letters" if step.get("lowercase") else "",
            "accents off"
            if step.get("strip_accents") or (step.get("strip_accents") is None and step.get("lowercase"))
            else "",
        ]
        return ", ".join(part for part in parts if part)
    if kind == "Replace":
        return f"“{_pattern(step)}” becomes “{step['content']}”"
    if kind == "Prepend":
        return f"“{step['prepend']}” in front"
    return {
        "NFC": "composed characters (NFC)",
        "NFD": "decomposed characters (NFD)",
        "NFKC": "composed compatible characters (NFKC)",
        "NFKD": "decomposed compatible characters (NFKD)",
        "Lowercase": "small letters",
        "StripAccents": "accents off",
        "Strip": "white space off the ends",
        "Precompiled": "SentencePiece's own table of equal characters",
        "ByteLevel": "bytes as characters",
        "Nmt": "control characters out",
    }.get(kind, kind)


def _pre_tokenizer_step(step: Mapping[str, Any]) -> str:
    kind = step["type"]
    if kind == "Split":
        return f"cut by {_pattern(step)}"
    if kind == "ByteLevel":
        return ("cut by GPT-2's pattern, " if step.get("use_regex", True) else "") + "bytes as characters"
    if kind == "Metaspace":
        return f"spaces as {step['replacement']}" + (", cut before each" if step.get("split", True) else "")
    if kind == "Digits":
        return "each digit alone" if step.get("individual_digits") else "digits apart"
    return {
        "BertPreTokenizer": "cut at white space and round each punctuation mark",
        "Whitespace": "words and punctuation apart",
        "WhitespaceSplit": "cut at white space",
        "Punctuation": "cut round punctuation",
        "UnicodeScripts": "cut between scripts",
        "CharDelimiterSplit": f"cut at “{step.get('delimiter', '')}”",
    }.get(kind, kind)


def _what_is_added(part: Mapping[str, Any] | None) -> str:
    for step in steps_of(part):
        if step["type"] == "TemplateProcessing":
            names = [each["SpecialToken"]["id"] if "SpecialToken" in each else "text" for each in step["single"]]
            return " ".join(names) if names != ["text"] else "nothing"
        if step["type"] in ("BertProcessing", "RobertaProcessing"):
            return f"{step['cls'][0]} text {step['sep'][0]}"
    return "nothing"
