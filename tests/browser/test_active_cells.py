"""Pictures that are operated by keys name the cell that is active, so that a screen reader says it."""

import pytest

ACTIVE = """operated => {
  const id = operated.getAttribute("aria-activedescendant")
  const cell = id && operated.getRootNode().getElementById(id)
  return cell && operated.contains(cell) ? [cell.role, cell.ariaLabel] : null
}"""
TEXT = "It was too tired."


@pytest.mark.parametrize(
    ("page", "query", "operated", "words"),
    [
        ("attention", {"model": "minilm", "text": TEXT, "layer": 3, "head": 1}, ".attention-view .over", "→"),
        pytest.param(
            "attention",
            {"model": "minilm", "text": TEXT, "view": "heads"},
            ".attention-view .over",
            "tired",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "attention",
            {"model": "minilm", "text": TEXT, "view": "model"},
            ".attention-view .over",
            "H",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "attention",
            {"model": "minilm", "text": TEXT, "view": "qk"},
            ".attention-view .over",
            "number",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "embeddings", {"model": "minilm", "text": TEXT}, ".layer-map canvas.main", "tired", marks=pytest.mark.slow
        ),
        pytest.param(
            "embeddings",
            {"model": "smollm2", "text": TEXT, "show": "lens"},
            ".lens-grid .room",
            "after",
            marks=pytest.mark.slow,
        ),
        ("kv_cache", {"model": "smollm2", "text": "Once", "tokens": 8}, ".cache-growth .field", "position"),
    ],
)
def test_the_active_cell_is_said(new_tab, page, query, operated, words):
    tab = new_tab()
    tab.goto(page, **query)
    picture = tab.page.locator(operated)
    picture.wait_for()
    tab.page.locator(".headlight[data-ready='true']").first.wait_for()
    tab.page.wait_for_timeout(1_000)
    picture.focus()
    said = []
    for key in ("ArrowDown", "ArrowRight", "ArrowUp"):
        picture.press(key)
        tab.page.wait_for_timeout(150)
        said.append(picture.evaluate(ACTIVE))
    assert all(said), said
    assert len({label for _, label in said}) > 1
    assert any(words in label for _, label in said), said
