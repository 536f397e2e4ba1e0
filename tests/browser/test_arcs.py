"""The numbers of a sentence's arcs can be told apart: none lies on another one."""

import base64

import numpy as np

from tests.browser.test_every_component import opened
from viz.components.sentence_arcs import SentenceArcs, packed

READ = """() => {
  const boxes = [...document.querySelectorAll(".below text")].map((each) => {
    const { x, width } = each.getBoundingClientRect()
    return { said: each.textContent, x, right: x + width, base: Number(each.getAttribute("y")) }
  })
  const isOn = (one, other) => Math.abs(one.base - other.base) < 9 && one.x < other.right && other.x < one.right
  const after = (at) => boxes.slice(at + 1).filter((other) => isOn(boxes[at], other))
  const pairs = boxes.flatMap((one, at) => after(at).map((other) => `${one.said} on ${other.said}`))
  return [boxes.map(({ said }) => said), pairs]
}"""


def test_no_number_lies_on_another_one(page):
    # Of two that look at each other both arcs have one middle, and neighbours' arcs have it a narrow word further.
    words = ("She", "saw", "a", "b", "c", "d", "again", ".")
    weights = np.zeros((8, 8), np.float32)
    for one, other, weight in ((0, 4, 0.61), (4, 0, 0.42), (1, 5, 0.33), (5, 1, 0.74), (2, 6, 0.55), (6, 2, 0.36)):
        weights[one, other] = weight
    opened(page, "sentence_arcs")
    data = packed(SentenceArcs(words, (), (), (), weights, "caption"))
    page.evaluate("(sample) => draw(sample)", {"data": base64.b64encode(data).decode(), "states": {}, "feed": []})
    said, pairs = page.evaluate(READ)
    assert pairs == []
    assert {"61.0", "74.0", "55.0"} <= set(said)
    assert len(said) > 4
