"""Whatever is typed: a picture or one sentence that says what is wrong, and the page stays usable."""

import urllib.parse

import pytest

from pages.attention import examples
from pages.shared.link import LONGEST_ENCODED_TEXT
from tests.pages.screen import ATTENTION, HOME, Screen

GOOD = "The trophy does not fit in the suitcase because it is too big."

# Texts that must give a picture, and those that must give a sentence.
DRAWN = {
    "one token": "cat",
    "one letter": "a",
    "one mark": ".",
    "emoji sequence": "👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🇺🇦",
    "right to left": "שלום עולם, السلام عليكم",
    "both directions": "abc \u202eשלום\u202c def",
    "combining marks": "e\u0301e\u0301 Z̴̧̢a̶̛l̷g̶o̷",
    "begins with a combining mark": "\u0301a",
    "script": "<script>alert(1)</script>",
    "end of script": "</script>",
    "image": "</script><img src=x onerror=alert(1)>",
    "markdown": "# **bold** [link](javascript:alert(1)) $x$ :material/home: ",
    "special tokens by name": "[CLS] [SEP] [UNK] <|endoftext|> <|im_start|>",
    "control characters": "a\x01b\x7fc",
    "line ends": "a\r\nb\nc\rd\u2028e",
    "no characters": "\ufffe\uffff\ufdd0",
    "private use": "\ue000\U0010ffff",
    "one long word": "a" * 600,
    "Thai without spaces": "สวัสดีครับ" * 5,
}
REFUSED = {
    "nothing": "",
    "blanks": "   ",
    "blanks of all kinds": " \t\n\u00a0\u3000",
}
BOTH = ("minilm", "smollm2")
# What the bytes of a byte-level tokenizer make of a text is seen on some of them in each run.
OF_BYTES = (
    "one letter",
    "emoji sequence",
    "both directions",
    "end of script",
    "special tokens by name",
    "no characters",
)


@pytest.fixture(scope="module")
def screens():
    """A session for each model, in which one text is typed after the other."""
    return {model: Screen(model=model) for model in BOTH}


def check_stays_usable(screen):
    screen.look(GOOD)
    assert screen.problems == []
    assert screen.has_picture
    assert screen.shown["queries"][-1] != ""


@pytest.mark.quick(10)
@pytest.mark.parametrize(
    ("model", "text"),
    [
        pytest.param(
            model,
            text,
            marks=pytest.mark.slow if model == "smollm2" and name not in OF_BYTES else [],
            id=f"{name}-{model}",
        )
        for model in BOTH
        for name, text in DRAWN.items()
    ],
)
def test_every_text_is_drawn(screens, model, text):
    screen = screens[model].look(text)
    assert screen.problems == []
    assert screen.has_picture
    assert screen.typed == text
    assert all(screen.shown["queries"]), "a token without anything to see cannot be pointed at"
    assert 0 < screen.row[screen.row >= 0].sum() < 1.01
    check_stays_usable(screen)


@pytest.mark.parametrize("model", BOTH)
@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in REFUSED.items()])
def test_no_text_gets_one_sentence(screens, model, text):
    screen = screens[model].look(text)
    assert len(screen.problems) == 1
    assert "no text yet" in screen.problems[0]
    assert not screen.has_picture
    assert screen.typed == text
    assert screen.query["text"] == text
    check_stays_usable(screen)


def test_a_nul_gets_one_sentence(screens):
    screen = screens["minilm"].look("a\0b")
    assert len(screen.problems) == 1
    assert "NUL" in screen.problems[0]
    assert not screen.has_picture
    assert screen.typed == "a\0b"
    check_stays_usable(screen)


@pytest.mark.parametrize(
    ("model", "text"),
    [
        pytest.param("minilm", "word " * 511, id="minilm, one token too many"),
        pytest.param("smollm2", " a" * 8193, id="smollm2, one token too many"),
        pytest.param("minilm", ("a" * 150 + " ") * 1325, id="minilm, 200,000 characters"),
        # With the types of the work on each character checked this takes seconds; in the app it does not.
        pytest.param("smollm2", "responsibilities " * 11_765, id="smollm2, 200,000 characters", marks=pytest.mark.slow),
    ],
)
def test_a_text_that_is_too_long_gets_one_sentence(screens, model, text):
    screen = screens[model].look(text)
    (sentence,) = screen.problems
    assert "shorten it" in sentence
    assert {"minilm": "512", "smollm2": "8,192"}[model] in sentence
    assert not screen.has_picture
    assert screen.typed == text
    check_stays_usable(screen)


def test_two_hundred_thousand_characters_without_a_blank(screens):
    screen = screens["minilm"].look("a" * 200_000)
    assert (screen.has_picture, len(screen.problems)) in [(True, 0), (False, 1)]
    assert screen.typed == "a" * 200_000
    check_stays_usable(screen)


def test_the_longest_text_that_fits_is_drawn(screens):
    screen = screens["minilm"].look("word " * 510)
    assert screen.problems == []
    assert len(screen.shown["queries"]) == 512


def test_half_of_a_surrogate_pair_is_replaced_and_said(monkeypatch):
    """AppTest cannot type one, and no browser can send one in a link; an example goes through the same door."""
    half = examples.AttentionExample("half", "minilm", "half \ud83d pair", 3, 1, 1, "")
    monkeypatch.setattr(examples, "EXAMPLES", (*examples.EXAMPLES, half))
    screen = Screen().open_example("half")
    assert len(screen.notes) == 1
    assert screen.problems == []
    assert screen.has_picture
    assert screen.typed.encode("utf-8").startswith(b"half ")
    assert screen.query["text"] == screen.typed
    check_stays_usable(screen)


@pytest.mark.quick(3)
@pytest.mark.parametrize("text", ["", " ", "\0", "</script><img src=x onerror=1>", "שלום", "a" * 1999, "🍓" * 160])
def test_a_text_in_a_link_is_like_one_that_was_typed(text):
    screen = Screen(text=text)
    assert (screen.has_picture, len(screen.problems)) in [(True, 0), (False, 1)]
    assert screen.query.get("text", "") == text
    assert screen.typed == text
    check_stays_usable(screen)


# ----- Too long for a link


@pytest.mark.quick(1)
@pytest.mark.parametrize("text", ["word " * 300, "🍓 " * 170, "é" * 400])
def test_a_long_text_stays_out_of_the_link_and_this_is_said(text):
    assert len(urllib.parse.quote(text)) > LONGEST_ENCODED_TEXT
    screen = Screen().look(text)
    assert screen.has_picture
    assert "text" not in screen.query
    (said,) = screen.blocks("too_long_for_a_link")
    assert "longer than a link can carry" in said.caption[0].value
    assert len(said.get("download_button")) == 1
    screen.go(HOME)
    assert "text" not in screen.query
    screen.go(ATTENTION)
    assert screen.typed == text, "a text that no link carries still travels from page to page"
    check_stays_usable(screen)
    assert screen.query["text"] == GOOD
    assert screen.blocks("too_long_for_a_link") == []


def test_the_longest_text_for_a_link_is_in_it():
    text = "🍓" * (LONGEST_ENCODED_TEXT // 12)
    screen = Screen().look(text)
    assert screen.query["text"] == text
    assert screen.blocks("too_long_for_a_link") == []
    screen.look(text + "12345678")
    assert screen.query["text"] == text + "12345678"
    screen.look(text + "123456789")
    assert "text" not in screen.query


def test_a_link_that_leaves_the_text_out_does_not_promise_the_same_view():
    screen = Screen().look("word " * 450).open_tab("Take it with you")
    (link,) = screen.test.code
    assert "text=" not in link.value
    assert not [each.value for each in screen.test.caption if "opens the same view" in each.value]


# ----- From a file


def upload(screen, content, name="text.txt"):
    screen.open_tab("Take it with you")
    screen.test.file_uploader(key="text_file").set_value((name, content, "text/plain"))
    return screen.run()


@pytest.mark.parametrize("content", [GOOD.encode(), GOOD.encode("utf-8-sig")])
def test_a_text_is_taken_from_a_file(content):
    screen = upload(Screen(), content)
    assert screen.typed == GOOD
    assert screen.query["text"] == GOOD
    assert screen.has_picture
    screen.look("Typed after it.")
    assert screen.typed == "Typed after it.", "the file is taken once"


@pytest.mark.quick(1)
@pytest.mark.parametrize("name", ["model.py", "data.json", "README.md"])
def test_whatever_people_have_texts_in_is_taken(name):
    screen = Screen().open_tab("Take it with you")
    taken = screen.test.file_uploader(key="text_file").proto.type
    assert f".{name.partition('.')[2]}" in taken, "the dialog of the browser offers it"
    assert upload(screen, GOOD.encode(), name).typed == GOOD


def test_a_file_that_is_not_text_gets_one_sentence():
    screen = upload(Screen(), b"\xff\xfe\x00\x81")
    assert len(screen.problems) == 1
    assert "UTF-8" in screen.problems[0]
    assert screen.view == ("encoder-3-1", "it")
    check_stays_usable(screen)
