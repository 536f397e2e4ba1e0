"""A lesson as AppTest plays it."""

from pathlib import Path

from streamlit.util import calc_hash

from pages.shared.registry import EVERY_PAGE, LESSONS
from tests.pages.screen import PageScreen
from tests.viz.wire import header_of

RAIL = "lesson"


class Lesson(PageScreen):
    """A session that opened a link to a lesson, beside the page of its step."""

    PAGE = LESSONS.script

    def run(self):
        super().run()
        return self.follow()

    def tell(self, key, name, value):
        super().tell(key, name, value)
        return self.follow()

    def follow(self):
        """AppTest goes on with the page that it opened; a browser with the one that it was sent to."""
        if not self.test.title:
            # On a projector; whoever goes to another page then follows by hand.
            return self
        here = {each.question: each for each in EVERY_PAGE}[self.test.title[0].value]
        self.test._page_hash = calc_hash(Path(here.script).parent.name)
        return self

    @property
    def rail(self):
        """What the rail shows."""
        return header_of(self.component(RAIL))

    def guess(self, guess):
        shown = self.rail
        return self.tell(RAIL, "guess", {"lesson": shown["lesson"], "step": shown["step"], "guess": guess})

    def step(self, number):
        return self.tell(RAIL, "step", number)

    def any_guess(self):
        """One that may be told, and is most likely wrong."""
        shown = self.rail
        count = len(shown["options"])
        guesses = {
            "choose": 0,
            "number": shown["least"],
            "order": list(range(count)),
            "draw": [0.5] * count,
        }
        return self.guess(guesses[shown["kind"]])
