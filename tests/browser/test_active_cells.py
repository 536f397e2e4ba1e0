"""Pictures that are operated by keys name the cell that is active, so that a screen reader says it."""

import pytest

ACTIVE = """operated => {
  const id = operated.getAttribute("aria-activedescendant")
  const cell = id && operated.getRootNode().getElementById(id)
  return cell && operated.contains(cell) ? [cell.role, cell.ariaLabel] : null
}"""
TEXT = "It was too tired."


def slow(page, operated, words, **query):
    """A case that is as another one, of another picture."""
    return pytest.param(page, {"model": "minilm", "text": TEXT} | query, operated, words, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    ("page", "query", "operated", "words"),
    [
        ("attention", {"model": "minilm", "text": TEXT, "layer": 3, "head": 1}, ".attention-view .over", "→"),
        slow("attention", ".attention-view .over", "tired", view="heads"),
        slow("attention", ".attention-view .over", "H", view="model"),
        slow("attention", ".attention-view .over", "number", view="qk"),
        slow("embeddings", ".vector-map canvas.main", "tired"),
        slow("embeddings", ".lens-grid .room", "after", model="smollm2", show="lens"),
        ("kv_cache", {"model": "smollm2", "text": "Once", "tokens": 8}, ".cache-growth .field", "position"),
    ],
)
def test_the_active_cell_is_said(new_tab, page, query, operated, words):
    tab = new_tab()
    tab.goto(page, **query)
    picture = tab.page.locator(operated)
    picture.wait_for()
    tab.page.locator(".headlight[data-ready='true']").first.wait_for()
    tab.page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    picture.focus()
    said = []
    for key in ("ArrowDown", "ArrowRight", "ArrowUp"):
        picture.press(key)
        said.append(tab.settled(lambda: picture.evaluate(ACTIVE)))
    assert all(said), said
    assert len({label for _, label in said}) > 1
    assert any(words in label for _, label in said), said


def test_beside_a_longer_text_nothing_is_drawn_where_a_shorter_one_has_no_token(tab):
    tab.goto(
        "attention",
        model="smollm2",
        text="A cat",
        layer=3,
        head=1,
        other="A cat sat on it",
        tab="what-if-another-word-stood-there",
    )
    view = tab.page.locator(".st-key-other .attention-view[data-ready='true']")
    view.wait_for()
    colours = view.evaluate(
        """(root, size) => {
          const canvas = root.querySelector(".stage canvas"), box = canvas.getBoundingClientRect()
          return [[0, 1], [0, 4], [4, 0], [4, 4]].map((cell) => {
            const { x, y } = root.headlight.place(...cell), times = canvas.width / box.width
            const at = [(x - box.x) * times - size / 2, (y - box.y) * times - size / 2]
            return new Set(new Uint32Array(canvas.getContext("2d").getImageData(...at, size, size).data.buffer)).size
          })
        }""",
        12,
    )
    assert colours[0] > 1, "the future is hatched"
    assert colours[1:] == [1, 1, 1]
