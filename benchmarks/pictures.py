"""What the vision page costs: a picture until its map is painted, another patch, how much is sent."""

from functools import partial

import torch
from playwright.sync_api import Browser, Page

from benchmarks.measuring import Limit, Row, alone, compared, duration, interleaved, seconds_of, size
from benchmarks.serving import Server, beside_empty, both_apps, painted, seconds_in, settled
from models.loaded import LoadedModel
from models.loading import load_model

_MODEL, _SIDE = "dinov2", 224
_FIRST = Limit(1.5, "ratio", "at most 1.5 × (a forward and an empty rerun)")
_LAYER = Limit(300e3, "value", "under 300 kB")
_GRID = Limit(200e3, "value", "under 200 kB")
_ANOTHER = Limit(0.02, "value", "at most 20 ms, without the server")
_MOST_PICTURES = 20


def measure(pairs: int) -> list[Row]:
    """The page and its messages."""
    loaded = load_model(_MODEL)
    with both_apps() as (browser, server, empty_server):
        return _page(browser, server, empty_server, loaded, pairs)


def _forward(loaded: LoadedModel) -> float:
    pixels = torch.rand(1, 3, _SIDE, _SIDE, generator=torch.Generator().manual_seed(0))

    def forward() -> None:
        with torch.inference_mode():
            loaded.model(pixel_values=pixels)

    return seconds_of(forward)


def _page(browser: Browser, server: Server, empty_server: Server, loaded: LoadedModel, pairs: int) -> list[Row]:
    with beside_empty(browser, empty_server) as (page, traffic, empty_rerun):
        page.goto(server.link("vision", model=_MODEL, photo="flower"))
        painted(page, component="patch-view")
        settled(page)
        layer = traffic.largest
        another = page.evaluate("() => bench.otherPatches()")
        traffic.restart()
        page.locator(".st-key-looks_view_box").get_by_text("All layers and heads").click()
        painted(page, component="picture-maps")
        settled(page)
        grid = traffic.largest
        page.goto(server.link("vision", model=_MODEL, photo="flower"))
        painted(page, component="patch-view")
        page.locator(".st-key-own_picture summary").click()
        page.locator(".st-key-picture_file input[type=file]").wait_for(state="attached")
        settled(page)
        measured = interleaved(
            partial(_another_picture, page), lambda: _forward(loaded) + empty_rerun(), min(pairs, _MOST_PICTURES)
        )
    return [
        compared("a picture, chosen to painted (beside: its forward and an empty rerun)", measured, duration, _FIRST),
        alone("another patch, press to painted", another / 1000, duration, _ANOTHER),
        alone("a picture with all heads of a layer: the largest message", layer, size, _LAYER),
        alone("layers × heads as thumbnails: the largest message", grid, size, _GRID),
    ]


def _another_picture(page: Page) -> float:
    return seconds_in(page, "() => bench.anotherPicture()")
