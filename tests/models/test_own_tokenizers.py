"""Tokenizers that somebody brings along or trains: recognised, checked, and the person's own."""

import codecs
import io
import json
import threading
import time

import numpy as np
import pytest
import sentencepiece
from transformers import PreTrainedTokenizerFast
from transformers.models.bert.tokenization_bert import load_vocab

from models.catalog import TOKENIZERS
from models.engine import Engine
from models.errors import HeadlightError
from models.loading.packs import packs_folder
from models.tokenization import (
    ALGORITHMS,
    LARGEST_TOKENIZER_FILE,
    ComparisonRequest,
    CountsRequest,
    OriginsRequest,
    StagesRequest,
    TokenizerFileError,
    TrainingError,
    TrainTokenizerRequest,
    keep_own,
    load_tokenizer,
    new_own_name,
    open_tokenizer_file,
    smallest_vocabulary,
)
from models.tokenization.loading import loaded_from_json, prepared_tokenizer
from models.tokenization.piece_origins import origins
from models.tokenization.pipeline_stages import pre_tokens, stages
from models.tokenization.training_child import lines_of
from tests.models.tokenizer_texts import TEXTS

TEXT = " ".join(TEXTS[name] for name in TEXTS if name.startswith(("language", "code"))).replace("\0", "")
SOME = ("Strawberry and a strawberry, 1234567.", "Größe  x", "def f(x):\n    return x", "สวัสดี 🍓")


def opened(data, **more):
    engine = Engine()
    found = open_tokenizer_file(data, **more)
    name = new_own_name()
    card = keep_own(engine, name, found.tokenizer_json, "mine", found.format)
    return found, card, engine.tokenizer(name)


def path_of(name):
    card = TOKENIZERS[name]
    assert card.pack is not None
    return packs_folder() / card.pack.folder / card.file


def check_same(loaded, name):
    theirs = load_tokenizer(name)
    for text in SOME:
        assert loaded.tokenize(text).ids == theirs.tokenize(text).ids
        assert [p.text for p in loaded.tokenize(text).pieces] == [p.text for p in theirs.tokenize(text).pieces]


@pytest.mark.quick(1)
@pytest.mark.parametrize(
    ("name", "pattern", "kind"),
    [
        ("gpt2", "GPT-2", "tiktoken"),
        ("llama3", "Llama 3", "tiktoken"),
        ("mistral", "GPT-2", "sentencepiece"),
        ("tekken", "GPT-2", "tekken"),
        ("deepseek", "GPT-2", "json"),
    ],
)
def test_the_files_of_the_shelf_are_opened_alike(name, pattern, kind):
    found, card, loaded = opened(path_of(name).read_bytes(), pattern=pattern)
    assert found.format == kind
    assert card.family == TOKENIZERS[name].family
    assert any(pattern in note for note in found.notes) == (kind == "tiktoken")
    check_same(loaded, name)


def test_a_vocab_txt_is_berts():
    state = json.loads(path_of("bert").read_text("utf-8"))
    lines = sorted(state["model"]["vocab"], key=state["model"]["vocab"].get)
    found, card, loaded = opened("\n".join(lines).encode())
    assert (found.format, card.family, card.vocabulary) == ("vocab.txt", "WordPiece", 30_522)
    check_same(loaded, "bert")
    assert [piece.text for piece in loaded.tokenize("a", add_special_tokens=True).pieces] == ["[CLS]", "a", "[SEP]"]


def test_a_cased_vocab_txt_keeps_capitals():
    _, _, loaded = opened(b"[PAD]\n[UNK]\n[CLS]\n[SEP]\nOslo\noslo\n##lo\n")
    assert [piece.text for piece in loaded.tokenize("Oslo oslo").pieces] == ["Oslo", "oslo"]


def test_padding_and_truncation_are_said_and_switched_off():
    found, _, loaded = opened(path_of("bert").read_bytes())
    assert [note.split(",")[0] for note in found.notes] == ["The file carries truncation", "The file carries padding"]
    assert len(loaded.tokenize("word " * 600).ids) == 600
    assert json.loads(found.tokenizer_json)["padding"] is None


@pytest.mark.parametrize("has_prefix", [True, False], ids=["dummy prefix", "no prefix"])
@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_a_sentencepiece_model_cuts_as_sentencepiece_does(kind, has_prefix):
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXT.splitlines() * 3),
        model_writer=written,
        model_type=kind,
        vocab_size=700,
        byte_fallback=True,
        character_coverage=0.98,
        hard_vocab_limit=False,
        add_dummy_prefix=has_prefix,
        remove_extra_whitespaces=has_prefix,
        # Behind a symbol of its own `tokenizers` puts the prefix once more, as after every token that it finds first.
        user_defined_symbols=[] if has_prefix else ["<sep>"],
        num_threads=1,
        minloglevel=2,
    )
    theirs = sentencepiece.SentencePieceProcessor(model_proto=written.getvalue())
    _, card, loaded = opened(written.getvalue())
    assert card.vocabulary == theirs.get_piece_size()
    for text in (*SOME, "  spaces   all  over ", "a ﬁne Å", "été", "un <sep> deux"):
        assert list(loaded.tokenize(text).ids) == theirs.encode(text), text


def test_marks_and_comments_before_a_file_do_no_harm():
    words = b"[PAD]\n[UNK]\n[CLS]\n[SEP]\nso\n##me\n"
    for data in (words, codecs.BOM_UTF8 + words, codecs.BOM_UTF8 + words.replace(b"\n", b"\r\n")):
        _, _, loaded = opened(data)
        assert [piece.text for piece in loaded.tokenize("some").pieces] == ["so", "##me"]
    state = path_of("bert").read_bytes()
    assert opened(codecs.BOM_UTF8 + state)[1].vocabulary == 30_522
    ranks = path_of("gpt2").read_bytes()
    assert opened(b"\n# ranks\n\n" + ranks)[0].format == "tiktoken"


def test_only_the_end_of_a_line_ends_a_piece_of_a_vocab_txt(tmp_path):
    data = "[UNK]\na\u2028b\nc\x85\nd\n".encode()
    (tmp_path / "vocab.txt").write_bytes(data)
    found, _, loaded = opened(data)
    made = loaded_from_json(loaded.card, found.tokenizer_json)
    assert made.backend_tokenizer.get_vocab() == load_vocab(tmp_path / "vocab.txt")


@pytest.mark.parametrize("kind", ["Unigram", "WordLevel"])
def test_a_tokenizer_without_the_unknown_is_opened_and_that_is_said(kind):
    found, _, loaded = opened(json.dumps(NO_UNKNOWN if kind == "Unigram" else NO_UNKNOWN_WORD).encode())
    assert "no piece for what is unknown" in found.notes[0]
    assert len(loaded.tokenize("a").ids) == 1


UNFIT = {
    "merges without pieces": b'{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": [["a", "b"]]}}',
    "an unknown model": b'{"model": {"type": "Magic", "vocab": {"a": 0}}}',
    "a vocabulary of the wrong kind": b'{"model": {"type": "BPE", "vocab": [1, 2], "merges": []}}',
    "a broken tekken": b'{"config": {}, "vocab": [{"rank": 0}]}',
}
BAD = {
    "nothing": (b"", "empty"),
    "blanks": (b" \n ", "empty"),
    "too large": (b"{" + b" " * LARGEST_TOKENIZER_FILE, "at most 40 MB"),
    "half of a JSON": (b'{"model": {"type": "BPE", "vocab": {"a"', "not"),
    "deep": (b'{"a":' + b"[" * 200_000, "not"),
    "JSON of something else": (b'{"architectures": ["BertModel"]}', "no model"),
    "a model of nothing": (b'{"model": {"type": "BPE", "vocab": {}, "merges": []}}', "no vocabulary"),
    **{what: (data, "fit together") for what, data in UNFIT.items()},
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40, "not a SentencePiece model"),
    "a sentence": (b"The quick brown fox.", "plain text"),
    "a sentence with a number": (b"hello 5\nand more words", "plain text"),
    "a list": (b'["a", "b"]', "is a list"),
    "JSON in UTF-16": ('{"model": {}}'.encode("utf-16"), "UTF-16"),
    "merges.txt": (b"#version: 0.2\nt h\nth e\n", "merges.txt, one half"),
    "merges.txt without a head": (b"t h\nth e\ni n\n", "merges.txt, one half"),
    "vocab.json": (b'{"a": 0, "b": 1, "ab": 2}', "vocab.json, one half"),
    "a vocab.txt without the unknown": (b"[PAD]\nthe\n##ing\n", "without a line [UNK]"),
    "a few ranks": (b"YQ== 0\nYg== 1\n", "256 single bytes"),
    "ranks that are none": (b"YQ== 0\nb x\n", "Line 2"),
    "a pickle": (b"\x80\x04\x95\x0b\x00\x00\x00", "not a SentencePiece model"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_file_gets_one_sentence(what):
    data, said = BAD[what]
    with pytest.raises(TokenizerFileError) as refusal:
        open_tokenizer_file(data)
    assert said in str(refusal.value)
    assert str(refusal.value).endswith(".")
    assert str(refusal.value).isprintable()


def test_nobody_else_knows_the_name():
    engine = Engine()
    name = new_own_name()
    keep_own(engine, name, open_tokenizer_file(path_of("bert").read_bytes()).tokenizer_json, "mine", "json")
    assert engine.tokenizer(name).card.title == "mine"
    assert name not in TOKENIZERS
    assert new_own_name() != name
    with pytest.raises(HeadlightError):
        Engine().tokenizer(name)


# A pattern that never comes to an end in a text without digits: the library panics.
ENDLESS = {
    "model": {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0], ["a", -1.0], ["x", -2.0]]},
    "normalizer": {"type": "Replace", "pattern": {"Regex": r"(.|.)*\d\d\d\d\d\d"}, "content": "x"},
}
NO_UNKNOWN = {"model": {"type": "Unigram", "unk_id": None, "vocab": [["a", -1.0], ["b", -2.0]]}}
NO_UNKNOWN_WORD = {"model": {"type": "WordLevel", "unk_token": "[UNK]", "vocab": {"a": 0, "b": 1}}}


@pytest.mark.parametrize("state", [ENDLESS, NO_UNKNOWN, NO_UNKNOWN_WORD], ids=["endless", "unigram", "words"])
def test_a_text_at_which_the_library_fails_gets_a_sentence(state):
    engine, name, text = Engine(), new_own_name(), "aaaa bbbb cccc dddd eeee ffff gggg hhhh iiii"
    keep_own(engine, name, json.dumps(state).encode(), "Mine", "json")
    loaded = engine.tokenizer(name)
    here = loaded_from_json(loaded.card, json.dumps(state).encode())
    assert len(loaded.tokenize("a").ids) == 1
    for ask in (
        lambda: loaded.tokenize(text),
        lambda: here.tokenize(text),
        lambda: stages(here, text),
        lambda: list(pre_tokens(here, text)) and here.tokenize(text),
        lambda: origins(here, text, (0, 9)),
        lambda: engine.run(StagesRequest(name, text, False)),
        lambda: engine.run(OriginsRequest(name, text, (0, 9), False)),
        lambda: engine.run(CountsRequest(name, text, False)),
        lambda: engine.run(ComparisonRequest((name,), text, False, 0)),
    ):
        with pytest.raises(HeadlightError, match=r"^Mine fails at this text: .*\.$"):
            ask()


# ----- Training


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_trained_tokenizer_loads_in_transformers(algorithm, tmp_path):
    size = smallest_vocabulary(TEXT, algorithm) + 300
    steps = list(TrainTokenizerRequest(TEXT, algorithm, size).steps(Engine()))
    parts = [step.part for step in steps]
    assert len(parts) > 4
    assert parts == sorted(parts)
    assert (parts[0], parts[-1]) == (0.0, 1.0)
    assert all(step.stage for step in steps)
    _, card, loaded = opened(steps[-1].tokenizer_json)
    assert card.family == algorithm
    assert size - 320 < card.vocabulary <= size
    (tmp_path / "tokenizer.json").write_bytes(steps[-1].tokenizer_json)
    theirs = PreTrainedTokenizerFast(tokenizer_file=str(tmp_path / "tokenizer.json"))
    for text in SOME:
        assert theirs(text, add_special_tokens=False)["input_ids"] == list(loaded.tokenize(text).ids)
    # It learnt something: its own text is fewer tokens than bytes.
    assert len(loaded.tokenize(TEXT).ids) < 0.8 * len(TEXT.encode())


@pytest.mark.parametrize(
    ("text", "algorithm", "size", "said"),
    [
        ("a", "BPE", 1_000, "at least 100"),
        ("", "Unigram", 1_000, "at least 100"),
        (TEXT, "byte-level BPE", 256, "257"),
        (TEXT, "WordPiece", 50, "room for the alphabet"),
        (TEXT, "Unigram", 10, "room for the alphabet"),
        (TEXT, "BPE", 10**6, "at most 50,000"),
        (TEXT, "magic", 1_000, "no such algorithm"),
        ("é" * 2_500_001, "BPE", 1_000, "longer than 5 MB"),
        (TEXT + "\ud83d", "BPE", 1_000, "half of a surrogate pair"),
    ],
)
def test_what_cannot_be_trained_gets_one_sentence(text, algorithm, size, said):
    with pytest.raises(HeadlightError, match=said):
        list(TrainTokenizerRequest(text, algorithm, size).steps(Engine()))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_one_letter_all_over_teaches_little_and_breaks_nothing(algorithm):
    *_, last = TrainTokenizerRequest("a" * 500, algorithm, 1_000).steps(Engine())
    _, _, loaded = opened(last.tokenizer_json)
    assert loaded.tokenize("aaaa").ids


def spaceless(length):
    """A text of one word."""
    return "".join(np.random.default_rng(0).choice(TEXT.split(), size=length))


@pytest.mark.quick(2)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_text_without_spaces_is_learnt_from(algorithm):
    *_, last = TrainTokenizerRequest(spaceless(20_000), algorithm, 2_000).steps(Engine())
    _, card, _ = opened(last.tokenizer_json)
    assert card.vocabulary > 1_700


def test_overlong_words_are_cut_before_they_are_learnt_from():
    text = f"short words\n{spaceless(1_000)} and {'é' * 600}\r\n"
    lines = lines_of(text)
    assert "".join(lines) == text
    assert max(len(word) for line in lines for word in line.split()) == 256
    assert lines_of("short words\nand lines") == ["short words\n", "and lines"]


def test_a_stage_that_takes_long_is_named():
    steps = list(TrainTokenizerRequest(spaceless(20_000), "Unigram", 1_000).steps(Engine()))
    stages_said = list(dict.fromkeys(step.stage for step in steps))
    assert stages_said[1:] == [
        "Cutting the text into words",
        "Collecting what repeats",
        "Keeping the pieces that explain the text best",
        "Done",
    ]
    # The last but one, which goes through the text again and again, is counted from its beginning.
    assert min(step.part for step in steps if step.stage.startswith("Keeping")) == 0.5


def test_a_training_that_takes_too_long_says_so(monkeypatch):
    monkeypatch.setattr("models.tokenization.training_job._LONGEST_SECONDS", 0.3)
    with pytest.raises(TrainingError, match=r"took longer than .* Take a shorter text, one with spaces"):
        list(TrainTokenizerRequest(spaceless(200_000), "Unigram", 1_000).steps(Engine()))


def test_two_who_train_at_once_wait_for_each_other():
    engine = Engine()
    jobs = [engine.start(TrainTokenizerRequest(TEXT * times, "BPE", 2_000)) for times in (40, 41)]
    places = set()
    end = time.monotonic() + 60
    while not all(engine.poll(job).is_done for job in jobs):
        assert time.monotonic() < end
        places |= {engine.poll(job).place for job in jobs}
        time.sleep(0.005)
    assert 1 in places
    made = [engine.poll(job) for job in jobs]
    assert [progress.error for progress in made] == [None, None]
    assert all(progress.steps[-1].tokenizer_json for progress in made)
    engine.close()


def test_a_training_that_is_cancelled_ends_its_process():
    engine = Engine()
    job = engine.start(TrainTokenizerRequest(TEXT * 300, "Unigram", 8_000))
    end = time.monotonic() + 30
    while not engine.poll(job).steps:
        assert time.monotonic() < end
        time.sleep(0.01)
    engine.cancel(job)
    while engine.jobs_running:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert not any(thread.name.startswith("headlight-job") and thread.is_alive() for thread in threading.enumerate())
    # The turn is free again.
    assert len(engine.gate("training")) == 0


def test_the_converted_files_are_small():
    total = 0
    for card in TOKENIZERS.values():
        if card.pack is not None:
            total += sum(file.stat().st_size for file in prepared_tokenizer(card).iterdir())
    assert total < 60_000_000
