"""Text in, pieces out, with any tokenizer of the catalog."""

from models.engine import engine
from models.tokenization.loaded_tokenizer import LoadedTokenizer
from models.tokenization.own_tokenizers import UserTokenizer
from models.tokenization.pieces import Tokenization


def tokenize(
    tokenizer: str | LoadedTokenizer | UserTokenizer,
    text: str,
    *,
    add_special_tokens: bool = False,
    split_special_tokens: bool = False,
) -> Tokenization:
    """Cut `text` with a tokenizer: one that is loaded, or the name of one of the catalog, loaded once for everybody.

    add_special_tokens: whether to put round it what the model's own template adds ([CLS], <s>).
    split_special_tokens: whether special tokens that are typed in the text are ordinary text; otherwise they become
        the real ones, as transformers has it.

    Raises TextError for half of a surrogate pair, UnknownTokenizerError, PackError, SandboxError.
    """
    loaded = engine.tokenizer(tokenizer) if isinstance(tokenizer, str) else tokenizer
    return loaded.tokenize(text, add_special_tokens=add_special_tokens, split_special_tokens=split_special_tokens)
