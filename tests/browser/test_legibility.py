"""Every page can be read and hit in every room: on a telephone, enlarged, on a projector, dark and light.

legibility.js reads a painted page and says what it found; here it reads every page of the registry, and is
shown a fault of each kind.
"""

import pytest

from pages.shared.registry import HOME, PAGES
from tests.browser.at_rest import LAPTOP, QUICK, ROOMS, faults, told


@pytest.mark.parametrize(
    "room",
    [
        pytest.param((name, scheme), marks=[] if (name, scheme) in QUICK else pytest.mark.slow, id=f"{name}-{scheme}")
        for name in ROOMS
        for scheme in ("light", "dark")
    ],
)
@pytest.mark.parametrize("page", [HOME, *PAGES], ids=lambda page: page.address)
def test_a_page_can_be_read_and_hit(at_rest, page, room):
    assert told(at_rest(page, room).faults) == []


@pytest.fixture(scope="module")
def tokenizers(looking):
    """A page in which faults are planted."""
    with looking.opened("tokenizers", LAPTOP) as tab:
        yield tab


@pytest.fixture
def read(tokenizers):
    """`read(planted)`: what is found there once this script has put something at the top, which is taken off again."""

    def found(planted):
        tokenizers.page.evaluate(planted)
        tokenizers.page.wait_for_timeout(100)
        try:
            return faults(tokenizers)
        finally:
            tokenizers.page.evaluate("() => document.querySelector('.stMainBlockContainer').firstChild.remove()")

    return found


def test_nothing_is_found_before_and_after(read):
    assert told(read(planted(""))) == []


SHORT = "width: 40px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap"
# What each kind of fault looks like, put at the top of a page.
PLANTED = {
    "contrast": '<p style="color: #999; background: #fff">faint</p>',
    "contrast behind a gradient": '<p style="color: #555; background: linear-gradient(#fff, #333)">uneven</p>',
    "contrast of a faded part": '<div style="opacity: .4"><p style="color: #000; background: #fff">faded</p></div>',
    "contrast in a drawing": '<svg width="90" height="30"><rect width="90" height="30" fill="#b8400a"/>'
    '<text x="5" y="20" fill="#5b6475">drawn</text></svg>',
    "clipped": '<div style="width: 40px; overflow: hidden; white-space: nowrap">a label that is cut</div>',
    "clipped by an ellipsis": f'<div style="{SHORT}">shortened away</div>',
    "clipped on top": '<div style="height: 12px; overflow: hidden"><p style="margin: -12px 0 0">ที่ปี่</p></div>',
    "overlap": '<div style="position: relative; height: 20px"><span style="position: absolute">one label</span>'
    '<span style="position: absolute; left: 10px">another</span></div>',
    "target": '<button style="width: 16px; height: 16px; padding: 0; border: 0" title="a">a</button>'
    '<button style="width: 16px; height: 16px; padding: 0; border: 0" title="b">b</button>',
    "hidden": '<div style="width: 90px; overflow-x: auto; white-space: nowrap">columns that are beyond the side</div>',
    "hidden below": '<div style="height: 30px; overflow-y: auto">one<br>two<br>three<br>four</div>',
    "name": '<button style="width: 30px; height: 30px"></button>',
}


def planted(page):
    return (
        "() => { const each = document.createElement('div'); each.id = 'planted';"
        " each.style = 'position: relative; color: #1a2130; background: #ffffff; font-size: 14px';"
        f" each.innerHTML = {page!r}; document.querySelector('.stMainBlockContainer').prepend(each) }}"
    )


@pytest.mark.parametrize("name", PLANTED)
def test_each_fault_is_found_where_it_is_planted(read, name):
    assert name.split()[0] in {each["kind"] for each in read(planted(PLANTED[name]))}


CANVAS = """() => {
    const canvas = document.createElement("canvas")
    canvas.width = 200
    canvas.height = 40
    document.querySelector(".stMainBlockContainer").prepend(canvas)
    const context = canvas.getContext("2d")
    context.fillStyle = "#ffffff"
    context.fillRect(0, 0, 200, 40)
    context.font = "14px sans-serif"
    context.fillStyle = COLOUR
    for (const [text, x, y] of LABELS) context.fillText(text, x, y)
}"""


@pytest.mark.parametrize(
    ("kind", "colour", "labels"),
    [
        ("contrast", '"#999999"', '[["faint", 10, 25]]'),
        ("overlap", '"#000000"', '[["one label", 10, 25], ["another", 30, 28]]'),
        ("clipped", '"#000000"', '[["beyond the edge", 150, 25]]'),
        (None, '"#000000"', '[["one", 10, 25], ["two", 90, 25]]'),
    ],
)
def test_what_is_written_on_a_canvas_is_read_too(read, kind, colour, labels):
    found = read(CANVAS.replace("COLOUR", colour).replace("LABELS", labels))
    assert {each["kind"] for each in found} == ({kind} if kind else set())


def test_what_is_meant_is_no_fault(read):
    meant = (
        '<p style="color: #767676">enough</p><p style="color: #949494; font-size: 24px">large</p>'
        '<button disabled style="color: #ccc; width: 60px; height: 30px">later</button>'
        f'<div title="all of the label" style="{SHORT}">all of the label</div>'
        '<button style="width: 16px; height: 16px; padding: 0; margin: 12px" title="alone">x</button>'
        '<p>a sentence with <a href="#here">a word</a> <a href="#there">and one</a></p>'
    )
    assert told(read(planted(meant))) == []


def test_titles_stand_at_one_height(at_rest):
    places = {place for page in PAGES for _, place in at_rest(page, LAPTOP).headings}
    assert len(places) == 1


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.address)
def test_whoever_goes_by_keys_sees_where_they_are(at_rest, page):
    assert at_rest(page, LAPTOP).unseen == set()
