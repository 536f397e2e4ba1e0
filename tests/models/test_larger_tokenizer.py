"""A tokenizer with more ids than the model's table has rows: a sentence with the token and its id everywhere."""

import pytest

from models.attention import InputError, TraceRequest, trace_attention
from models.decoding import DecodingSettings, NextTokenRequest, WordsRequest, WriteRequest
from models.embeddings import EmbedRequest, SentencesRequest
from models.embeddings.piece_lookup import find_piece
from models.engine import Engine
from models.errors import HeadlightError
from models.loading import load_model, open_folder
from tests.models.architectures import VOCABULARY
from tests.models.test_folders import save, tokenizer_of

pytestmark = pytest.mark.usefixtures("no_folders")

TEXT = "w11 w23 new w5"


def opened(name, folder):
    save(name, folder)
    tokenizer = tokenizer_of(name)
    tokenizer.add_tokens(["new"])
    assert tokenizer.convert_tokens_to_ids("new") == VOCABULARY
    tokenizer.save_pretrained(folder)
    return open_folder(str(folder)).name


def refused(ask):
    with pytest.raises(HeadlightError) as told:
        ask()
    assert "'new'" in str(told.value)
    assert f"{VOCABULARY:,}" in str(told.value)
    return told.value


@pytest.mark.parametrize("name", ["llama", "bert", "t5"])
def test_one_sentence_with_the_token_and_its_id(name, tmp_path):
    model = opened(name, tmp_path / name)
    loaded, engine = load_model(model), Engine(10**8)
    assert isinstance(refused(lambda: trace_attention(loaded, TEXT)), InputError)
    for request in (
        TraceRequest(model, TEXT),
        EmbedRequest(model, TEXT),
        SentencesRequest(model, ("w11", TEXT)),
        WordsRequest(model, ("new",)),
    ):
        refused(lambda request=request: engine.run(request))
    refused(lambda: find_piece(loaded, "new"))
    if name != "bert":
        for request in (NextTokenRequest(model, TEXT), WriteRequest(model, TEXT, DecodingSettings(max_new_tokens=2))):
            refused(lambda request=request: engine.run(request))
    # What is there is not touched by what is not.
    assert trace_attention(loaded, "w11 w23").tokens
