"""The tabs of chats, of a whole file, and of which tokenizer to take, as AppTest plays them."""

import json
import re

import pytest

from models.engine import engine
from models.tokenization.chat_pieces import ChatRequest
from pages.shared.page import tab_name
from pages.shared.uploads import largest_file
from pages.tokenizers.chat_choices import FIRST_CHAT
from tests.pages.screen import PageScreen

CHAT, FILE, VERDICT = map(
    tab_name, ("What does a chat become?", "What does a whole file cost?", "Which one should I take?")
)


class Chats(PageScreen):
    """A session on the tokenizers page, on one of these tabs."""

    PAGE, PICTURE = "pages/tokenizers/page.py", "token_columns"

    def __init__(self, tab=CHAT, **query):
        super().__init__(tab=tab, **{"text": "some text", "tokenizers": "gpt2,smollm2", **query})

    def write(self, chat):
        self.test.text_area(key="chat_box").set_value(chat)
        return self.run()

    def html_of(self, key):
        return "".join(each.proto.body for block in self.blocks(key) for each in block.get("html"))

    @property
    def words(self):
        return re.sub("<[^>]+>", " ", self.html)

    def send(self, data, name="a.txt"):
        self.test.file_uploader(key="whole_file").set_value((name, data, "text/plain"))
        return self.run()


@pytest.fixture(scope="module")
def opened():
    return Chats()


def test_it_opens_with_a_chat_and_says_who_has_no_template(opened):
    assert not opened.problems
    assert not opened.notes
    read = engine.run(ChatRequest("smollm2", FIRST_CHAT))
    assert f"{len(read.pieces)} tokens" in opened.words
    assert any("GPT-2 comes without a chat template" in each.value for each in opened.test.caption)
    assert "4 user" in opened.html_of("chat_read_0")
    assert opened.query["tab"] == CHAT


def test_a_chat_that_is_typed_is_in_the_link_and_opens_again():
    screen = Chats().write("user: <b>Hello</b>\nassistant: Hi <|im_end|> there\nuser: Bye")
    assert ">&lt;</bdi>" in screen.html_of("chat_read_0")
    assert "<b>Hello</b>" not in screen.html
    assert any("speaks for the template" in each.value for each in screen.test.warning)
    again = Chats(**{name: value for name, value in screen.query.items() if name not in ("tab", "model")})
    assert again.test.text_area(key="chat_box").value == screen.test.text_area(key="chat_box").value
    assert again.html_of("chat_read_0") == screen.html_of("chat_read_0")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"chat": "hello"}, "says no role"),
        ({"chat": json.dumps([{"role": "pilot", "content": "x"}])}, "not known"),
        ({"chat_template": "{{ raise_exception('No way') }}", "chat_for": "gpt2+pasted"}, "No way"),
        ({"chat_template": "{{ ''.__class__.__mro__ }}", "chat_for": "gpt2+pasted"}, "was stopped"),
    ],
)
def test_what_cannot_be_shown_is_one_sentence_and_the_page_lives(query, said):
    screen = Chats(**query)
    assert len(screen.problems) == 1
    assert said in screen.problems[0]
    assert screen.test.text_area(key="chat_box").value == query.get("chat", FIRST_CHAT)
    assert screen.has_picture


def test_the_program_gives_the_same_pieces(monkeypatch, capsys):
    chat = "user: Where is it? <|im_end|>\nassistant: Here\nuser: Thanks"
    for query in ({}, {"chat_prompt": "none", "chat_specials": "text"}):
        screen = Chats(chat=chat, **query)
        lines = [line.split("\t") for line in screen.output_of_the_code("chat_template", monkeypatch, capsys)]
        read = engine.run(ChatRequest("smollm2", chat, "", not query, bool(query)))
        assert [int(line[0]) for line in lines if line[0] != "turn"] == list(read.ids)
        assert [int(line[2]) for line in lines if line[0] == "turn"] == [turn.upto for turn in read.turns]


def test_a_link_with_unknown_readers_is_said():
    assert len(Chats(chat_for="nobody").notes) == 1


def test_one_chat_in_four_templates(opened):
    screen = Chats().press("chat_four")
    assert screen.query["chat_for"] == "smollm2,llama3,mistral,qwen"
    assert len([key for key in range(4) if screen.blocks(f"chat_read_{key}")]) == 4


def test_a_file_of_messages_is_opened_and_a_bad_one_refused():
    screen = Chats()
    said = {"messages": [{"role": "user", "content": "From a file"}]}
    screen.test.file_uploader(key="chat_file").set_value(("c.json", json.dumps(said).encode(), "application/json"))
    assert screen.run().test.text_area(key="chat_box").value == "user: From a file"
    many = json.dumps([{"role": "user", "content": "x"}] * 10_000).encode()
    screen.test.file_uploader(key="chat_file").set_value(("d.json", many, "application/json"))
    assert "10,000 turns" in screen.run().problems[0]
    assert screen.test.text_area(key="chat_box").value == "user: From a file"


@pytest.mark.parametrize(
    ("data", "said"), [(b"\xff\xfea\0", "UTF-16"), (b"", "empty"), (b"a\xff", "Byte 2"), (b"\0" * 999, "no text")]
)
def test_a_file_that_is_no_text_is_one_sentence(data, said):
    screen = Chats(FILE).send(data)
    assert len(screen.problems) == 1
    assert said in screen.problems[0]


def test_how_large_a_file_may_be_is_said_once():
    screen = Chats(FILE)
    assert screen.test.file_uploader(key="whole_file").proto.max_upload_size_mb * 1024**2 == largest_file()
    assert not [each.value for each in screen.test.caption if "MB" in each.value]


def test_a_file_is_counted_and_can_be_chosen_for():
    text = "id,name,price\n" + "".join(f"{number},apple,1.5\n" for number in range(2_000))
    screen = Chats(FILE, price="2").send(text.encode(), "a.csv")
    for _ in range(100):
        if screen.blocks("file_costs"):
            break
        screen.run()
    tokens = {name: len(engine.tokenizer(name).encode(text).ids) for name in ("gpt2", "smollm2")}
    costs = screen.html_of("file_costs")
    assert all(f"{count:,}" in costs for count in tokens.values())
    assert f"{tokens['gpt2'] / 1e6 * 2:,.2f}" in costs
    assert "It looks like CSV" in screen.words
    assert not screen.problems
    screen.test.session_state["choice:verdict_of"] = "file"
    screen.open_tab("Which one should I take?")
    best = min(tokens, key=tokens.get)
    assert f"{tokens[best]:,}" in screen.html_of("verdict").partition("chosen")[2].partition("</tr>")[0]


@pytest.mark.parametrize("of", ["text", "chat", "file"])
def test_which_one_to_take_is_a_table_with_reasons(of):
    screen = Chats(VERDICT, tokenizers="gpt2,bert,bytes,llama3", text="Thai: สวัสดี", verdict_of=of)
    assert not screen.problems
    if of == "file":
        assert "No file is counted yet" in screen.words
        return
    shown = re.sub("<[^>]+>", " ", screen.html_of("verdict"))
    assert "the fewest tokens of those that lose nothing" in shown
    if of == "text":
        assert "loses something" in shown
        assert "Llama 3 takes the fewest tokens" in screen.words
        assert re.search(r"\w+, [\d.]+\s× English", shown)
