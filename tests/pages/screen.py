"""One person's tab, as AppTest plays it: what was opened, what is on the screen, what is typed and clicked."""

import functools
import json
import re
import runpy
import shlex
import sys
from pathlib import Path

import numpy as np
from streamlit.components.v2 import manifest_scanner
from streamlit.components.v2.bidi_component.main import _make_trigger_id
from streamlit.runtime.scriptrunner.script_cache import ScriptCache
from streamlit.testing.v1 import AppTest, local_script_runner
from streamlit.util import calc_hash

from pages.shared.page import tab_name
from tests.viz.wire import header_of, unpack

ROOT = Path(__file__).resolve().parents[2]
ATTENTION = "pages/attention/page.py"
HOME = "pages/home/page.py"
TEXT_BOX = "text_box"
# Streamlit's own time limit; the first run of a process imports torch and loads a model.
SECONDS = 120

# Each AppTest begins a runtime, and that looks for components in all that is installed: half the time of a page.
setattr(manifest_scanner, "scan_component_manifests", functools.cache(manifest_scanner.scan_component_manifests))  # noqa: B010
# Each run would compile app.py and the page again.
setattr(local_script_runner, "ScriptCache", functools.cache(ScriptCache))  # noqa: B010


def _wait_for(runner, timeout):
    """AppTest asks a thousand times a second whether the script has ended, which takes the processor from it."""
    runner._script_thread.join(timeout)
    if not runner.script_stopped():
        _asked_again(runner, timeout=0)


_asked_again = local_script_runner.require_widgets_deltas
setattr(local_script_runner, "require_widgets_deltas", _wait_for)  # noqa: B010


def read(page):
    """The HTML as it is read: without what explains a word."""
    return re.sub(r'<span class="headlight-term"[^>]*>(.*?)</span>', r"\1", page)


class Screen:
    """A new session that opened the attention page by a link with this query."""

    def __init__(self, page=ATTENTION, **query):
        self.test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=SECONDS)
        for name, value in query.items():
            self.test.query_params[name] = value
        # Until the app ran once, AppTest takes the file's name for the address.
        # The default page has the empty address, and the hash of its script's name.
        self.test._page_hash = calc_hash(Path(page).stem if page == HOME else Path(page).parent.name)
        self.run()

    def run(self):
        """Run the page; whatever happens, no stack trace may reach a person."""
        self.test.run()
        assert [each.message for each in self.test.exception] == []
        return self

    def go(self, page):
        """Navigate: Streamlit takes the old page's query off the address."""
        self.test.query_params.clear()
        self.test.switch_page(page)
        return self.run()

    def look(self, text):
        """Type a text and press Look."""
        self.test.text_area(key=TEXT_BOX).set_value(text)
        self.test.button(key="FormSubmitter:text_form-Look").click()
        return self.run()

    def open_example(self, label):
        self.test.button(key=f"example_{label}").click()
        return self.run()

    def choose_tab(self, label):
        """As a press on it does; seen with the next run."""
        self.test.session_state["choice:tab"] = tab_name(label)

    def open_tab(self, label):
        self.choose_tab(label)
        return self.run()

    def output_of_the_code(self, name, monkeypatch, capsys, folder=ROOT):
        """What the program prints that is shown, called in this folder as it is said there, line by line."""
        command, program = (each.value for each in self.test.code)
        path = ROOT / "docs" / "programs" / f"{name}.py"
        assert program == path.read_text().rstrip()
        python, *words = shlex.split(command)
        assert (python, words[0]) == ("python", path.name)
        monkeypatch.setattr(sys, "argv", words)
        monkeypatch.chdir(folder)
        runpy.run_path(str(path), run_name="__main__")
        return capsys.readouterr().out.splitlines()

    def press(self, key):
        self.test.button(key=key).click()
        return self.run()

    def tell(self, key, name, value):
        """What the script of a browser component tells."""
        (found,) = [each for each in self.test.get("bidi_component") if each.key == key]
        states = self.test._tree.get_widget_states()
        said = json.dumps([{"event": name, "value": value}])
        states.widgets.add(id=_make_trigger_id(found.proto.id, "events"), json_trigger_value=said)
        self.test._run(states)
        assert [each.message for each in self.test.exception] == []
        return self

    @property
    def typed(self):
        return self.test.text_area(key=TEXT_BOX).value

    @property
    def query(self):
        return dict(self.test.query_params)

    @property
    def problems(self):
        """The sentences that stand where the picture would be."""
        return [each.value for block in self.blocks("problem") for each in block.error]

    @property
    def notes(self):
        """What was not taken as it was said."""
        return [each.value for number in range(20) for block in self.blocks(f"note_{number}") for each in block.info]

    def blocks(self, key):
        return [each for each in self.test.main if getattr(each, "key", None) == key]

    def component(self, key):
        """The bytes that a browser component was sent, or None if it is not on the screen."""
        found = [each for each in self.test.get("bidi_component") if each.key == key]
        return found[0].proto.bytes if found else None

    def state(self, key):
        """What a picture was told apart from itself."""
        found = [each for each in self.test.get("bidi_component") if each.key == f"{key}_state"]
        return json.loads(found[0].proto.json)

    @property
    def has_picture(self):
        """Whether a map is there."""
        return self.component("attention_view") is not None and self.shown["view"] == "matrix"

    @property
    def shown(self):
        """What the main picture says: its header, and what was told apart from it."""
        header, state = header_of(self.component("attention_view")), self.state("attention_view")
        assert state["of"] == header["of"]
        return header | state | {"caption": f"{header['caption']} {state['note']}".strip()}

    @property
    def cells(self):
        """The numbers of each map of the main picture."""
        kind = f"float{self.shown['bits']}"
        shapes = [(kind, (each["rows"], each["columns"])) for each in self.shown["panels"]]
        return unpack(self.component("attention_view"), *shapes)[1]

    @property
    def row(self):
        """What the strip shows: the weights of the selected token."""
        shown = self.shown
        if "row" in shown:
            return np.array(shown["row"], dtype=np.float64)
        return self.cells[shown["main"]][shown["selected"]].astype(np.float64)

    @property
    def inspector(self):
        """The HTML beside the picture."""
        return read("".join(each.proto.body for block in self.blocks("inspector") for each in block.get("html")))

    @property
    def view(self):
        """Which picture is shown, with which token selected."""
        header = self.shown
        return header["map"], header["queries"][header["selected"]]


class PageScreen(Screen):
    """A session on another page. PICTURE: the key of what is shown there."""

    PAGE = PICTURE = ""

    def __init__(self, **query):
        super().__init__(self.PAGE, **query)

    @property
    def has_picture(self):
        return self.component(self.PICTURE) is not None

    @property
    def shown(self):
        """What the picture says in its header."""
        return header_of(self.component(self.PICTURE))

    @property
    def html(self):
        return read("".join(each.proto.body for each in self.test.get("html")))
