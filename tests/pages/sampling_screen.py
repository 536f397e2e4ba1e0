"""One person's tab on the sampling page, as AppTest plays it."""

import time

from pages.sampling.knobs import FIRST
from tests.pages.screen import PageScreen
from tests.viz.wire import header_of, unpack

PAGE = "pages/sampling/page.py"
PARIS = "The capital of France is"
TABS = (
    "What does it mean for whole texts?",
    "Same luck, another setting?",
    "Does it really draw so?",
    "What does beam search find?",
    "How does the prompt change it?",
    "What am I looking at?",
    "Take it with you",
    "Show the code",
)


class Sampling(PageScreen):
    """A session on the sampling page."""

    PAGE, PICTURE, TABS = PAGE, "next_token", "below_sampling"

    @property
    def survivors(self):
        """How many tokens are left after each stage that does something."""
        return {each["name"]: each["survivors"] for each in self.shown["stages"] if each["row"] is not None}

    @property
    def left(self):
        return list(self.survivors.values())[-1]

    def curves(self):
        """The names of the rows, the ranks, and the curves."""
        data = self.component("next_token")
        points, rows = len(header_of(data)["pieces"]), header_of(data)["rowCount"]
        header, (ranks, curves) = unpack(data, ("<u4", (points,)), ("<f4", (rows, points)))
        names = sorted((each for each in header["stages"] if each["row"] is not None), key=lambda each: each["row"])
        return [each["name"] for each in names], ranks, curves

    @property
    def top(self):
        """Pieces of the likeliest tokens with their probability after each row."""
        return {piece: shares for _, piece, _, shares, _ in self.shown["top"]}

    @property
    def written(self):
        """The header of the written text, or None."""
        data = self.component("written_text")
        return None if data is None else header_of(data)

    @property
    def text(self):
        return [token[0] for token in self.written["tokens"]]

    @property
    def said(self):
        return [*self.notes, *self.problems]

    @property
    def sliders(self):
        """Those that the picture follows, by the names of their stages."""
        return {each["name"]: each for each in header_of(self.component("knob_sliders"))["sliders"]}

    def slide(self, field, value):
        """Let a slider go there: of those that the picture follows, the browser tells what all are set to."""
        stage = next((knob.stage for knob in FIRST if knob.field == field), None)
        if stage is None:
            self.test.slider(key=f"{field}_box").set_value(value)
            return self.run()
        values = {name: each["value"] for name, each in self.sliders.items()} | {stage: value}
        return self.tell("knob_sliders", "moved", {"count": 1, "values": values})

    def until_done(self):
        for _ in range(400):
            if self.written is None or self.written["isDone"]:
                return self
            time.sleep(0.1)
            self.run()
        raise AssertionError("it did not come to an end")
