"""Another model, chosen in the sidebar: of the hub's shelf, by its id, or in a folder."""

import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from models.catalog import MODELS
from models.engine import engine as shared_engine
from models.loading import open_folder
from models.loading.hub import is_fetched
from models.loading.hub_ids import hub_id
from pages.shared.model_choice import figures, titles
from tests.models.hub_fetching import MODEL, NAME, files, hub
from tests.models.hub_server import Faults
from tests.models.test_folders import save
from tests.pages.screen import HOME, ROOT, Screen

__all__ = ["files", "hub"]


class Choice(Screen):
    """The home page, which computes nothing, with the box for another model open."""

    def __init__(self, **query):
        super().__init__(HOME, **query)
        self.test.session_state["another"] = True
        self.run()

    @property
    def sidebar(self):
        return self.test.sidebar

    def source(self, name):
        self.test.segmented_control(key="another_source").set_value(name)
        return self.run()

    @property
    def captions(self):
        return " ".join(each.value for each in self.sidebar.caption)

    @property
    def errors(self):
        return [each.value for each in self.sidebar.error]

    @property
    def coming(self):
        """How much of a download is there, as the bar shows it."""
        return max((each.proto.value / 100 for each in self.test.get("progress")), default=0.0)

    @property
    def said(self):
        return " ".join(each.proto.text for each in self.test.get("progress"))

    @property
    def model(self):
        return self.test.selectbox(key="model_box").value

    def look_up(self, name, revision=""):
        self.source("Hub id")
        self.test.text_input(key="hub_id").set_value(name)
        self.test.text_input(key="hub_revision").set_value(revision)
        self.test.button(key="FormSubmitter:hub_form-Look it up").click()
        return self.run()

    def open_folder(self, path):
        self.source("Folder")
        self.test.text_input(key="folder_path").set_value(str(path))
        self.test.button(key="FormSubmitter:folder_form-Open it").click()
        return self.run()

    def fetch(self):
        self.test.button(key="hub_fetch").click()
        return self.run()

    def until(self, holds):
        end = time.monotonic() + 30
        while not holds():
            assert time.monotonic() < end, (self.captions, self.errors)
            time.sleep(0.05)
            self.run()
        return self


@pytest.fixture
def folder(allowed):
    return save("llama", allowed / "Mein Modell été")


def test_the_box_lists_what_is_always_there(folder):
    screen = Choice()
    assert screen.model == "minilm"
    assert screen.test.selectbox(key="model_box").options == [card.title for card in MODELS.values()]
    assert "6 layers × 12 heads, width 384, 23 million parameters, up to 512 tokens." in screen.captions


def test_the_shelf_states_its_figures(hub):
    screen = Choice()
    screen.test.selectbox(key="hub_shelf").set_value("gemma-3-270m")
    screen.run()
    for said in ("268 million parameters", "1,072 MB in float32", "Gemma terms of use", "Gated", "estimate", "5.0 GB"):
        assert said in screen.captions
    assert screen.test.button(key="hub_fetch").label == "Fetch it (about 575 MB)"
    assert hub.requests == []


def test_a_model_of_the_shelf_is_fetched_and_chosen(hub, files):
    hub.models["distilbert/distilgpt2"] = files
    screen = Choice()
    screen.test.selectbox(key="hub_shelf").set_value("distilgpt2")
    screen.run().fetch().until(lambda: screen.model == "distilgpt2")
    assert screen.query["model"] == "distilgpt2"
    assert screen.errors == []
    assert "DistilGPT-2 (decoder)" in screen.test.selectbox(key="model_box").options
    # The box has closed, and a link opens the same model in another session.
    assert not screen.test.session_state["another"]
    assert Choice(model="distilgpt2").model == "distilgpt2"
    MODELS._opened.clear()
    assert Choice(model="distilgpt2").model == "distilgpt2"


def test_an_id_is_looked_up_before_it_is_fetched(hub):
    hub.faults = Faults(pause=0.02)
    screen = Choice().look_up(f" {MODEL} ")
    card = screen.test.session_state["another:offer"]
    assert (card.name, screen.model) == (NAME, "minilm")
    assert "Licence: not stated." in screen.captions
    assert screen.test.button(key="hub_fetch").label == f"Fetch it ({card.download / 1e6:.2f} MB)"
    screen.fetch().until(lambda: hub.asked("model.safetensors"))
    assert f"of {card.download / 1e6:.2f} MB" in screen.until(lambda: screen.coming > 0.1).said
    assert screen.test.button(key="hub_fetch").disabled
    screen.test.button(key="download_stop").click()
    screen.run()
    assert not screen.test.get("progress")
    assert (screen.model, screen.errors) == ("minilm", [])
    end = time.monotonic() + 5
    while shared_engine.jobs_running:
        assert time.monotonic() < end
        time.sleep(0.02)
    hub.faults = Faults()
    screen.fetch().until(lambda: screen.model == NAME)
    assert any(where.startswith("bytes=") for where in hub.asked("model.safetensors"))


def test_what_goes_wrong_is_one_sentence_until_the_next_attempt(hub):
    screen = Choice().look_up("nobody/nothing")
    assert len(screen.errors) == 1
    assert "no such model on the hub" in screen.errors[0]
    assert "Here without it: MiniLM" in screen.errors[0]
    screen.look_up("not an id")
    assert "ORGANISATION/NAME" in screen.errors[0]
    screen.look_up(MODEL, "v9")
    assert "no such revision" in screen.errors[0]
    screen.look_up(MODEL)
    assert screen.errors == []
    hub.faults = Faults(status=500)
    screen.fetch().until(lambda: screen.errors)
    assert "answers 500" in screen.errors[0]
    assert screen.model == "minilm"
    hub.faults = Faults()
    screen.fetch().until(lambda: screen.model == NAME)
    assert screen.errors == []


def test_two_people_fetch_one_model_once(hub):
    hub.faults = Faults(pause=0.01)
    screens = [Choice().look_up(MODEL) for _ in range(2)]
    for screen in screens:
        screen.fetch()
    for screen in screens:
        screen.until(lambda each=screen: each.model == NAME)
    assert hub.asked("model.safetensors") == [""]


def test_what_the_operator_closed(hub, monkeypatch):
    monkeypatch.setenv("HEADLIGHT_MODELS", "shelf")
    screen = Choice().source("Hub id")
    assert "only the models of the shelf" in screen.captions
    assert [each.key for each in screen.test.text_input if each.key == "hub_id"] == []
    monkeypatch.setenv("HEADLIGHT_OFFLINE", "1")
    assert "The hub is closed" in screen.source("Hub shelf").captions


def test_a_folder_is_opened(folder):
    screen = Choice().open_folder(folder)
    name = f"folder:{folder}"
    assert (screen.model, screen.query["model"]) == (name, name)
    assert "2 layers × 4 heads, width 32" in screen.captions
    assert screen.test.selectbox(key="model_box").options[-1] == "Mein Modell été"
    # Nobody else's box names it, but a link does.
    assert Choice().test.selectbox(key="model_box").options == [card.title for card in MODELS.values()]
    assert Choice(model=name).model == name
    assert Choice(model=f"folder:{folder.parent}/x/../{folder.name}").model == name


def test_what_is_no_model_is_one_sentence(folder):
    (folder / "model.safetensors").unlink()
    screen = Choice().open_folder(folder)
    assert "has no weights" in screen.errors[0]
    assert screen.model == "minilm"
    assert "no such folder" in screen.open_folder(folder / "gone").errors[0]
    assert "not below one" in screen.open_folder("/etc").errors[0]


def test_a_link_to_what_cannot_be_opened_shows_the_default_and_says_so(folder, hub, monkeypatch):
    for name, why in (
        ("folder:/etc", "not below one"),
        ("gpt2", "not on this server yet"),
        ("hub:../x", "no id of a model"),
        ("zebra", "names no model"),
    ):
        screen = Screen(HOME, model=name)
        assert screen.query["model"] == "minilm"
        assert any(why in each for each in screen.notes), name
    monkeypatch.delenv("HEADLIGHT_FOLDERS")
    MODELS._opened.clear()
    assert any("Folders are closed here" in each for each in Screen(HOME, model=f"folder:{folder}").notes)
    assert "Folders are closed: other machines" in Choice().source("Folder").captions


def test_any_folder_opens_where_only_this_machine_reaches_the_server(folder, monkeypatch):
    monkeypatch.delenv("HEADLIGHT_FOLDERS")
    monkeypatch.setattr("pages.shared.model_choice.is_local", lambda: True)
    monkeypatch.setattr("pages.shared.local_or_public.is_local", lambda: True)
    assert Choice().open_folder(folder).model == f"folder:{folder}"


def test_a_model_that_is_not_known_any_more_is_opened_again_or_left(folder, monkeypatch):
    screen = Choice().open_folder(folder)
    MODELS._opened.clear()
    assert screen.run().model == f"folder:{folder}"
    MODELS._opened.clear()
    shutil.rmtree(folder)
    screen.run()
    assert screen.model == "minilm"
    assert any("not open any more" in each for each in screen.notes)


def test_a_title_is_no_markup(folder):
    """A name of a folder is text that somebody typed."""
    odd = shutil.copytree(folder, folder.parent / "**b** `c` [d](http:e) $x$ :red[f] <i>g")
    title = open_folder(str(odd)).title
    assert not set("*`[]<>$:") & set(title)
    assert os.environ["HEADLIGHT_FOLDERS"]
    assert hub_id("gpt2").name == "gpt2"


def test_a_gated_model_is_one_sentence_and_what_was_typed_stays(hub):
    hub.gated.add(MODEL)
    screen = Choice().look_up(MODEL)
    assert len(screen.errors) == 1
    assert "This model is gated" in screen.errors[0]
    assert screen.test.text_input(key="hub_id").value == MODEL


def test_a_pickle_is_one_sentence_and_what_was_typed_stays(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    screen = Choice().open_folder(folder)
    assert len(screen.errors) == 1
    assert "pickle" in screen.errors[0]
    assert screen.test.text_input(key="folder_path").value == str(folder)


def test_what_was_fetched_opens_at_once(hub):
    Choice().look_up(MODEL).fetch().until(lambda: is_fetched(NAME))
    hub.requests.clear()
    MODELS._opened.clear()
    assert Choice().look_up(MODEL).model == NAME
    assert hub.requests == []


def test_a_link_opens_a_folder_on_a_page_that_computes(folder):
    """The page reads the address once more after the model was opened."""
    odd = f"folder:{folder.parent}/x/../{folder.name}"
    screen = Screen(model=odd, text="w11 w23 w5")
    assert screen.query["model"] == f"folder:{folder}"
    assert screen.has_picture
    assert screen.notes == []
    assert Screen(model=f"{odd}/gone").query["model"] == "minilm"


def test_a_model_without_a_longest_text_says_so():
    card = replace(MODELS["minilm"], positions=None, decoder_layers=2, parameters=20_000)
    assert figures(card) == "6 + 2 layers × 12 heads, width 384, 0.02 million parameters, texts of any length."


def test_no_two_models_are_called_alike():
    card = MODELS["minilm"]
    others = [replace(card, name="a", title="x"), replace(card, name="b", title="x")]
    other = replace(card, name="hub:a/b@v1", hub="a/b", revision="v1", title="x")
    assert list(titles([card, *others, other]).values()) == [card.title, "x (1)", "x (2)", "x, v1"]


def test_the_form_is_as_it_was_when_it_is_opened_again(hub):
    screen = Choice()
    screen.test.selectbox(key="hub_shelf").set_value("t5-small")
    screen.run().look_up(MODEL)
    for is_open in (False, True):
        screen.test.session_state["another"] = is_open
        screen.run()
    assert screen.test.segmented_control(key="another_source").value == "Hub id"
    assert screen.test.text_input(key="hub_id").value == MODEL
    assert screen.test.button(key="hub_fetch").label.startswith("Fetch it")
    assert screen.source("Hub shelf").test.selectbox(key="hub_shelf").value == "t5-small"


def test_a_link_to_what_is_not_there_fills_in_the_form(hub):
    assert Choice(model="gpt2").test.selectbox(key="hub_shelf").value == "gpt2"
    screen = Choice(model=f"{NAME}@v1")
    assert screen.test.text_input(key="hub_id").value == MODEL
    assert screen.test.text_input(key="hub_revision").value == "v1"


def test_reading_a_link_does_not_wait_for_torch():
    program = (
        "import sys; from pages.shared import model_choice, thread; thread.named_in_link('folder:/a/../b');"
        "thread.named_in_link('gpt2'); print('torch' in sys.modules, 'huggingface_hub' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "False"]
