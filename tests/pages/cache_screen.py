"""One person's tab on the KV cache page, as AppTest plays it."""

import time

from models.engine import engine
from pages.kv_cache.examples import EXAMPLES as CACHES
from tests.pages.screen import PageScreen
from tests.viz.wire import header_of

PAGE = "pages/kv_cache/page.py"
ONCE = CACHES[0]
TABS = (
    "Does the formula agree?",
    "When does it outgrow the model?",
    "What if?",
    "What does it buy?",
    "In 8 bits?",
    "What am I looking at?",
    "Take it with you",
    "Show the code",
)


class Cache(PageScreen):
    """A session on the KV cache page."""

    PAGE, PICTURE = PAGE, "cache_growth"

    @property
    def fed(self):
        """The header of the steps that were sent."""
        return header_of(self.component(f"cache_feed_{self.shown['run']}"))

    def until_rounded(self):
        """In 8 bits: until both ways are computed, or it was said why not."""
        for _ in range(400):
            if "As it is" in self.html or any("8-bit cache" in each.value for each in self.test.info):
                return self
            time.sleep(0.1)
            self.run()
        raise AssertionError("the comparison did not come to an end")

    def until_done(self):
        for _ in range(400):
            if self.fed["isDone"]:
                return self.run()
            time.sleep(0.1)
            self.run()
        raise AssertionError("it did not come to an end")


def wait_for_nothing_to_run():
    for _ in range(100):
        if not engine.jobs_running:
            return
        time.sleep(0.1)
    raise AssertionError("something goes on")
