"""Every page with a tiny model of each architecture, opened from a folder with a tokenizer of words."""

import time

import numpy as np
import pytest

from models.attention import trace_attention
from models.decoding import DecodingSettings, WriteRequest
from models.embeddings import EmbedRequest
from models.engine import engine
from models.loading import load_model, open_folder
from pages.shared import download_names
from tests.models.architectures import NAMES
from tests.models.test_folders import save
from tests.pages.screen import ATTENTION, HOME, TEXT_BOX, Screen
from tests.pages.studio_screen import heads_of, products_of
from tests.viz.wire import header_of

TEXT = "w11 w23 w5 w42 w17 w5 w31 w60 w9"
LAYER, HEAD = 1, 2
LONGEST_OUTPUT = 128
# The token with which the decoders of the seq2seq models begin.
START = 2
SECONDS = 30

pytestmark = pytest.mark.usefixtures("one_torch_thread")


class Visit(Screen):
    """A session that a link opened, and that goes from page to page with one model and one text."""

    def __init__(self, card, text=TEXT):
        super().__init__(HOME, model=card.name, text=text)

    def choose(self, **values):
        for name, value in values.items():
            self.test.session_state[f"choice:{name}"] = value
        return self

    def has_been_sent(self, key):
        """A component is there; what a job makes is waited for."""
        until = time.monotonic() + SECONDS
        while self.component(key) is None and time.monotonic() < until:
            time.sleep(0.02)
            self.run()
        return self.component(key) is not None

    @property
    def said(self):
        """Everything that is said to be wrong, wherever it stands."""
        return [each.value for each in (*self.test.error, *self.test.warning)]


def opened(name, folder):
    return open_folder(str(save(name, folder / name)))


def attention_shows_the_trace(visit, card):
    target = None
    if card.family == "seq2seq":
        settings = DecodingSettings(max_new_tokens=LONGEST_OUTPUT)
        written = [step.token_id for step in engine.run(WriteRequest(card.name, TEXT, settings))]
        # Row t is the step that wrote token t: the decoder had the start token and those before it.
        target = (START, *written[:-1])
    trace = trace_attention(load_model(card.name), TEXT, target)
    for kind in trace.kinds:
        weights, visible = trace.weights(kind, LAYER), trace.visible(kind, LAYER)
        expected = np.where(visible, weights, np.nan)
        visit.choose(layer=LAYER, head=HEAD, kind=kind if target else None, view="matrix").go(ATTENTION)
        assert visit.has_picture
        assert visit.shown["map"] == f"{kind}-{LAYER}-{HEAD}"
        np.testing.assert_allclose(visit.cells[0], expected[HEAD], atol=5e-4)
        visit.choose(view="heads").run()
        np.testing.assert_allclose(heads_of(visit)[1], expected, atol=5e-4)
        visit.choose(view="qk").run()
        shown, drawn = products_of(visit)
        np.testing.assert_allclose(drawn["weights"], weights[HEAD, shown["selected"], shown["places"]], atol=1e-5)
        visit.choose(view="model").run()
        shown = visit.shown
        assert (shown["view"], shown["layers"], shown["heads"]) == ("model", list(trace.layers(kind)), len(weights))
        assert visit.said == []
    if card.family == "decoder":
        visit.choose(view="steps", length=4).run()
        assert visit.has_been_sent("written_steps")
    assert visit.said == []
    assert visit.typed == TEXT


def tokenizers_show_the_text(visit):
    visit.go("pages/tokenizers/page.py")
    assert visit.component("token_columns") is not None
    assert visit.test.text_area(key=TEXT_BOX).value == TEXT
    assert visit.said == []


def embeddings_show_every_layer(visit, card):
    visit.choose(show="context").go("pages/embeddings/page.py")
    assert visit.has_been_sent("vector_map")
    states = engine.run(EmbedRequest(card.name, TEXT)).hidden_states
    header = header_of(visit.component("vector_map"))
    # An encoder's end token has no point.
    assert (len(header["names"]), len(header["points"])) == (len(states), len(TEXT.split()))
    assert visit.said == []
    visit.choose(show="table").run()
    assert "w11" in html(visit)
    assert visit.said == []
    visit.choose(show="lens").run()
    if card.family == "encoder":
        assert visit.component("lens_grid") is None
        (sentence,) = visit.said
        assert f"{card.title} has no head over its vocabulary" in sentence
    else:
        assert visit.component("lens_grid") is not None
        assert visit.said == []


def the_cache_grows(visit, card):
    visit.choose(tokens=8).go("pages/kv_cache/page.py")
    assert visit.said == []
    if card.family == "encoder":
        assert visit.component("cache_growth") is None
        assert f"**{card.title} keeps nothing.**" in " ".join(each.value for each in visit.test.info)
    else:
        assert visit.has_been_sent("cache_growth")


def the_next_token_is_shown(visit, card):
    visit.go("pages/sampling/page.py")
    if card.family == "encoder":
        assert visit.said == []
        assert f"{card.title} has no masked-language head" in " ".join(each.value for each in visit.test.info)
        return
    assert visit.said == []
    stages = header_of(visit.component("next_token"))["top"]
    assert all(0 < shares[0] < 1 for _, _, _, shares, _ in stages)
    if card.family == "decoder":
        loaded = load_model(card.name)
        logits = trace_attention(loaded, TEXT).outputs[-1]
        assert stages[0][0] == int(np.argmax(logits))


def html(visit):
    return "".join(each.proto.body for each in visit.test.get("html"))


# One of each kind in each run: both directions, with a window; a grouped decoder; one of experts with sinks, whose own
# attention is asked; latent keys; a source and its output.
KINDS = ("modernbert", "llama", "gpt_oss", "deepseek_v3", "bart")


@pytest.mark.quick(2)
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in KINDS else pytest.mark.slow) for name in NAMES]
)
def test_every_page_opens_with_a_model_of_this_architecture(name, tmp_path):
    card = opened(name, tmp_path)
    visit = Visit(card)
    attention_shows_the_trace(visit, card)
    tokenizers_show_the_text(visit)
    embeddings_show_every_layer(visit, card)
    the_cache_grows(visit, card)
    the_next_token_is_shown(visit, card)


def test_the_picture_and_a_tab_can_each_have_a_problem(tmp_path):
    """One token makes no map, and nothing to compare in the tab below it."""
    visit = Visit(opened("llama", tmp_path), "w5").go("pages/embeddings/page.py")
    visit.choose_tab("How many numbers?")
    until = time.monotonic() + SECONDS
    while len(visit.said) < 2 and time.monotonic() < until:
        time.sleep(0.02)
        visit.run()
    assert [each.split(":")[0].split(";")[0] for each in visit.said] == [
        "One point makes no map",
        "There is only one vector",
    ]


@pytest.mark.parametrize(
    ("model", "part"),
    [
        ("minilm", "minilm"),
        ("folder:/home/ada/Mein Modell, été", "Mein-Modell-été"),
        ("folder:/home/ada/model.Q4_1.gguf", "model.Q4_1.gguf"),
        ("hub:org/model@main", "model-main"),
        ("folder:/(…)", "model"),
    ],
)
def test_a_file_is_named_after_the_model_and_not_after_its_path(model, part):
    assert download_names.of_model(model) == part


def test_a_folder_can_be_taken_along_and_its_code_names_it(tmp_path):
    card = opened("llama", tmp_path)
    visit = Visit(card)
    for page in (ATTENTION, "pages/embeddings/page.py", "pages/sampling/page.py", "pages/kv_cache/page.py"):
        visit.go(page)
        visit.choose_tab("Take it with you")
        visit.run()
        assert visit.test.get("download_button")
        assert visit.said == []
        visit.choose_tab("Show the code")
        visit.run()
        assert any(card.folder in each.value for each in visit.test.code)
