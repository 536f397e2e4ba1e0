"""Words of the field are explained where they stand, in our text alone."""

import re

import pytest

from viz.glossary import GLOSSARY, explained, explained_markdown, style, term, words_in
from viz.inspector import heading, line
from viz.tables import sentences

_TERM = re.compile(
    r'<span class="headlight-term" tabindex="0" style="--means:var\(--headlight-means-([\w-]+)\)">(.*?)</span>'
)


def marked(page):
    return [found[1] for found in _TERM.findall(page)]


def test_a_word_is_explained_where_it_stands_first():
    assert marked(explained("2.4 nats of 11 nats, or 3.5 bits")) == ["nats"]
    assert marked(explained("Logits, entropy and cross-entropy")) == ["Logits", "entropy", "cross-entropy"]
    assert marked(explained("the logit lens")) == ["logit lens"]
    assert marked(explained("signatsink, nats-1, a sinking Q4_10")) == []


def test_somebodys_text_is_nobodys_term():
    page = explained("“sink nats” <bdi>entropy</bdi> &lt;b&gt; logit")
    assert marked(page) == ["logit"]
    assert page.startswith("“sink nats” <bdi>entropy</bdi> &lt;b&gt; ")


@pytest.mark.parametrize("draw", [line, heading, lambda text: sentences([text])])
def test_what_is_explained_stays_escaped(draw):
    page = draw("<script>nats</script> & nats")
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert marked(page) == ["nats"]


def test_markdown_keeps_its_code_and_shows_html_as_text():
    said = explained_markdown("A **logit**, `softmax(a < b)`, <img src=x> and the softmax")
    assert "`softmax(a < b)`" in said
    assert "&lt;img src=x&gt;" in said
    assert marked(said) == ["logit", "softmax"]


def test_every_word_is_found_and_has_one_sentence():
    said = style()
    for word, sentence in GLOSSARY.items():
        name = re.sub(r"[^A-Za-z0-9]+", "-", word).lower()
        assert f"--headlight-means-{name}:" in said
        assert re.fullmatch(r"[A-Zea].*[.]", sentence), sentence
        assert len(sentence) < 120
        text = {"kept": "2 are kept (by chance 1)", "bits": "(3 bits)"}.get(word, word)
        assert words_in(text) == {word}
    assert "</style" not in said


def test_a_word_that_the_glossary_lacks_is_no_term():
    with pytest.raises(KeyError):
        term("flux")


def test_the_style_holds_nothing_that_a_browser_takes_for_a_tag():
    """What sanitises HTML drops a whole style sheet with "<!" in it, and the page stands there without one."""
    assert "<" not in style()
