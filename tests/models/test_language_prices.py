"""The prices of languages, counted again from the raw catalogues with code of their own."""

import shutil
import struct

import numpy as np
import pytest
from tokenizers import Tokenizer

from models.catalog import MESSAGES
from models.engine import engine
from models.loading.packs import PackError, files_of, packs_folder
from models.tokenization import tokenize
from models.tokenization.language_prices import price
from models.tokenization.line_costs import LineCostsRequest
from models.tokenization.loading import prepared_tokenizer
from models.tokenization.parallel_text import MessagesRequest, ParallelTextError, is_sentence, pasted_pairs
from models.tokenization.scripts import script_of

THREE = ("gpt2", "llama3", "mistral")


@pytest.fixture(scope="module")
def messages():
    return engine.run(MessagesRequest())


def raw_catalogue(code):
    """The messages of a .mo file, read by its own format: two tables of lengths and places of texts."""
    path = packs_folder() / "django" / "conf" / "locale" / code / "LC_MESSAGES" / "django.mo"
    data = path.read_bytes()
    magic, _, count, sources, targets = struct.unpack_from("<5I", data)
    assert magic == 0x950412DE
    found = {}
    for place in range(count):
        (length, at), (said_length, said_at) = (
            struct.unpack_from("<2I", data, table + 8 * place) for table in (sources, targets)
        )
        found[data[at : at + length].decode()] = data[said_at : said_at + said_length].decode()
    return found


@pytest.mark.quick(2)
@pytest.mark.parametrize("code", ["th", "hi", "ka", "pt_BR", "sw"])
def test_a_price_is_what_counting_the_raw_messages_gives(messages, code):
    raw = raw_catalogue(code)
    language = messages.by_code[code]
    assert language.sentences == tuple(raw[each] for each in messages.english)
    for name in THREE:
        theirs = Tokenizer.from_file(str(prepared_tokenizer(engine.tokenizer(name).card) / "tokenizer.json"))
        counts = [
            [len(theirs.encode(text, add_special_tokens=False).ids) for text in texts]
            for texts in (messages.english, language.sentences)
        ]
        ratios = [foreign / english for english, foreign in zip(*counts, strict=True)]
        english, foreign = (
            engine.run(LineCostsRequest(name, lines)) for lines in (messages.english, language.sentences)
        )
        ours = price(foreign, english, language.sentences)
        mean = sum(ratios) / 10
        assert ours.mean == pytest.approx(mean)
        assert ours.spread == pytest.approx((sum((each - mean) ** 2 for each in ratios) / 9) ** 0.5)
        assert ours.whole == pytest.approx(sum(counts[1]) / sum(counts[0]))
        assert ours.per_byte == pytest.approx(sum(counts[1]) / len("".join(language.sentences).encode()))
        assert ours.per_character == pytest.approx(sum(counts[1]) / len("".join(language.sentences)))


def test_the_languages_are_those_of_the_package(messages):
    folder = packs_folder() / "django" / "conf" / "locale"
    codes = {path.parts[-3] for path in folder.glob("*/LC_MESSAGES/django.mo")}
    known = {each.code for each in messages.languages}
    assert known < codes
    assert set(messages.left_out) == codes - known - {"en"}
    assert {"hi", "th", "bn", "ka", "ml", "ko", "sw"} <= known
    assert len(known) >= 83
    for code in sorted(known)[::9]:
        assert set(messages.english) <= raw_catalogue(code).keys()
    for code in messages.left_out:
        assert not set(messages.english) <= raw_catalogue(code).keys()


def test_the_sentences_are_those_that_most_languages_have(messages):
    count = {}
    for path in (packs_folder() / "django" / "conf" / "locale").glob("*/LC_MESSAGES/django.mo"):
        for message, said in raw_catalogue(path.parts[-3]).items():
            if said and is_sentence(message) and "\0" not in message:
                count[message] = count.get(message, 0) + 1
    least = min(count[each] for each in messages.english)
    assert len(messages.english) == len(set(messages.english)) == 10
    assert all(number <= least for message, number in count.items() if message not in messages.english)


def test_languages_are_called_and_written_as_they_are(messages):
    thai, serbian = messages.by_code["th"], messages.by_code["sr_Latn"]
    assert (thai.name, thai.own_name, thai.script) == ("Thai", "ภาษาไทย", "Thai")
    assert (serbian.name, serbian.script) == ("Serbian Latin", "Latin")


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("straw", "Latin"),
        ("สวัส", "Thai"),
        ("中", "Han"),
        ("おはヨ", "Kana"),
        ("ＡＢ", "Latin"),
        ("é", "Latin"),
        ("12a", "Latin"),
        ("123", "digits"),
        (" \n", "white space"),
        ("!?", "signs"),
        ("", "signs"),
        ("한", "Hangul"),
    ],
)
def test_the_script_of_a_text(text, script):
    assert script_of(text) == script


@pytest.mark.parametrize("name", ["gpt2", "bert", "bytes", "words"])
def test_lines_cost_what_they_cost_alone(name):
    lines = ("Good morning.", "สวัสดี 🍓", "  two  spaces ", "", "<|endoftext|>")
    for split in (False, True):
        found = engine.run(LineCostsRequest(name, lines, split))
        for place, each in enumerate(lines):
            cut = tokenize(name, each, split_special_tokens=split)
            assert found.tokens[place] == len(cut.ids)
            assert found.unknown[place] == sum(piece.is_unknown for piece in cut.pieces)
            assert found.is_exact[place] == (engine.tokenizer(name).decode(cut) == each)


def test_without_the_package_there_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADLIGHT_HOME", str(tmp_path))
    with pytest.raises(PackError, match=r"django is not installed.*make models"):
        files_of(MESSAGES)


def test_a_catalogue_that_was_changed_is_refused(tmp_path, monkeypatch):
    real = packs_folder() / MESSAGES.folder
    monkeypatch.setenv("HEADLIGHT_HOME", str(tmp_path))
    for path in ["__init__.py", *(each.relative_to(real) for each in real.glob("*/LC_MESSAGES/django.mo"))]:
        (packs_folder() / MESSAGES.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (packs_folder() / MESSAGES.folder / path).symlink_to(real / path)
    assert len(files_of(MESSAGES)) > 90
    changed = packs_folder() / MESSAGES.folder / "th" / "LC_MESSAGES" / "django.mo"
    changed.unlink()
    shutil.copy(real / "sw" / "LC_MESSAGES" / "django.mo", changed)
    with pytest.raises(PackError, match="damaged"):
        files_of(MESSAGES)


def test_pasted_lines_are_pairs():
    left, right = pasted_pairs("Good morning.\tสวัสดี\n\n How are you? | Wie geht es?\n")
    assert left == ("Good morning.", "How are you?")
    assert right == ("สวัสดี", "Wie geht es?")
    english, thai = (engine.run(LineCostsRequest("gpt2", lines)) for lines in (left, right))
    assert np.isfinite(price(thai, english, right).ratios).all()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "two columns"),
        ("one", "Line 1"),
        ("a|b\nc", "Line 2"),
        ("a|b|c", "Line 1"),
        ("a|", "Line 1"),
        ("a|b\n" * 201, "201 lines"),
        ("x" * 20001, "20,001 characters"),
    ],
)
def test_lines_that_are_no_pairs_are_refused(text, said):
    with pytest.raises(ParallelTextError, match=said):
        pasted_pairs(text)
