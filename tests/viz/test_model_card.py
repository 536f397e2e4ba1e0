"""The card of a model: everything is escaped, the shares are of the whole, and nothing empty is drawn."""

import re
from html.parser import HTMLParser

from viz.model_card import CardLine, card_of_sections, lines_table, parts, ranges, template, tokens

EVIL = '</script><b onclick="x">&'


class Texts(HTMLParser):
    """What a reader sees, and every tag."""

    def __init__(self, source):
        super().__init__()
        self.texts, self.tags = [], []
        self.feed(source)

    def handle_data(self, data):
        self.texts.append(data)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)


def test_every_text_is_escaped():
    drawn = (
        lines_table([CardLine(EVIL, EVIL, EVIL)]),
        parts([(EVIL, 3)]),
        tokens([(EVIL, 3, EVIL)]),
        template(EVIL),
        card_of_sections([(EVIL, "<p>x</p>")]),
    )
    for source in drawn:
        seen = Texts(source)
        assert EVIL in seen.texts
        assert not {"b", "script"} & set(seen.tags)


def test_parts_are_shares_of_all_and_none_is_empty():
    source = parts([("embeddings", 25), ("attention", 0), ("MLP", 75_000)])
    seen = Texts(source).texts
    assert "attention" not in seen
    assert seen == ["embeddings", "25", "0.033\N{NO-BREAK SPACE}%", "MLP", "75,000", "100.0\N{NO-BREAK SPACE}%"]
    widths = [float(each) for each in re.findall(r"width:([\d.]+)%", source)]
    assert widths == [0.0, 100.0]


def test_of_many_special_tokens_those_with_a_role_come_first():
    many = [(f"<extra_{number}>", number, "") for number in range(40)] + [("</s>", 99, "eos")]
    seen = Texts(tokens(many, most=5)).texts
    assert seen[:3] == ["</s>", "99", "eos"]
    assert seen[-1] == "… and 36 more."
    # A few stand in the order of their ids.
    assert Texts(tokens([("a", 1, ""), ("b", 2, "eos")])).texts[0] == "a"


def test_what_there_is_not_is_left_out():
    assert (lines_table([]), tokens([]), template("")) == ("", "", "")
    assert Texts(card_of_sections([("Full", "<p>x</p>"), ("Empty", "")])).texts == ["Full", "x"]
    assert "<small>" not in lines_table([CardLine("a", "b")])


def test_numbers_as_people_write_them():
    assert ranges(()) == ""
    assert ranges((3,)) == "3"
    assert ranges(tuple(range(30))) == "0–29"
    assert ranges((0, 1, 2, 5, 7, 8)) == "0–2, 5, 7–8"
