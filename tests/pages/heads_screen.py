"""The heads page as AppTest plays it, and its jobs until they end."""

import time

from tests.pages.screen import PageScreen, read
from tests.viz.wire import header_of

PRONOUN = "The animal didn't cross the street because it was too tired."
COMMITTEE = "The committee that the minister appointed rejected every proposal. All of them were rejected by the"
ZORBLAX = "Dr. Zorblax lives in Oslo. Yesterday I met Dr. Z"
SENTENCES = "The cat sat on the mat.\nA dog chased the old cat.\nThey gave her a book."


class Heads(PageScreen):
    PAGE = "pages/heads/page.py"
    PICTURE = "head_atlas"

    def until(self, is_there, seconds=90):
        """Run again and again, as the page does while something is computed."""
        end = time.monotonic() + seconds
        while not is_there(self) and time.monotonic() < end:
            time.sleep(0.2)
            self.run()
        assert is_there(self), self.problems or self.captions
        return self

    @property
    def captions(self):
        return [each.value for each in self.test.caption]

    @property
    def labels(self):
        return [each.label for each in self.test.button]

    @property
    def effects(self):
        """The header of the map of effects."""
        return header_of(self.component("effects_map"))

    @property
    def shown_transfer(self):
        """The header of the map of what comes over."""
        return header_of(self.component("transfer_map"))

    @property
    def said(self):
        """All that is written as HTML, as it is read."""
        return read(self.html)
