"""What is shown for a token is true to its bytes."""

import re

import pytest

from models.errors import HeadlightError
from models.tokenization import encode, pieces_of_ids, readable_bytes, readable_text

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"
HOSTILE = {
    "plain": "The quick brown fox.",
    "spaces": "  two  and   three    and    ",
    "lines": "a\nb\r\nc\rd\te\v\f",
    "emoji family": f"{FAMILY} family",
    "flag": "\U0001f1e9\U0001f1ea",
    "skin": "\U0001f44d\U0001f3fd",
    "right to left": "שלום עולם مرحبا",
    "direction marks": "abc\u202eevil\u202c\u2066x\u2069",
    "combining": "e\u0301 a\u0308\u0323 Z\u0338\u0321\u0300\u0301\u0302\u0303\u0304",
    "combining first": "\u0301x",
    "composed": "é ﬁ ½ Ⅷ ㎏",
    "script": "<script>alert(1)</script>",
    "closing": "</script><!--\"'&amp;",
    "notations": "Ġ ▁ ## ##ing <0x0A> Ċ <0xF0><0x9F>",
    "special": "<|im_start|>user\n<|im_end|><|endoftext|>[CLS] [SEP]",
    "controls": "\x01\x02\x1b[31m\x7f\x85\x9f",
    "no characters": "\ufeff\ufffe\uffff\U0010ffff\ue000\u2028\u2029\u00a0\u3000",
    "joiners": "a\u200bb\u200cc\u200dd\u2060e\u00ad",
    "chinese": "中文字符，你好。",
    "mathematics": "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 ∑∫√ x²",
    "numbers": "3.14159 1,000,000 ٣ ²",
    "replacement": "\ufffd",
    "long word": "a" * 500,
    "deseret": "\U00010400",
}


def shown(loaded, text):
    return [piece.text for piece in encode(loaded.tokenizer, text).pieces]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_the_bytes_of_a_byte_level_model_are_those_of_the_text(smollm2, text):
    tokenization = encode(smollm2.tokenizer, text)
    assert b"".join(piece.data for piece in tokenization.pieces) == text.encode()
    assert tokenization.text == text
    assert tokenization.ids == tuple(piece.id for piece in tokenization.pieces)
    assert not any(piece.is_unknown for piece in tokenization.pieces)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_everything_shown_has_a_shape(minilm, smollm2, text):
    for loaded in (minilm, smollm2):
        for piece in encode(loaded.tokenizer, text).pieces:
            assert piece.text
            assert piece.text.isprintable()
            # A space stands only between the bytes of ⟨F0 9F⟩.
            assert " " not in piece.text or re.fullmatch(r"⟨[0-9A-F]{2}( [0-9A-F]{2})+⟩", piece.text)
            assert 0 <= piece.span[0] <= piece.span[1] <= len(text)


@pytest.mark.parametrize("name", ["minilm", "smollm2"])
def test_the_ids_are_those_of_the_tokenizer(request, name):
    loaded = request.getfixturevalue(name)
    for text in HOSTILE.values():
        assert list(encode(loaded.tokenizer, text).ids) == loaded.tokenizer(text)["input_ids"]


def test_byte_level_spaces_and_line_breaks(smollm2):
    assert shown(smollm2, "a b") == ["a", "␣b"]
    assert shown(smollm2, "a\nb") == ["a", "⏎", "b"]
    assert shown(smollm2, "x\ty") == ["x", "⇥", "y"]
    assert shown(smollm2, "x\r\ny") == ["x", "␍", "⏎", "y"]


def test_parts_of_a_character_are_shown_as_bytes(smollm2):
    pieces = encode(smollm2.tokenizer, "\U0001f600").pieces
    assert [piece.text for piece in pieces] == ["⟨F0 9F⟩", "⟨98⟩", "⟨80⟩"]
    assert [piece.data for piece in pieces] == [b"\xf0\x9f", b"\x98", b"\x80"]
    # All three stand for the same one character.
    assert [piece.span for piece in pieces] == [(0, 1)] * 3


def test_spans_stand_where_the_text_is(smollm2):
    text = "In Oslo the naïve café is closed."
    for piece in encode(smollm2.tokenizer, text).pieces:
        assert text[slice(*piece.span)].encode() == piece.data


def test_digits_stand_alone_and_keep_no_space(smollm2):
    """SmolLM2 was trained with each digit cut off first, so the spaces before one stay together."""
    assert shown(smollm2, "in 1999") == ["in", "␣", "1", "9", "9", "9"]
    assert shown(smollm2, "a  2") == ["a", "␣␣", "2"]
    assert shown(smollm2, "[\n    1]") == ["[", "⏎␣␣␣␣", "1", "]"]


def test_wordpiece_marks_what_continues_a_word(minilm):
    inside = encode(minilm.tokenizer, "Zorblax").pieces[1:-1]
    assert len(inside) > 1
    assert not inside[0].text.startswith("##")
    assert all(piece.text.startswith("##") for piece in inside[1:])
    # The mark is a notation and no part of the text, and MiniLM writes everything small.
    assert "".join(piece.text.removeprefix("##") for piece in inside) == "zorblax"
    assert b"".join(piece.data for piece in inside) == b"zorblax"


def test_a_number_sign_in_the_text_is_no_notation(minilm):
    assert shown(minilm, "##")[1:-1] == ["#", "#"]
    assert [piece.data for piece in encode(minilm.tokenizer, "##").pieces[1:-1]] == [b"#", b"#"]


def test_special_tokens_are_marked(minilm):
    pieces = encode(minilm.tokenizer, "a sentence").pieces
    assert [piece.is_special for piece in pieces] == [True, False, False, True]
    assert [piece.text for piece in pieces] == ["[CLS]", "a", "sentence", "[SEP]"]
    assert pieces[0].span == pieces[-1].span == (0, 0)


def test_special_tokens_of_a_chat_are_marked(smollm2):
    pieces = encode(smollm2.tokenizer, "<|im_start|>user").pieces
    assert [(piece.text, piece.is_special) for piece in pieces] == [("<|im_start|>", True), ("user", False)]


def test_unknown_is_marked(minilm):
    pieces = encode(minilm.tokenizer, "a \U0001f600 here").pieces
    assert [piece.is_unknown for piece in pieces] == [False, False, True, False, False]
    assert pieces[2].text == "[UNK]"
    assert pieces[2].span == (2, 3)


def test_the_end_of_text_is_not_unknown_where_bytes_leave_nothing_unknown(smollm2):
    # The tokenizer's file gives it as the unknown token all the same.
    assert smollm2.tokenizer.unk_token_id == smollm2.tokenizer.convert_tokens_to_ids("<|endoftext|>")
    (piece,) = encode(smollm2.tokenizer, "<|endoftext|>").pieces
    assert piece.is_special
    assert not piece.is_unknown


@pytest.mark.parametrize("bad", ["\ud83d", "\udc00", "\0"])
def test_what_is_not_text_is_refused_with_its_place(minilm, smollm2, bad):
    for loaded in (minilm, smollm2):
        with pytest.raises(HeadlightError, match=r"^Character 6 of the text is [^\n]*\.$") as refusal:
            encode(loaded.tokenizer, f"zebra {bad} quagga")
        assert "zebra" not in str(refusal.value)
        assert str(refusal.value).isprintable()


def test_pieces_of_ids_without_a_text(minilm, smollm2):
    for loaded in (minilm, smollm2):
        tokenization = encode(loaded.tokenizer, "Attention is all you need.")
        bare = pieces_of_ids(loaded.tokenizer, tokenization.ids)
        assert [piece.text for piece in bare] == [piece.text for piece in tokenization.pieces]
        assert [piece.data for piece in bare] == [piece.data for piece in tokenization.pieces]
        assert {piece.span for piece in bare} == {(0, 0)}


def test_pieces_of_ids_without_a_tokenizer():
    pieces = pieces_of_ids(None, [5, 17])
    assert [(piece.id, piece.text, piece.data) for piece in pieces] == [(5, "5", b""), (17, "17", b"")]
    assert not any(piece.is_special or piece.is_unknown for piece in pieces)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" a", "␣a"),
        ("\n\t", "⏎⇥"),
        ("\x1b", "␛"),
        ("\x7f", "⟨U+007F⟩"),
        ("\u200d", "⟨U+200D⟩"),
        ("\u202e", "⟨U+202E⟩"),
        ("\u00a0", "⟨U+00A0⟩"),
        ("\U000e0001", "⟨U+E0001⟩"),
        ("\u0301", "◌\u0301"),
        ("e\u0301", "e\u0301"),
        ("", ""),
        ("<b>", "<b>"),
    ],
)
def test_readable_text(text, expected):
    assert readable_text(text) == expected


def test_readable_bytes():
    assert readable_bytes("é".encode()) == "é"
    assert readable_bytes(b" \n") == "␣⏎"
    assert readable_bytes(b"\xf0\x9f") == "⟨F0 9F⟩"
    assert readable_bytes(b" \xd7") == "⟨20 D7⟩"
