"""One fresh server and one Chromium for all tests here, and a new tab, which is a new session, for each of them.

Nothing of the project's packages is imported at the top: a conftest is read before pytest's plugins are set up, and
jaxtyping's can only check what it sees imported.
"""

import os
import shutil

import pytest
from playwright.sync_api import sync_playwright

from tests.browser.empty_pages import EmptyPages
from tests.browser.serving import serving
from tests.browser.tab import SIZES, Tab
from tests.one_thread import one_thread


def pytest_collection_modifyitems(items):
    for item in items:
        if "/tests/browser/" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def playwright():
    with sync_playwright() as playwright:
        yield playwright


def settings():
    """Which Chromium is started, and how."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    # No name can be resolved, so that what asks elsewhere fails as in a room without internet; tabs note that it asked.
    # Intercepting requests instead would switch the browser's cache off. Without a path: Playwright's own.
    only_here = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    # What imitates a graphics card, and threads that wait for each other, take an eighth of what a page takes.
    plain = ("--disable-gpu", "--disable-threaded-animation", "--num-raster-threads=1")
    return {"executable_path": path, "args": ["--no-sandbox", only_here, *plain]}


@pytest.fixture(scope="session")
def chromium(playwright):
    browser = playwright.chromium.launch(**settings())
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def empty_pages():
    return EmptyPages()


@pytest.fixture(scope="session")
def fresh(everyday, empty_pages, tmp_path_factory):
    """A server of which /attention was the very first thing that anybody opened, and what was seen then."""
    with serving(tmp_path_factory.mktemp("server")) as server:
        tab = Tab(empty_pages.take(everyday, SIZES[0]), server)
        tab.goto("attention")
        tab.page.locator(".attention-view[data-ready='true'], .st-key-problem").first.wait_for(timeout=120_000)
        seen = {
            "links": tab.page.locator("[data-testid='stSidebarNavLink']").all_text_contents(),
            "models": tab.page.locator(".st-key-model_box").count(),
            "maps": tab.map.count(),
            "faults": tab.faults,
            "title": tab.page.title(),
        }
        empty_pages.leave(tab)
        yield server, seen


@pytest.fixture(scope="session")
def server(fresh):
    return fresh[0]


@pytest.fixture(scope="session")
def everyday(playwright, tmp_path_factory):
    """A browser at 1280 pixels, light.

    In a folder of its own it keeps what it has read and compiled of Streamlit's scripts: opening a page takes half of
    what it takes in a new context, and two thirds of what it takes in one that keeps its cache in memory.
    """
    context = playwright.chromium.launch_persistent_context(
        tmp_path_factory.mktemp("everyday"),
        viewport={"width": 1280, "height": 720},
        color_scheme="light",
        **settings(),
    )
    yield context
    context.close()


@pytest.fixture(scope="session")
def looking(everyday, chromium, server):
    from tests.browser.at_rest import Looking

    looking = Looking(everyday, chromium, server)
    yield looking
    looking.end()


@pytest.fixture(scope="session")
def at_rest(looking):
    """`at_rest(page, room)`: what was seen of a page of the registry when nothing in it moved any more."""
    return lambda page, room: looking.at_rest("" if page.address == "home" else page.address, room)


@pytest.fixture(scope="session")
def others(chromium):
    """The browsers of other people, one each, for as many as came at once until now."""
    contexts = []
    yield contexts
    for context in contexts:
        context.close()


@pytest.fixture
def new_tab(everyday, others, empty_pages, chromium, server):
    """Opens tabs: in the everyday browser, or as somebody else, in another. color_scheme, size: of this tab alone.

    At the end nothing may have gone wrong in any of them, nor on the server.
    """
    tabs = []

    def opened(*, somebody_else=False, color_scheme="light", size=SIZES[0]):
        context = everyday
        if somebody_else:
            came = {tab.page.context for tab in tabs}
            if all(each in came for each in others):
                others.append(chromium.new_context(viewport={"width": 1280, "height": 720}))
            context = next(each for each in others if each not in came)
        tabs.append(Tab(empty_pages.take(context, size, color_scheme), server))
        return tabs[-1]

    logged = len(server.traces())
    yield opened
    for tab in tabs:
        empty_pages.leave(tab)
    assert [fault for tab in tabs for fault in tab.faults] == []
    assert server.traces()[logged:] == []


@pytest.fixture
def tab(new_tab):
    return new_tab()


@pytest.fixture(scope="session")
def weights():
    """`weights(model, text, layer, head)` as a trace computed by the test's own process gives them."""
    from models.attention import trace_attention
    from models.loading import load_model

    loaded = {}

    def computed(model, text, layer, head=None):
        if model not in loaded:
            loaded[model] = load_model(model)
        trace = trace_attention(loaded[model], text)
        return trace.weights(trace.kinds[0], layer, head)

    with one_thread():
        yield computed


@pytest.fixture(scope="session")
def page_without_server(chromium):
    page = chromium.new_page()
    yield page
    page.close()


@pytest.fixture
def page(page_without_server):
    """An empty page, whose scripts may not fail."""
    page, faults = page_without_server, []

    def fault(error):
        faults.append(str(error))

    page.goto("about:blank")
    page.set_viewport_size({"width": 1280, "height": 720})
    page.mouse.move(-1, -1)
    page.on("pageerror", fault)
    yield page
    page.remove_listener("pageerror", fault)
    assert faults == []
