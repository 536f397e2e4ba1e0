"""The lines of the heads view under a pointer: lit, held, scrolled through, and gone with their text."""

import re
from collections import Counter

import pytest


def test_pointing_at_tokens_asks_the_server_nothing(tab):
    sent = []
    tab.page.on("websocket", lambda socket: socket.on("framesent", lambda _: sent.append(1)))
    tab.open(view="heads", layer=3, heads="0,1,2,3,4,5,6,7,8,9,10,11")
    before = tab.settled(lambda: len(sent))
    for token in (*range(16), *reversed(range(16))):
        place = tab.map.evaluate("(root, token) => root.headlight.place(token)", token)
        tab.page.mouse.move(place["x"], place["y"])
    spoken = tab.spoken()
    assert spoken.startswith("[CLS] looks most at H0: ")
    assert spoken.count("H") == 12
    assert len(sent) == before


@pytest.mark.parametrize("held", [{}, {"held": "1-5"}], ids=["all", "those of a key"])
def test_lines_end_beside_the_labels_that_they_lead_to(tab, held):
    tab.open(view="heads", layer=3, heads="0,1,2,3,4,5,6,7,8,9,10,11", **held)
    drawn = tab.map.evaluate("root => root.headlight.svg()")
    ends = {float(x) for x in re.findall(r"M[\d.]+ [\d.]+L([\d.]+) ", drawn)}
    written = Counter(float(x) for x in re.findall(r'<text x="([\d.]+)"[^>]*text-anchor="start"', drawn))
    ((labels, count),) = written.most_common(1)
    assert count == tab.map.evaluate("root => root.headlight.header().queries.length")
    assert len(ends) == 1, "all lines end one below the other"
    assert 0 < labels - ends.pop() <= 12


def opened_long(tab, firsts, seconds, token):
    """The tokens of a text of so many words of two letters, opened at one of them."""
    tab.open(text=" ".join(a + b for a in firsts for b in seconds), view="heads", layer=3, head=1, token=token)
    return tab.map.evaluate("root => root.headlight.header().queries")


def test_the_lines_of_a_long_text_are_scrolled_through(tab):
    tokens = opened_long(tab, "abcdefghij", "klmnopqr", token="0")
    assert len(tokens) > 60
    scroll = tab.page.locator(".attention-view .scroll")
    painted = tab.map.evaluate("root => root.querySelector('.base').clientHeight")
    assert painted == scroll.evaluate("each => each.clientHeight") < scroll.evaluate("each => each.scrollHeight")
    place = tab.map.evaluate("root => root.headlight.place(5)")
    tab.page.mouse.move(place["x"], place["y"])
    assert tab.spoken().startswith(f"{tokens[5]} looks most at")
    # Ten lines on, without a move of the pointer.
    scroll.evaluate("each => { each.scrollTop = 170 }")
    tab.wait_until(lambda: tab.spoken().startswith(f"{tokens[15]} looks most at"))
    place = tab.map.evaluate("root => root.headlight.place(20)")
    tab.page.mouse.click(place["x"], place["y"])
    # Keys bring what they point at into view, and keep it there when the answer to the click comes after them.
    for _ in range(35):
        tab.page.keyboard.press("ArrowDown")
    tab.wait_for_query(token="20")
    tab.wait_for_inspector(f"{tokens[20]} looks mostly at")
    tab.page.wait_for_timeout(300)
    assert tab.spoken().startswith(f"{tokens[55]} looks most at")
    box, place = scroll.bounding_box(), tab.map.evaluate("root => root.headlight.place(55)")
    assert box["y"] < place["y"] < box["y"] + box["height"]


LIT = """root => {
  const over = root.querySelector(".over")
  return over.getContext("2d").getImageData(0, 0, over.width, over.height).data.some((value) => value > 0)
}"""


@pytest.mark.slow
def test_a_held_token_stays_held_when_the_window_of_a_long_text_moves(tab):
    tokens = opened_long(tab, "abcdefghijklmnopqrst", "klmnopqrstuv", token="150")
    first = tab.map.evaluate("root => root.headlight.header().first[0]")
    assert len(tokens) > 300
    assert first > 0
    asked = 160
    before = tab.map.evaluate("(root, at) => root.headlight.place(at)", asked)
    tab.page.mouse.click(before["x"], before["y"])
    tab.wait_for_query(token=str(asked))
    for _ in range(100):
        if tab.map.evaluate("root => root.headlight.header().first[0]") != first:
            break
        tab.page.wait_for_timeout(100)
    else:
        raise AssertionError("the window did not move")
    after = tab.map.evaluate("(root, at) => root.headlight.place(at)", asked)
    assert abs(after["y"] - before["y"]) < 2, "what was clicked stays under the pointer"
    held = tab.page.get_by_role("button", name=re.compile("^held: "))
    assert tokens[asked] in held.text_content()
    tab.page.mouse.move(5, 5)
    assert tab.map.evaluate(LIT)
    # The file has the lines of the held one alone.
    lines = tab.map.evaluate('root => root.headlight.svg().match(/M[^"]*L[^"]*/g).length')
    assert 0 < lines < 260
    held.click()
    assert not tab.map.evaluate(LIT)


@pytest.mark.slow
def test_another_text_leaves_nothing_of_the_one_before(tab):
    tab.open(view="heads", layer=3, head=1)
    place = tab.map.evaluate("root => root.headlight.place(7)")
    tab.page.mouse.click(place["x"], place["y"])
    tab.page.get_by_role("button", name=re.compile("^held: ")).wait_for()
    tab.page.mouse.move(5, 5)
    assert tab.map.evaluate(LIT)
    tab.look("Paris is the capital of France and London is a city.")
    tab.wait_for_query(text="Paris is the capital of France and London is a city.")
    tab.page.get_by_role("button", name=re.compile("^held: ")).wait_for(state="detached")
    assert not tab.map.evaluate(LIT)
