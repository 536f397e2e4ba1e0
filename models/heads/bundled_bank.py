"""What comes with this project for the heads: the bank of sentences."""

from functools import cache

from models.heads.sentence_bank import Bank
from models.heads.treebank import treebank
from models.loading.packs import bundled_folder


@cache
def bundled_bank() -> Bank:
    """English examples of WordNet with the grammar that spaCy found (`models/bundled/grammar_bank`)."""
    return treebank((bundled_folder() / "grammar_bank" / "sentences.conllu").read_bytes(), "WordNet's examples")
