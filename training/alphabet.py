"""Characters in, phonemes out: the tokenizer of the spelling-to-sound model."""

from typing import Any

from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import WordLevel
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast

from training.pronunciations import WORD_BOUNDARY

PAD, END, UNKNOWN = "<pad>", "</s>", "<unk>"
CHARACTERS = " '-.abcdefghijklmnopqrstuvwxyz"
_CONSONANTS = tuple("B CH D DH F G HH JH K L M N NG P R S SH T TH V W Y Z ZH".split(" "))  # noqa: SIM905 - one line
_VOWELS = tuple("AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW".split(" "))  # noqa: SIM905
_STRESSES = "012"
PHONEMES = (*_CONSONANTS, *(vowel + stress for vowel in _VOWELS for stress in _STRESSES))
VOCABULARY = (PAD, END, UNKNOWN, WORD_BOUNDARY, *CHARACTERS, *PHONEMES)


def build_tokenizer() -> Any:
    """A new tokenizer, transformers' PreTrainedTokenizerFast round a `tokenizers.Tokenizer`.

    Encoding reads spelling: compatibility forms, accents and capitals are folded, each character is a piece, `</s>` is
    added. What is not among CHARACTERS becomes `<unk>`. Decoding writes phonemes with a space between them. One
    vocabulary holds both; they cannot be mistaken for each other, letters being small and phonemes large.
    """
    tokenizer = _bare()
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.NFKD(),
            normalizers.StripAccents(),
            normalizers.Lowercase(),
            normalizers.Replace(Regex("[’‘ʼ`´]"), "'"),
            normalizers.Replace(Regex("[‐‑–—]"), "-"),
            normalizers.Replace(Regex(r"\s+"), " "),
            normalizers.Strip(),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token=PAD, eos_token=END, unk_token=UNKNOWN, clean_up_tokenization_spaces=False
    )


def build_target_tokenizer() -> Tokenizer:
    """The same vocabulary for what the model writes: phonemes, as they are, with spaces between them; then `</s>`."""
    tokenizer = _bare()
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return tokenizer


def _bare() -> Tokenizer:
    tokenizer = Tokenizer(WordLevel({piece: number for number, piece in enumerate(VOCABULARY)}, unk_token=UNKNOWN))
    tokenizer.post_processor = TemplateProcessing(single=f"$A {END}", special_tokens=[(END, VOCABULARY.index(END))])
    return tokenizer
