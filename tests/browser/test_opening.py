"""Links: opened first, opened by a class, reloaded, copied, and with something hostile in them."""

import urllib.parse

import pytest

from pages.shared.registry import EVERY_PAGE

TROPHY = "The trophy does not fit in the suitcase because it is too big."


def test_a_fresh_server_may_be_entered_by_any_page(fresh):
    """Streamlit takes pages/ for its older way of many pages until app.py has run once."""
    _, seen = fresh
    # Each begins with the name of its icon.
    titles = [each.title for each in EVERY_PAGE]
    assert [link.endswith(title) for link, title in zip(seen["links"], titles, strict=True)] == [True] * len(titles)
    assert seen["models"] == 1
    assert seen["maps"] == 1
    assert seen["title"] == "Attention · Headlight"
    assert seen["faults"] == []


def test_what_stands_before_the_page_is_sent_once(tab):
    """The page opens with an example of another model than the default."""
    styles = []

    def heard(frame):
        if b".headlight-sentence" in frame:
            styles.append(len(frame))

    tab.page.on("websocket", lambda socket: socket.on("framereceived", heard))
    tab.goto("sampling")
    tab.page.locator(".next-token[data-ready='true']").wait_for()
    tab.wait_for_query(model="smollm2")
    assert len(styles) == 1


@pytest.mark.slow
def test_reloading_shows_the_same_view(tab):
    tab.open(text=TROPHY, layer=2, head=5, token=4, sink="out")
    tokens, values, query = tab.tokens, tab.values(), tab.query
    tab.choose_head(6)
    tab.wait_for_map("encoder-2-6")
    tab.choose_head(5)
    tab.wait_for_map("encoder-2-5")
    tab.page.reload()
    tab.wait_for_tokens(tokens)
    tab.wait_for_map("encoder-2-5")
    assert tab.selected == tokens[4]
    assert tab.query == query
    assert tab.values() == values


def test_a_copied_link_opens_the_same_view_for_somebody_else(new_tab):
    mine = new_tab().open(text=TROPHY, layer=4)
    mine.choose_head(9)
    mine.wait_for_map("encoder-4-9")
    mine.chips.nth(6).click()
    mine.wait_for_query(token="6", head="9")
    mine.open_tab("Show the code")
    mine.wait_for_query(tab="show-the-code")
    mine.open_tab("Take it with you")
    mine.wait_for_query(tab="take-it-with-you")
    link = mine.page.locator("[data-testid='stCode']").filter(has_text="http").text_content().strip()
    # Who opens it wants what was looked at, not the tab that it was taken from.
    shared = {name: [value] for name, value in mine.query.items()} | {"tab": ["show-the-code"]}
    assert urllib.parse.parse_qs(urllib.parse.urlsplit(link).query) == shared
    other = new_tab(somebody_else=True)
    other.page.goto(link)
    other.wait_for_map("encoder-4-9")
    assert other.tokens == mine.tokens
    assert other.selected == mine.selected
    assert other.values() == mine.values()


def test_home_and_back_keeps_the_thread(tab):
    tab.open(model="smollm2", text=TROPHY)
    tab.chips.nth(3).click()
    tab.wait_for_query(token="3")
    tokens = tab.tokens
    links = tab.page.locator("[data-testid='stSidebarNavLink']")
    links.filter(has_text="Home").click()
    tab.page.locator(".st-key-open_attention").wait_for()
    tab.wait_for_query(model="smollm2", text=TROPHY, token="3")
    links.filter(has_text="Attention").click()
    tab.wait_for_tokens(tokens)
    assert tab.selected == tokens[3]
    tab.wait_for_query(model="smollm2", text=TROPHY, token="3")


@pytest.mark.slow
def test_the_card_at_home_opens_its_example(tab):
    tab.goto("", text=TROPHY)
    card = tab.page.locator(".st-key-open_attention")
    card.wait_for()
    tab.wait_for_query(text=TROPHY)
    card.locator("a").click()
    tab.map.wait_for()
    assert "animal" in tab.tokens
    assert tab.selected == "it"


def test_all_of_the_card_of_lessons_leads_there_but_its_link_to_a_room(tab):
    tab.goto("")
    card = tab.page.locator(".st-key-open_lessons")
    box = card.bounding_box()
    card.click(position={"x": box["width"] - 8, "y": box["height"] / 2})
    tab.page.wait_for_url("**/lessons*")
    tab.goto("")
    card.get_by_role("link", name="open a room").click()
    tab.page.wait_for_url("**/room*")


HOSTILE = ['</script><img src=x onerror="window.hacked=1">', "<script>window.hacked=1</script>"]


def check_unharmed(tab, text):
    """It is on the screen as the text that it is, and nowhere as an element."""
    assert tab.page.evaluate("typeof window.hacked") == "undefined"
    assert tab.page.locator("img[src='x']").count() == 0
    assert "script" in "".join(tab.tokens)
    assert "".join(tab.tokens).count("<") == text.count("<")
    assert tab.page.locator(".st-key-text_box textarea").input_value() == text


@pytest.mark.parametrize("model", [pytest.param("minilm", marks=pytest.mark.slow), "smollm2"])
def test_hostile_text_is_text(tab, model):
    tab.open(model=model, text=HOSTILE[0], token=2)
    check_unharmed(tab, HOSTILE[0])
    tab.open_tab("Take it with you")
    tab.page.get_by_role("button", name="CSV", exact=True).wait_for()
    tab.look(HOSTILE[1])
    tab.wait_for_query(text=HOSTILE[1])
    tab.open_tab("Show the code")
    tab.page.get_by_text("python attention_weights.py").first.wait_for()
    check_unharmed(tab, HOSTILE[1])


def check_class(tabs):
    """Everybody opens one link, of a text that nobody has asked for before, within a second."""
    text = f"A class of {len(tabs)} people reads this sentence together."
    address = f"{tabs[0].server.address}/attention?{urllib.parse.urlencode({'text': text, 'layer': 2, 'head': 3})}"
    for tab in tabs:
        # Assigned and not waited for: the next one does not wait until this one has an answer.
        tab.page.evaluate("address => { setTimeout(() => location.assign(address)) }", address)
    for tab in tabs:
        tab.wait_for_map("encoder-2-3")
    assert "people" in tabs[0].tokens
    values = tabs[0].values()
    assert all(tab.values() == values for tab in tabs)
    assert all(tab.page.locator(".st-key-problem").count() == 0 for tab in tabs)


@pytest.mark.slow
def test_ten_people_open_one_link(new_tab):
    check_class([new_tab() for _ in range(10)])


@pytest.mark.slow
def test_thirty_people_open_one_link(new_tab):
    check_class([new_tab(somebody_else=True) for _ in range(30)])
