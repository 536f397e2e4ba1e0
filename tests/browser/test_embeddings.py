"""The embeddings page in Chromium: points that move with the layer, and what is really near them."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from models.embeddings import SensesRequest, VectorMapsRequest, nearest
from models.embeddings.token_vectors import EmbedRequest
from models.engine import engine
from pages.embeddings.examples import EXAMPLES
from tests.browser.tab import colour_of
from viz.number_format import part_text
from viz.palette import DARK

PICTURE = ".vector-map[data-ready='true']"
BANK = EXAMPLES[0]
LINES = tuple(BANK.text.split("\n"))


def root(tab):
    return tab.page.locator(PICTURE)


def opened(tab, **query):
    tab.goto("embeddings", **query)
    root(tab).wait_for()
    return tab


def positions(tab, layer):
    return root(tab).evaluate(
        "(root, layer) => root.headlight.points().map((_, point) => root.headlight.value(layer, point))", layer
    )


def pixels(tab):
    return root(tab).evaluate("root => root.headlight.points().map((_, point) => root.headlight.place(point))")


def wait_for_layer(tab, layer):
    """Until the points have come to rest there."""
    expect(root(tab)).to_have_attribute("data-shown", str(layer))


def listed(tab):
    rows = tab.page.locator(".st-key-inspector table tr").all()
    return [row.locator("th, td").all_inner_texts() for row in rows[1:]]


def test_a_layer_moves_the_points_and_a_click_lists_true_neighbours(new_tab):
    tab = opened(new_tab())
    page = tab.page
    expected = engine.run(VectorMapsRequest("minilm", LINES, "bank", "pca", 2, same_size=True))
    low = expected.points.min(axis=(0, 1))
    size = (expected.points.max(axis=(0, 1)) - low).max()
    for layer in (0, 6):
        np.testing.assert_allclose(positions(tab, layer), (expected.points[layer] - low) / size, atol=1e-4)
    expect(page.locator(".vector-map .says")).to_contain_text("shares the sense for 1 of 6, 2 tied")
    # Under each small picture its scale and its count; what chance gives stands below them.
    spread = expected.spread
    assert page.locator(".vector-map .thumb").nth(6).inner_text().split("\n") == ["L6 6/6", part_text(spread[6])]
    # For a screen reader they are words apart, and no "L66/6".
    named = re.compile(f", 6 of 6, scale {re.escape(part_text(spread[6]))}$")
    expect(page.locator(".vector-map .thumb").nth(6)).to_have_accessible_name(named)
    expect(page.locator(".vector-map .means")).to_contain_text("by chance")
    before = pixels(tab)
    page.locator(".vector-map .thumb").nth(6).click()
    wait_for_layer(tab, 6)
    expect(page.locator(".vector-map .says")).to_contain_text("shares the sense for 6 of 6")
    tab.wait_for_query(depth="6")
    after = pixels(tab)
    assert max(abs(one["x"] - two["x"]) + abs(one["y"] - two["y"]) for one, two in zip(before, after, strict=True)) > 20
    page.mouse.click(after[4]["x"], after[4]["y"])
    tab.wait_for_query(point="4")
    expect(page.locator(".st-key-inspector")).to_contain_text("in line 5, after layer 6")
    states = [engine.run(EmbedRequest("minilm", line)) for line in LINES]
    places = engine.run(SensesRequest("minilm", LINES, "bank", BANK.senses)).tokens
    vectors = np.stack(
        [each.hidden_states[6, list(tokens)].mean(axis=0) for each, tokens in zip(states, places, strict=True)]
    )
    near = nearest(vectors, 4, 5)
    rows = listed(tab)
    assert [row[0] for row in rows] == [f"bank {index + 1}" for index in near.indices]
    assert [float(row[1]) for row in rows] == pytest.approx(near.values.tolist(), abs=6e-4)
    assert [row[2] for row in rows] == [BANK.senses[index] for index in near.indices]
    # The list follows the layer, by the keyboard as well.
    page.locator(".vector-map canvas.main").focus()
    tab.press("ArrowLeft")
    wait_for_layer(tab, 5)
    expect(page.locator(".st-key-inspector")).to_contain_text("after layer 5")


@pytest.mark.slow
def test_umaps_of_eight_sessions_leave_the_server_alive(new_tab):
    tabs = [new_tab() for _ in range(8)]
    for number, tab in enumerate(tabs):
        text = "\n".join([*LINES, f"The bank number {number} was closed."])
        tab.goto("embeddings", model="minilm", text=text, map="umap")
    for tab in tabs:
        root(tab).wait_for(timeout=120_000)
        expect(tab.page.locator(".vector-map .says")).to_contain_text("UMAP")
    assert opened(new_tab()).page.locator(".vector-map .thumb").count() == 7


@pytest.mark.slow
def test_the_page_fits_in_the_dark(new_tab):
    tab = new_tab(color_scheme="dark")
    for _ in tab.opened_in_sizes(opened, root(tab)):
        assert colour_of(root(tab), "headlight-ink") == DARK.ink


@pytest.mark.slow
def test_the_lens_and_the_table_are_pictures_too(new_tab):
    tab = new_tab()
    tower = EXAMPLES[1]
    tab.goto("embeddings", model=tower.model, text=tower.text, show="lens", answer=tower.answer)
    grid = tab.page.locator(".lens-grid[data-ready='true']")
    grid.wait_for()
    expect(tab.page.locator(".st-key-inspector")).to_contain_text(re.compile("first comes to the front after layer 28"))
    tab.page.get_by_text("The table", exact=True).click()
    expect(tab.page.locator(".st-key-nearest")).to_contain_text("Exact, over all 49,152 rows")
