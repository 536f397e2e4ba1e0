"""What a person sees and does in one tab, and everything that went wrong in it."""

import re
import time
import urllib.parse

from playwright.sync_api import TimeoutError as NothingCame
from playwright.sync_api import expect

from pages.shared.registry import EVERY_PAGE

MAP = ".attention-view[data-ready='true']"
GRID = ".attention-view[data-view='model'][data-ready='true']"
# Streamlit itself asks for these below a page that is opened directly, and is answered 404.
PROBES = tuple(f"/{page.address}/_stcore/{what}" for page in EVERY_PAGE for what in ("health", "host-config"))


# A laptop and a telephone.
SIZES = ((1280, 720), (390, 844))


def colour_of(element, name):
    """A colour of the palette as the picture has it."""
    return element.evaluate("(root, name) => getComputedStyle(root).getPropertyValue(name).trim()", f"--{name}")


class Tab:
    """A page, and what must not happen in it: `faults` lists requests to elsewhere and errors."""

    def __init__(self, page, server):
        self.server, self.faults, self.page = server, [], page
        self.page.set_default_timeout(45_000)
        self.listeners = {
            "request": lambda request: self.on_address("request", request.url),
            "websocket": lambda socket: self.on_address("websocket", socket.url),
            "console": self.on_console,
            "pageerror": lambda error: self.fault("page error", str(error)),
        }
        for what, listener in self.listeners.items():
            self.page.on(what, listener)

    def on_address(self, what, address):
        host = self.server.address.removeprefix("http:")
        if not address.startswith((f"http:{host}/", f"ws:{host}/", "data:", f"blob:http:{host}/")):
            self.fault(what, address)

    def fault(self, what, detail):
        self.faults.append(f"{what}: {detail}")

    def on_console(self, message):
        place = urllib.parse.urlsplit(message.location.get("url", ""))
        if message.type == "error" and place.path not in PROBES:
            self.fault("console error", f"{message.text} ({message.location})")

    # What is opened

    def open(self, path="attention", **query):
        """Open a link and wait for the picture it leads to."""
        self.goto(path, **query)
        self.map.wait_for()
        return self

    def goto(self, path="attention", **query):
        text = urllib.parse.urlencode(query, quote_via=urllib.parse.quote)
        self.page.goto(f"{self.server.address}/{path}{'?' if text else ''}{text}")

    @property
    def query(self):
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.page.url).query))

    def wait_for_query(self, **said):
        """Until the address says this."""
        self.page.wait_for_function(
            "said => { const now = new URLSearchParams(location.search);"
            " return Object.entries(said).every(([name, value]) => now.get(name) === value) }",
            arg=said,
        )

    def wait_until(self, fact):
        """Until this is true: what no locator waits for is asked again, since a busy machine takes its time."""
        end = time.monotonic() + 30
        while not fact():
            assert time.monotonic() < end, "it did not come to that"
            self.page.wait_for_timeout(50)

    def settled(self, read):
        """What is read once it has been the same for half a second."""
        found, since = read(), time.monotonic()
        end = since + 30
        while time.monotonic() < since + 0.5:
            assert time.monotonic() < end, "it does not come to rest"
            self.page.wait_for_timeout(100)
            if (now := read()) != found:
                found, since = now, time.monotonic()
        return found

    # What is on the screen

    @property
    def map(self):
        return self.page.locator(MAP)

    @property
    def chips(self):
        return self.page.locator(".attention-view .chip")

    @property
    def tokens(self):
        return self.page.locator(".attention-view .chip .piece").all_text_contents()

    @property
    def tip(self):
        """What the tooltip says, or None while there is none."""
        tip = self.page.locator(".attention-view .tip")
        return tip.text_content() if tip.is_visible() else None

    def spoken(self, picture=".attention-view"):
        """What a screen reader says last of a picture: of the cell that its keys are at, else of what is pointed at."""
        return self.page.locator(picture).evaluate(
            "root => root.querySelector('.active-cell')?.ariaLabel ?? root.querySelector('[aria-live]').textContent"
        )

    @property
    def selected(self):
        """The token with the accent's frame."""
        return self.page.locator(".attention-view .chip.selected .piece").text_content()

    def wait_for_tokens(self, tokens):
        expect(self.page.locator(".attention-view .chip .piece")).to_have_text(list(tokens), timeout=45_000)

    def wait_for_map(self, name):
        self.page.locator(f"{MAP}[data-map='{name}']").wait_for()
        # Streamlit keeps the picture of before until its run has ended.
        expect(self.map).to_have_count(1, timeout=45_000)

    def wait_for_selected(self, place):
        expect(self.chips.nth(place)).to_have_class(re.compile(r"\bselected\b"), timeout=45_000)

    @property
    def inspector(self):
        return self.page.locator(".st-key-inspector .headlight-sentence")

    def wait_for_inspector(self, text):
        expect(self.inspector).to_contain_text(text, timeout=45_000)

    @property
    def hangs_over(self):
        """How many pixels the page is wider than the window."""
        return self.page.evaluate(
            "() => Math.max(...['html', 'body', '[data-testid=stMain]'].map(each => document.querySelector(each))"
            ".map(each => each.scrollWidth - each.clientWidth))"
        )

    def opened_in_sizes(self, opened, picture):
        """At each size of a window: `opened(self)`, then nothing hangs over and the picture is on the screen."""
        for width, height in SIZES:
            self.page.set_viewport_size({"width": width, "height": height})
            opened(self)
            assert self.hangs_over <= 0
            box = self.settled(picture.bounding_box)
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
            if width == 1280:
                assert box["y"] + box["height"] <= height, "the whole picture is on the first screen"
            yield width

    @property
    def focused(self):
        """Class and text of what has the focus, also inside of components."""
        return self.page.evaluate(
            "() => { let at = document.activeElement;"
            " while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;"
            " return [at.className, at.textContent] }"
        )

    def value(self, query, key):
        return self.map.evaluate("(root, [query, key]) => root.headlight.value(query, key)", [query, key])

    def values(self):
        """Every number behind the map."""
        return self.map.evaluate(
            "root => { const count = root.querySelectorAll('.chip').length, all = [...Array(count).keys()];"
            " return all.map(query => all.map(key => root.headlight.value(query, key))) }"
        )

    # What is done

    def look(self, text):
        """Type a text and press Look."""
        box = self.page.locator(".st-key-text_box textarea")
        box.fill(text)
        self.page.get_by_role("button", name="Look", exact=True).click()

    def place(self, query, key):
        """The middle of a cell, in pixels of the window."""
        where = self.map.evaluate("(root, [query, key]) => root.headlight.place(query, key)", [query, key])
        return where["x"], where["y"]

    def point_at(self, query, key):
        self.page.mouse.move(*self.place(query, key))

    def choose_head(self, head):
        self.page.locator(".st-key-head_box").get_by_role("radio", name=str(head), exact=True).click()

    def choose_view(self, name):
        self.page.locator(".st-key-view_box").get_by_role("radio", name=name, exact=True).click()

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    def open_tab(self, name):
        self.page.get_by_role("tab", name=name).click()

    def open_whole_tab(self, name):
        """Open it, and wait until all of it has come: one that is not open has nothing in it."""
        self.open_tab(name)
        expect(self.page.get_by_role("tabpanel", name=name)).to_have_text(re.compile(r"\S"), timeout=45_000)
        self.page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()

    def download(self, label):
        """The file behind a button, as text. A run that ends takes the files away that were made while it ran."""
        self.page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
        for _ in range(3):
            try:
                with self.page.expect_download(timeout=10_000) as started:
                    self.page.get_by_role("button", name=label, exact=True).click()
                return started.value.path().read_bytes().decode("utf-8")
            except NothingCame:
                # Chromium drops one in forty clicks on a link (not on the button) that come right after a download.
                continue
        raise AssertionError(f"three clicks on {label} downloaded nothing")
