"""Tokenizers of one's own on the tokenizers page: trained or opened from a file."""

import json
import time

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from models.engine import engine
from models.tokenization import smallest_vocabulary, tokenize
from tests.models.test_own_tokenizers import ENDLESS
from tests.models.tokenizer_texts import TEXTS
from tests.pages.test_tokenizers import Columns, printed_pieces


def open_own(screen, name, data):
    screen.open_tab("Bring your own").test.file_uploader(key="own_file").set_value((name, data, "text/plain"))
    return screen.run()


def test_a_text_at_which_ones_own_tokenizer_fails_gets_a_sentence_and_the_page_lives():
    screen = open_own(Columns(text="aa", tokenizers="gpt2"), "mine.json", json.dumps(ENDLESS).encode())
    assert len(screen.counts) == 2
    text = "aaaa bbbb cccc dddd eeee ffff gggg hhhh iiii"
    screen.look(text)
    (said,) = screen.problems
    assert said.startswith("mine.json fails at this text")
    assert screen.choose("gpt2").counts == {"gpt2": len(tokenize("gpt2", text).ids)}


def test_a_special_token_that_stays_special_as_plain_text_is_said():
    """Where words are looked up as a whole, a special token is one of them; the shelf's tokenizers cut its letters."""
    words = Tokenizer(models.WordLevel({"[UNK]": 0, "<s>": 1, "x": 2}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    words.add_special_tokens(["<s>"])
    screen = Columns(text="<s> x", tokenizers="unigram,gpt2", specials="text")
    assert not any("Still special" in each.value for each in screen.test.caption)
    open_own(screen, "words.json", words.to_str().encode())
    assert any("Still special: <s> in words.json" in each.value for each in screen.test.caption)


def test_a_training_that_gives_more_pieces_than_were_asked_for_says_so():
    """Unigram keeps the pieces of its last round of dropping some, where there are hardly more than letters."""
    text = " ".join(TEXTS[name] for name in TEXTS if name.startswith("language"))
    text = text[: max(size for size in range(500, 2_000) if smallest_vocabulary(text[:size], "Unigram") <= 300)]
    screen = Columns(text="values of total", tokenizers="gpt2,bert")
    train(screen, text, "Unigram", 300)
    end = time.monotonic() + 60
    while not (said := [each.value for each in screen.test.info if each.value.startswith("Trained")]):
        assert time.monotonic() < end
        time.sleep(0.2)
        screen.run()
    count = engine.tokenizer(list(screen.counts)[2]).facts.vocabulary
    assert count > 300
    assert f"gave {count:,} pieces, more than the 300" in said[0]


def train(screen, text, algorithm, size=500):
    screen.open_tab("Bring your own")
    screen.test.text_area(key="training_text").set_value(text)
    screen.test.segmented_control(key="training_algorithm").set_value(algorithm)
    screen.test.select_slider(key="training_size").set_value(size)
    screen.test.button(key="FormSubmitter:training_form-Train").click()
    screen.run()


@pytest.mark.parametrize("algorithm", ["byte-level BPE", "Unigram"])
def test_a_trained_tokenizer_stands_in_a_column_of_its_owner_alone(algorithm):
    text = " ".join(TEXTS[name] for name in TEXTS if name.startswith("code"))
    screen = Columns(text="values of total", tokenizers="gpt2,bert")
    train(screen, text, algorithm)
    end = time.monotonic() + 60
    while len(screen.counts) < 3:
        assert not screen.problems
        assert time.monotonic() < end
        time.sleep(0.2)
        screen.run()
    mine = list(screen.counts)[2]
    assert screen.shown["columns"][2]["title"] == f"Mine: {algorithm}, 500"
    assert screen.counts[mine] == len(engine.tokenizer(mine).tokenize("values of total").ids)
    other = Columns(text="values of total", tokenizers=f"gpt2,{mine}")
    assert list(other.counts) == ["gpt2"]
    assert any("cannot carry" in note for note in other.notes)
    assert mine not in other.test.multiselect(key="tokenizers_box").options
    screen.open_tab("How was it cut?").open_tab("Made of what?")
    assert not screen.problems


@pytest.mark.parametrize(
    ("text", "size", "said"), [("a", 500, "at least 100"), ("Ünïcode ließt sich. " * 20, 300, None)]
)
def test_what_cannot_be_trained_is_said_and_the_page_lives(text, size, said):
    screen = Columns(text="some text")
    train(screen, text, "byte-level BPE", size)
    end = time.monotonic() + 30
    while engine.jobs_running:
        assert time.monotonic() < end
        time.sleep(0.1)
    screen.run()
    assert ([said in each for each in screen.problems] == [True]) if said else not screen.problems
    assert screen.has_picture
    assert screen.look("another text").has_picture


def test_two_files_of_one_name_are_two_columns():
    screen = Columns(text="some text", tokenizers="gpt2").open_tab("Bring your own")
    for words in (b"some\ntext\n", b"so\n##me\ntext\n"):
        file = ("vocab.txt", b"[PAD]\n[UNK]\n[CLS]\n[SEP]\n" + words, "text/plain")
        screen.test.file_uploader(key="own_file").set_value(file)
        screen.run()
    assert [column["title"] for column in screen.shown["columns"]] == ["GPT-2", "vocab.txt", "vocab.txt (2)"]
    assert list(screen.counts.values()) == [2, 2, 3]
    names = list(screen.counts)
    assert screen.choose(names[2], "gpt2").counts == {names[2]: 3, "gpt2": 2}


def test_the_code_for_ones_own_tokenizer_takes_its_file(tmp_path, monkeypatch, capsys):
    file = b"[PAD]\n[UNK]\n[CLS]\n[SEP]\nso\n##me\ntext\n"
    screen = open_own(Columns(text="some odd text", tokenizers="gpt2"), "vocab.txt", file)
    mine = list(screen.counts)[1]
    screen.choose(mine).open_tab("Show the code")
    (tmp_path / "tokenizer.json").write_bytes(screen.test.session_state["own:tokenizers"][mine].tokenizer_json)
    pieces = engine.tokenizer(mine).tokenize("some odd text").pieces
    printed = printed_pieces(screen, monkeypatch, capsys, tmp_path)
    assert printed == [(piece.id, piece.data) for piece in pieces]
