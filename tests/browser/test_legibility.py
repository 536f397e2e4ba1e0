"""Every page can be read and hit in every room: on a telephone, enlarged, on a projector, dark and light.

legibility.js reads a painted page and says what it found; here it reads every page of the registry, and is
shown a fault of each kind.
"""

from pathlib import Path

import pytest

from pages.shared.registry import HOME, PAGES

READER = "\n".join(Path(__file__).with_name(each).read_text() for each in ("painted.js", "legibility.js"))
# Width and height in CSS pixels, dots to each: a telephone, a tablet, a laptop, 1920 pixels at 150 %, a wall.
ROOMS = {
    "telephone": (390, 844, 1),
    "tablet": (768, 1024, 1),
    "laptop": (1280, 720, 1),
    "enlarged": (1280, 720, 1.5),
    "wall": (3840, 2160, 1),
}
# A laptop at 150 % is narrower than any of these.
NARROW = {"enlarged laptop": (853, 480, 1.5)}
QUICK = (("telephone", "dark"), ("laptop", "light"))


@pytest.fixture
def read(chromium, server):
    """`read(path, room, scheme)`: what the reader finds on a page, once it has come to rest, in all of its frames."""
    contexts = []

    def found(path, room, scheme, before=None):
        width, height, dots = room
        contexts.append(
            chromium.new_context(
                viewport={"width": width, "height": height}, device_scale_factor=dots, color_scheme=scheme
            )
        )
        contexts[-1].add_init_script(READER)
        page = contexts[-1].new_page()
        page.set_default_timeout(60_000)
        page.goto(f"{server.address}/{path}")
        page.locator(".st-key-inspector" if path else f".st-key-open_{PAGES[-1].address} .headlight-preview").wait_for()
        page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
        # Pictures are painted after the script has run, and once more when their font has come.
        page.wait_for_timeout(1_500)
        if before:
            page.evaluate(before)
            page.wait_for_timeout(100)
        return [each for frame in page.frames for each in frame.evaluate("() => globalThis.legibility.read()")]

    yield found
    for context in contexts:
        context.close()


def told(found):
    """The findings as lines."""
    return sorted({f"{each['kind']}: {each['text']!r} {each['detail']} ({each['place']})" for each in found})


@pytest.mark.parametrize(
    ("room", "scheme"),
    [
        pytest.param(room, scheme, marks=[] if (name, scheme) in QUICK else pytest.mark.slow, id=f"{name}-{scheme}")
        for name, room in (ROOMS | NARROW).items()
        for scheme in ("light", "dark")
    ],
)
@pytest.mark.parametrize("page", [HOME, *PAGES], ids=lambda page: page.address)
def test_a_page_can_be_read_and_hit(read, page, room, scheme):
    assert told(read("" if page == HOME else page.address, room, scheme)) == []


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


@pytest.mark.slow
def test_each_fault_is_found_where_it_is_planted(read):
    for name, fault in PLANTED.items():
        kinds = {each["kind"] for each in read("tokenizers", ROOMS["laptop"], "light", planted(fault))}
        assert name.split()[0] in kinds, name


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
    found = read("tokenizers", ROOMS["laptop"], "light", CANVAS.replace("COLOUR", colour).replace("LABELS", labels))
    assert {each["kind"] for each in found} == ({kind} if kind else set())


def test_what_is_meant_is_no_fault(read):
    meant = (
        '<p style="color: #767676">enough</p><p style="color: #949494; font-size: 24px">large</p>'
        '<button disabled style="color: #ccc; width: 60px; height: 30px">later</button>'
        f'<div title="all of the label" style="{SHORT}">all of the label</div>'
        '<button style="width: 16px; height: 16px; padding: 0; margin: 12px" title="alone">x</button>'
        '<p>a sentence with <a href="#here">a word</a> <a href="#there">and one</a></p>'
    )
    assert told(read("tokenizers", ROOMS["laptop"], "light", planted(meant))) == []


def test_titles_stand_at_one_height(chromium, server):
    context = chromium.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    places = set()
    for each in PAGES:
        page.goto(f"{server.address}/{each.address}")
        title = page.get_by_role("heading", name=each.question)
        title.wait_for(timeout=60_000)
        page.wait_for_timeout(500)
        places.add(round(title.bounding_box()["y"]))
    context.close()
    assert len(places) == 1


FOCUSED = """() => {
    let at = document.activeElement
    while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement
    // A box that is hidden behind its drawing shows the focus on that.
    for (let each = at, up = 0; each && up < 4; each = each.parentElement ?? each.getRootNode().host, up++) {
        const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(each)
        if (outlineStyle !== "none" && parseFloat(outlineWidth) >= 1) return null
        if (boxShadow !== "none") return null
        if ([...each.children].some((child) => getComputedStyle(child).boxShadow !== "none")) return null
    }
    return at === document.body ? null : `${at.tagName} ${at.className} ${at.textContent.slice(0, 30)}`
}"""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.address)
def test_whoever_goes_by_keys_sees_where_they_are(tab, page):
    tab.goto(page.address)
    tab.page.locator(".st-key-inspector").wait_for()
    tab.page.wait_for_timeout(1_000)
    unseen = set()
    for _ in range(30):
        tab.press("Tab")
        # A ring that fades in is there by then.
        tab.page.wait_for_timeout(60)
        unseen.add(tab.page.evaluate(FOCUSED))
    assert unseen - {None} == set()
