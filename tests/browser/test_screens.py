"""A laptop and a telephone, light and dark: the picture is there, whole, and nothing hangs over the edge."""

import pytest

from pages.shared.registry import HOME
from tests.browser.at_rest import QUICK
from tests.browser.tab import SIZES, colour_of
from viz.palette import DARK, LIGHT


def rgb(colour):
    return "rgb({}, {}, {})".format(*(int(colour[at : at + 2], 16) for at in (1, 3, 5)))


@pytest.mark.parametrize(("theme", "palette"), [pytest.param("light", LIGHT, marks=pytest.mark.slow), ("dark", DARK)])
def test_the_page_fits(new_tab, theme, palette):
    tab = new_tab(color_scheme=theme)
    for width, height in SIZES:
        tab.page.set_viewport_size({"width": width, "height": height})
        tab.open()
        ground = tab.page.locator("[data-testid='stApp']").evaluate("each => getComputedStyle(each).backgroundColor")
        assert ground == rgb(palette.ground)
        accent = colour_of(tab.map, "headlight-accent")
        assert accent == palette.accent
        assert tab.hangs_over <= 0
        canvas = tab.page.locator(".attention-view .base").bounding_box()
        assert canvas["x"] >= 0
        assert canvas["x"] + canvas["width"] <= width
        assert canvas["width"] > 0.6 * min(width, 500)
        check_nothing_covers(tab)
        check_colours(tab, palette)
        if width == 1280:
            # What a class sees without scrolling: the strip and the whole map.
            assert tab.chips.first.bounding_box()["y"] >= 0
            assert canvas["y"] + canvas["height"] <= height
        tab.choose_view("Model")
        tab.page.locator(".attention-view[data-view='model'][data-ready='true']").wait_for()
        assert tab.hangs_over <= 0


def check_nothing_covers(tab):
    """The middle of the map is what the pointer would meet there."""
    tab.page.locator(".attention-view .base").scroll_into_view_if_needed()
    x, y = tab.place(8, 8)
    hit = tab.page.evaluate(
        "([x, y]) => { let at = document.elementFromPoint(x, y);"
        " while (at?.shadowRoot) at = at.shadowRoot.elementFromPoint(x, y);"
        " return at?.className }",
        [x, y],
    )
    assert hit == "over"


def check_colours(tab, palette):
    """The largest weight has the strongest colour of this theme, the smallest the faintest."""
    values = tab.values()
    cells = [(value, query, key) for query, row in enumerate(values) for key, value in enumerate(row)]
    for (_, query, key), expected in ((max(cells), palette.amount[-1]), (min(cells), palette.amount[0])):
        pixel = tab.map.evaluate(
            "(root, [query, key]) => { const { x, y } = root.headlight.place(query, key);"
            " const base = root.querySelector('.base'), box = base.getBoundingClientRect();"
            " const [across, down] = [x - box.left, y - box.top].map(each => (each * base.width) / box.width);"
            " return [...base.getContext('2d').getImageData(across, down, 1, 1).data] }",
            [query, key],
        )
        wanted = [int(expected[at : at + 2], 16) for at in (1, 3, 5)]
        assert max(abs(a - b) for a, b in zip(pixel, wanted, strict=False)) <= 4
        assert pixel[3] == 255


@pytest.mark.parametrize("room", QUICK, ids="-".join)
def test_home_fits(at_rest, room):
    assert at_rest(HOME, room).hangs_over <= 0


def test_a_change_of_theme_and_of_size_repaints(tab):
    tab.open()
    tab.page.emulate_media(color_scheme="dark")
    tab.page.wait_for_function(
        "ground => getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor === ground",
        arg=rgb(DARK.ground),
    )
    tab.choose_head(2)
    tab.wait_for_map("encoder-3-2")
    check_colours(tab, DARK)
    before = tab.page.locator(".attention-view .base").bounding_box()["width"]
    tab.page.set_viewport_size({"width": 390, "height": 720})
    tab.page.wait_for_function("before => document.querySelector('.st-key-map').clientWidth < before", arg=before)
    tab.wait_until(lambda: tab.hangs_over <= 0)
    check_nothing_covers(tab)
    tab.point_at(10, 2)
    assert tab.tip.startswith("it → animal: ")
