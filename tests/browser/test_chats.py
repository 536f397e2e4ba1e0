"""Chats and a whole file in Chromium: a chat of three turns is typed, a file is counted, stopped and gone on with."""

import re

import pytest
from playwright.sync_api import expect

from models.engine import engine
from models.tokenization.chat_pieces import ChatRequest
from pages.shared.page import tab_name

LINE = "The quick brown fox, 12 of them, jumps over the lazy dog. สวัสดี 🍓\n"


@pytest.fixture
def tab(new_tab):
    return new_tab()


def opened(tab, title):
    tab.goto("tokenizers", text="some text", tokenizers="gpt2,smollm2", tab=tab_name(title))
    return tab.page


def test_a_chat_of_three_turns(tab):
    page = opened(tab, "What does a chat become?")
    box = page.locator(".st-key-chat_box textarea")
    box.wait_for()
    chat = "user: Where is my order?\nassistant: On its way.\nuser: Thank you <b>very</b> much"
    box.fill(chat)
    box.press("Control+Enter")
    first = page.locator(".st-key-chat_read_0")
    expect(first.locator(".role").last).to_have_text("3 user", timeout=60_000)
    read = engine.run(ChatRequest("smollm2", chat))
    shown = first.locator(".headlight-chat .headlight-chip").all_inner_texts()
    assert shown == [piece.text for piece in read.pieces]
    assert first.locator(".stretch:not(.template)").count() == 3
    # What SmolLM2's template says where nobody gives a system prompt is no turn's.
    expect(first.locator(".template").first).to_contain_text("SmolLM")
    expect(page).to_have_url(re.compile("chat=user"))
    page.get_by_role("link", name="This chat in a KV cache").first.click()
    expect(page).to_have_url(re.compile(f"kv_cache.*context={len(read.pieces)}"))


@pytest.mark.slow
def test_a_file_with_progress_stop_and_going_on(tab, tmp_path):
    page = opened(tab, "What does a whole file cost?")
    file = tmp_path / "long.txt"
    file.write_text(LINE * 150_000, "utf-8")
    chooser = page.locator(".st-key-whole_file input[type=file]")
    chooser.wait_for(state="attached")
    chooser.set_input_files(file)
    expect(page.get_by_text("tokens so far")).to_be_visible(timeout=30_000)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Stopped after")).to_be_visible(timeout=30_000)
    page.get_by_role("button", name="Go on").click()
    costs = page.locator(".st-key-file_costs")
    expect(page.get_by_text("Stopped after")).to_have_count(0)
    expect(costs).to_be_visible(timeout=60_000)
    tokens = len(engine.tokenizer("gpt2").encode(LINE * 150_000).ids)
    expect(costs).to_contain_text(f"{tokens:,}")
